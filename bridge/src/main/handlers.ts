import type { IpcMain, IpcMainInvokeEvent } from 'electron';
import type { SignInResult as AddonSignInResult, FetchHead } from 'electron-latchkey';
import { type BrokerResponse, CHANNELS, type Failure, type Result, type SignInResult } from '../protocol.js';
import { parseFetch, parseRequestId, parseSignIn, parseSignUp } from './arguments.js';
import { toFailure } from './failure.js';
import { copyUser, type Lifecycle } from './lifecycle.js';
import { RunningFetches } from './running-fetches.js';
import type { SenderCheck } from './sender.js';

type Call = (args: readonly unknown[], sender: object) => Promise<unknown>;

const NOT_ALLOWED: Failure = {
  ok: false,
  code: 'ERR_SENDER_NOT_ALLOWED',
  message: 'This page may not use the session.',
};

/** Installs one handler per call and returns what removes them. */
export function installHandlers(ipcMain: IpcMain, lifecycle: Lifecycle, maySend: SenderCheck): () => void {
  const calls = callsOf(lifecycle);
  for (const [channel, call] of calls) {
    ipcMain.handle(channel, (event, ...args: unknown[]) => answer(event, args, maySend, call));
  }
  return () => {
    for (const [channel] of calls) ipcMain.removeHandler(channel);
  };
}

function callsOf(lifecycle: Lifecycle): [string, Call][] {
  const session = async () => (await lifecycle.opened()).session;
  const fetches = new RunningFetches();
  return [
    [CHANNELS.snapshot, async () => lifecycle.snapshot()],
    [CHANNELS.retry, () => lifecycle.retry()],
    [
      CHANNELS.refresh,
      async () => {
        await (await session()).refresh();
        return lifecycle.snapshot();
      },
    ],
    [
      CHANNELS.signIn,
      async (args) => {
        const request = parseSignIn(args);
        return signInResult(await (await session()).signIn(request), lifecycle);
      },
    ],
    [
      CHANNELS.signUp,
      async (args) => {
        const request = parseSignUp(args);
        return signInResult(await (await session()).signUp(request), lifecycle);
      },
    ],
    [
      CHANNELS.signOut,
      async () => {
        await (await session()).signOut();
        lifecycle.snapshot();
        return null;
      },
    ],
    [
      CHANNELS.fetch,
      async (args, sender) => brokerResponse(await fetches.run(sender, parseFetch(args), session)),
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
  maySend: SenderCheck,
  call: Call,
): Promise<Result<unknown>> {
  if (!maySend(event)) return NOT_ALLOWED;
  try {
    return { ok: true, value: await call(args, event.sender) };
  } catch (error) {
    return toFailure(error);
  }
}

// Asking for the snapshot publishes a change that is still queued, so a page hears the event before the answer.
function signInResult(result: AddonSignInResult, lifecycle: Lifecycle): SignInResult {
  lifecycle.snapshot();
  return { status: result.status, user: copyUser(result.user) };
}

function brokerResponse({ status, statusText, url, headers, first }: FetchHead): BrokerResponse {
  // A window onto a larger buffer would send all of it along (structured clone). A copy has its own memory.
  const body = first.byteLength === first.buffer.byteLength ? first : new Uint8Array(first);
  return { status, statusText, url, headers, body };
}
