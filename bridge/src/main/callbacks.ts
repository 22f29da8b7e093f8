import type { AuthSnapshot } from '../protocol.js';
import { toFailure } from './failure.js';
import type { Lifecycle } from './lifecycle.js';

/** No sign-in's callback is longer: authorization codes have some hundred characters, and servers limit URLs to 8 KiB. */
const MAX_URL_LENGTH = 8 * 1024;
/** As many as there can be sign-ins under way. */
const MAX_WAITING = 8;
/** A URL is printable ASCII. Anything else was not made by a server. */
const PRINTABLE = /^[\x21-\x7e]+$/;

/** How long to wait before a callback is handed in again, because the server could not be reached. Doubles. */
const FIRST_RETRY_MS = 1000;
const LONGEST_RETRY_MS = 30_000;

/** What has come in by the app's URL scheme since the start. */
export interface CallbackCounts {
  /** Belonged to a sign-in that was under way. */
  delivered: number;
  /** Belonged to none: an old one, somebody else's, or hostile. Nothing was done about them. */
  ignored: number;
}

/**
 * Hands callback URLs to the session, as soon as there is one. Anybody can make the system open a URL of the app's scheme,
 * so each is taken for hostile: it is never logged, and one that belongs to no sign-in is counted and forgotten.
 */
export class Callbacks {
  readonly #waiting: { url: string; done: (delivered: boolean) => void }[] = [];
  readonly #pauses = new Set<(goOn: boolean) => void>();
  readonly #counts: CallbackCounts = { delivered: 0, ignored: 0 };

  constructor(private readonly lifecycle: Lifecycle) {}

  get counts(): CallbackCounts {
    return { ...this.#counts };
  }

  /** Resolves to whether it belonged to a sign-in that was under way, whatever became of that. Never rejects. */
  async take(url: unknown): Promise<boolean> {
    const delivered = isSane(url) && (await this.#inTurn(url));
    this.#counts[delivered ? 'delivered' : 'ignored'] += 1;
    return delivered;
  }

  /** To be called at each change: what came before the vault was open goes on once it is. */
  follow({ state, awaitingRestart }: AuthSnapshot): void {
    if (state === 'opening' || state === 'unavailable' || awaitingRestart) return;
    for (const { url, done } of this.#waiting.splice(0)) void this.#deliver(url).then(done);
  }

  /** Forgets what waits, and hands nothing in again. */
  clear(): void {
    for (const { done } of this.#waiting.splice(0)) done(false);
    for (const end of [...this.#pauses]) end(false);
  }

  #inTurn(url: string): Promise<boolean> | boolean {
    if (this.#waiting.length >= MAX_WAITING) return false;
    return new Promise((done) => {
      this.#waiting.push({ url, done });
      this.follow(this.lifecycle.snapshot());
    });
  }

  async #deliver(url: string): Promise<boolean> {
    for (let waitMs = FIRST_RETRY_MS, ours = false; ; waitMs = Math.min(waitMs * 2, LONGEST_RETRY_MS)) {
      const code = await this.#codeOf(url);
      if (code === null) return true;
      if (NOT_OURS.has(code)) return ours;
      // Any other failure is that of a sign-in, and told to whoever waits for it. One that could not even be sent leaves
      // the sign-in waiting for this very address.
      ours = true;
      if (!UNREACHED.test(code) || !(await this.#pause(waitMs))) return ours;
    }
  }

  /** The code that the session refuses it with; null when it does not. */
  async #codeOf(url: string): Promise<string | null> {
    try {
      await this.lifecycle.onSession((session) => session.handleCallback(url));
      return null;
    } catch (error) {
      return toFailure(error).code;
    } finally {
      await this.lifecycle.snapshotWithSignIns();
    }
  }

  /** Resolves to whether it is still worth going on. */
  #pause(waitMs: number): Promise<boolean> {
    return new Promise((resolve) => {
      const end = (goOn: boolean) => {
        clearTimeout(timer);
        this.#pauses.delete(end);
        resolve(goOn);
      };
      const timer = setTimeout(end, waitMs, true);
      this.#pauses.add(end);
    });
  }
}

/** Before anything was sent, or not: the session knows, and takes the address again only in the first case. */
const UNREACHED = /^ERR_(NETWORK|TIMEOUT|TLS(_[A-Z]+)?)$/;

const NOT_OURS = new Set([
  'ERR_SIGN_IN_NOT_FOUND',
  'ERR_CALLBACK_INVALID',
  'ERR_INVALID_ARGUMENT',
  'ERR_NO_BROKER',
]);

function isSane(url: unknown): url is string {
  return typeof url === 'string' && url.length <= MAX_URL_LENGTH && PRINTABLE.test(url);
}
