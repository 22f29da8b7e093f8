import type { WebContents } from 'electron';
import type { CustomToken, TokenRequest } from 'electron-latchkey';
import { PAGE_CHANNELS, type PageToken } from '../page-protocol.js';
import type { Auth } from './create-auth.js';
import { BridgeError } from './failure.js';

/** What a call of a page brings along. */
export interface PageCall {
  /**
   * The page's token of this moment; `null` when nobody is signed in. When the page cannot say, the one that main has, while
   * it lives. It is as good as the page's word: check it as a server would before something is allowed by it.
   */
  accessToken: string | null;
}

/** Answers a call. What it throws reaches the page as `ERR_INTERNAL`, without its text. */
export type PageCallHandler = (input: unknown, call: PageCall) => unknown;

/** What {@link pageSession} gives: a source of tokens, and the answers to the page's calls. */
export interface PageSession {
  /** For `provider: { type: 'custom', id, getToken }`: asks the page. */
  getToken(request: TokenRequest): Promise<CustomToken | null>;
  /** Answers the pages of `auth`, and has its session follow theirs. Returns what stops it. */
  connect(auth: Auth, handlers: { readonly [name: string]: PageCallHandler }): () => void;
}

/** How long a page may take to bring a token. Less than the session waits for it. */
const BRING_TIMEOUT_MS = 20_000;
/** The longest token. Clerk's are 1 to 4 KB. */
const MAX_TOKEN_LENGTH = 32 * 1024;
const MAX_NAME_LENGTH = 256;
/** A token that a call brought is taken for fresh that long before its end. */
const FRESH_MS = 10_000;

interface Asked {
  contents: WebContents;
  settle(token: PageToken): void;
}

/**
 * A session in main that is fed by the page's own: for an app whose page is signed in by itself, as with Clerk's components.
 *
 * Each call of the page brings its token. Whom it is of is signed in in main too, and signed out when the page says that
 * nobody is. When main needs a token in between, it asks the page that came last.
 */
export function pageSession(): PageSession {
  /** Who can be asked, the last one that came at the end. */
  const pages = new Set<WebContents>();
  const asked = new Map<number, Asked>();
  let lastNumber = 0;
  /** What a page said last. */
  let said: string | null = null;
  let following: Promise<void> = Promise.resolve();

  function see(contents: WebContents): void {
    if (!pages.has(contents)) contents.once('destroyed', () => forget(contents));
    pages.delete(contents);
    pages.add(contents);
  }

  function forget(contents: WebContents): void {
    pages.delete(contents);
    for (const waiting of [...asked.values()])
      if (waiting.contents === contents) waiting.settle({ ok: false });
  }

  /** Asks the page that came last. */
  async function ask(): Promise<string | null> {
    const contents = [...pages].reverse().find((each) => !each.isDestroyed());
    if (contents === undefined) throw new Error('no page has offered a token');
    lastNumber += 1;
    const number = lastNumber;
    const answer = await new Promise<PageToken>((resolve) => {
      const timer = setTimeout(() => settle({ ok: false }), BRING_TIMEOUT_MS);
      const settle = (token: PageToken) => {
        clearTimeout(timer);
        asked.delete(number);
        resolve(token);
      };
      asked.set(number, { contents, settle });
      contents.send(PAGE_CHANNELS.ask, number);
    });
    if (!answer.ok) throw new Error('the page has no answer');
    said = answer.token;
    return answer.token;
  }

  /** Has main's session be of whom the page says. One step after the other: the last word of the page is the last one here. */
  function follow(auth: Auth): void {
    following = following
      .then(async () => {
        const session = await auth.session();
        const { state, user } = session.state();
        if (state === 'locked' || auth.snapshot().awaitingRestart) return;
        if (said === null) {
          if (user !== null) await session.signOut();
          return;
        }
        const isNobody = state === 'signedOut' || state === 'expired';
        const subject = claimsOf(said).sub;
        const isAnother = subject !== undefined && user !== null && user.id !== subject;
        if (isNobody || isAnother) await session.signIn({ method: 'custom' });
        else if (state === 'offline') await session.refresh();
      })
      // The session says itself how it stands, and the next call tries again.
      .catch(() => undefined);
  }

  /** The token that a call goes with. */
  async function arrive(auth: Auth, token: PageToken): Promise<string | null> {
    if (token.ok) {
      said = token.token;
      follow(auth);
      return token.token;
    }
    try {
      return await (await auth.session()).accessToken();
    } catch {
      return null;
    }
  }

  return {
    async getToken({ reason }) {
      const isFresh = reason === 'signIn' && said !== null && endMs(said) > Date.now() + FRESH_MS;
      const accessToken = isFresh ? said : await ask();
      return accessToken === null ? null : { accessToken };
    },
    connect(auth, handlers) {
      const stops = [
        auth.handle(PAGE_CHANNELS.offer, async ([token], sender) => {
          see(sender);
          await arrive(auth, parseToken(token));
          return null;
        }),
        auth.handle(PAGE_CHANNELS.bring, ([number, token], sender) => {
          const waiting = typeof number === 'number' ? asked.get(number) : undefined;
          // Only the page that was asked may answer.
          if (waiting?.contents === sender) waiting.settle(parseToken(token));
          return null;
        }),
        auth.handle(PAGE_CHANNELS.call, async ([name, token, input]) => {
          const handler = parseName(name, handlers);
          return handler(input, { accessToken: await arrive(auth, parseToken(token)) });
        }),
      ];
      return () => {
        for (const stop of stops) stop();
      };
    },
  };
}

function parseToken(given: unknown): PageToken {
  if (typeof given === 'object' && given !== null) {
    const { ok, token } = given as { ok?: unknown; token?: unknown };
    if (ok === false) return { ok };
    const isToken = typeof token === 'string' && token !== '' && token.length <= MAX_TOKEN_LENGTH;
    if (ok === true && (token === null || isToken)) return { ok, token: token as string | null };
  }
  throw new BridgeError('ERR_INVALID_ARGUMENT', 'The page must bring a token, null, or that it cannot say.');
}

function parseName(name: unknown, handlers: { readonly [name: string]: PageCallHandler }): PageCallHandler {
  const isName = typeof name === 'string' && name.length <= MAX_NAME_LENGTH && Object.hasOwn(handlers, name);
  const handler = isName ? handlers[name] : undefined;
  if (handler !== undefined) return handler;
  throw new BridgeError('ERR_INVALID_ARGUMENT', 'Main answers no call of this name.');
}

/** What a JWT says of itself. Nothing is allowed by it here. */
function claimsOf(token: string): { sub?: string; exp?: number } {
  try {
    const claims: unknown = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString());
    const { sub, exp } = Object(claims) as { sub?: unknown; exp?: unknown };
    return {
      ...(typeof sub === 'string' ? { sub } : {}),
      ...(typeof exp === 'number' ? { exp } : {}),
    };
  } catch {
    return {};
  }
}

function endMs(token: string): number {
  return (claimsOf(token).exp ?? 0) * 1000;
}
