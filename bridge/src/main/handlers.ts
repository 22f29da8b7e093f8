import type { IpcMain, IpcMainInvokeEvent } from 'electron';
import type { SignInResult as AddonSignInResult, FetchResponse } from 'electron-latchkey';
import { type BrokerResponse, CHANNELS, type Failure, type Result, type SignInResult } from '../protocol.js';
import { parseFetch, parseSignIn, parseSignUp } from './arguments.js';
import { toFailure } from './failure.js';
import { copyUser, type Lifecycle } from './lifecycle.js';
import type { SenderCheck } from './sender.js';

type Call = (args: readonly unknown[]) => Promise<unknown>;

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
      async (args) => {
        const { url, init } = parseFetch(args);
        return brokerResponse(await (await session()).fetch(url, init));
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
    return { ok: true, value: await call(args) };
  } catch (error) {
    return toFailure(error);
  }
}

// Asking for the snapshot publishes a change that is still queued, so a page hears the event before the answer.
function signInResult(result: AddonSignInResult, lifecycle: Lifecycle): SignInResult {
  lifecycle.snapshot();
  return { status: result.status, user: copyUser(result.user) };
}

function brokerResponse({ status, statusText, url, headers, body }: FetchResponse): BrokerResponse {
  return {
    status,
    statusText,
    url,
    headers,
    // A Buffer may be a window onto a shared pool, and structured clone sends the whole pool along. A copy has its own memory.
    body: new Uint8Array(body),
  };
}
