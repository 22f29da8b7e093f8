import type { IpcMain, IpcMainInvokeEvent } from 'electron';
import type { SignInResult as AddonSignInResult, AuthSession, FetchHead } from 'electron-latchkey';
import { type BrokerResponse, CHANNELS, type Failure, type Result, type SignInResult } from '../protocol.js';
import { parseFetch, parseRefresh, parseRequestId, parseSignIn, parseSignUp } from './arguments.js';
import { BridgeError, toFailure } from './failure.js';
import { copyUser, type Lifecycle } from './lifecycle.js';
import type { Locks } from './locks.js';
import { RunningFetches } from './running-fetches.js';
import type { SenderCheck } from './sender.js';

type Call = (args: readonly unknown[], sender: object) => Promise<unknown>;

const NOT_ALLOWED: Failure = {
  ok: false,
  code: 'ERR_SENDER_NOT_ALLOWED',
  message: 'This page may not use the session.',
};

export interface HandlerParts {
  lifecycle: Lifecycle;
  locks: Locks;
  maySend: SenderCheck;
}

/** Installs one handler per call and returns what removes them. */
export function installHandlers(ipcMain: IpcMain, parts: HandlerParts): () => void {
  const calls = callsOf(parts);
  for (const [channel, call] of calls) {
    ipcMain.handle(channel, (event, ...args: unknown[]) => answer(event, args, parts, call));
  }
  return () => {
    for (const [channel] of calls) ipcMain.removeHandler(channel);
  };
}

function callsOf({ lifecycle, locks }: HandlerParts): [string, Call][] {
  const fetches = new RunningFetches();

  /** Calls the session at the front. An answer that comes after a switch of accounts is not given. */
  async function onSession<T>(call: (session: AuthSession) => Promise<T>): Promise<T> {
    const opened = await lifecycle.opened();
    try {
      return await call(opened.session);
    } finally {
      lifecycle.expectCurrent(opened);
    }
  }

  /** The same for calls that can sign somebody in: not while the app still resets what it held for somebody else. */
  function onReadySession<T>(call: (session: AuthSession) => Promise<T>): Promise<T> {
    return onSession((session) => {
      if (lifecycle.snapshot().awaitingRestart) throw awaitingRestart();
      return call(session);
    });
  }

  return [
    [CHANNELS.snapshot, async () => lifecycle.snapshot()],
    [CHANNELS.retry, () => lifecycle.retry()],
    [
      CHANNELS.refresh,
      async (args) => {
        const options = parseRefresh(args);
        await onSession((session) => session.refresh(options));
        return lifecycle.snapshot();
      },
    ],
    [CHANNELS.lock, () => locks.lock().then(() => null)],
    [CHANNELS.unlock, () => locks.request().then(() => null)],
    [
      CHANNELS.signIn,
      async (args) => {
        const request = parseSignIn(args);
        return signInResult(await onReadySession((session) => session.signIn(request)), lifecycle);
      },
    ],
    [
      CHANNELS.signUp,
      async (args) => {
        const request = parseSignUp(args);
        return signInResult(await onReadySession((session) => session.signUp(request)), lifecycle);
      },
    ],
    [
      CHANNELS.signOut,
      async () => {
        await onSession((session) => session.signOut());
        lifecycle.snapshot();
        return null;
      },
    ],
    [
      CHANNELS.fetch,
      async (args, sender) => brokerResponse(await fetches.run(sender, parseFetch(args), onReadySession)),
    ],
    [
      CHANNELS.cancelFetch,
      async (args, sender) => {
        fetches.cancel(sender, parseRequestId(args[0]));
        return null;
      },
    ],
  ];
}

async function answer(
  event: IpcMainInvokeEvent,
  args: readonly unknown[],
  { lifecycle, maySend }: HandlerParts,
  call: Call,
): Promise<Result<unknown>> {
  if (!maySend(event)) {
    reportUnknownSender(lifecycle);
    return NOT_ALLOWED;
  }
  try {
    return { ok: true, value: await call(args, event.sender) };
  } catch (error) {
    return toFailure(error);
  }
}

// While the vault cannot be opened there is nowhere to keep it.
function reportUnknownSender(lifecycle: Lifecycle): void {
  lifecycle.opened().then(
    ({ session }) => session.reportAnomaly('unknownSender'),
    () => undefined,
  );
}

function awaitingRestart(): BridgeError {
  return new BridgeError(
    'ERR_AWAITING_RESTART',
    'The app is still clearing up after the last person. Try again in a moment, or restart the app.',
  );
}

// Asking for the snapshot publishes a change that is still queued, so a page hears the event before the answer.
function signInResult(result: AddonSignInResult, lifecycle: Lifecycle): SignInResult {
  lifecycle.snapshot();
  if (result.status === 'pending') {
    throw new BridgeError(
      'ERR_SECOND_FACTOR_REQUIRED',
      'The server asks for a second factor, which cannot be given here.',
    );
  }
  return { status: result.status, user: copyUser(result.user) };
}

function brokerResponse({ status, statusText, url, headers, first }: FetchHead): BrokerResponse {
  // A window onto a larger buffer would send all of it along (structured clone). A copy has its own memory.
  const body = first.byteLength === first.buffer.byteLength ? first : new Uint8Array(first);
  return { status, statusText, url, headers, body };
}
