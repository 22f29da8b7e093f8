import type { IpcMain, IpcMainInvokeEvent, WebContents } from 'electron';
import type { RemoteSession as AddonRemoteSession, FetchHead } from 'electron-latchkey';
import { type BrokerResponse, CHANNELS, type Failure, type RemoteSession, type Result } from '../protocol.js';
import type { Accounts } from './accounts.js';
import { toFailure } from './failure.js';
import { parseFetch, parseRequestId } from './fetch-arguments.js';
import type { Lifecycle } from './lifecycle.js';
import type { Locks } from './locks.js';
import { renewalsOf } from './renewals.js';
import { RunningFetches } from './running-fetches.js';
import type { SenderCheck } from './sender.js';
import {
  parseAccount,
  parseOrganization,
  parseRefresh,
  parseSessionId,
  parseSignIn,
  parseSignInId,
  parseSignOut,
  parseSignUp,
  parseStrategy,
  parseSubmission,
} from './sign-in-arguments.js';
import type { SignIns } from './sign-ins.js';

type Call = (args: readonly unknown[], sender: object) => Promise<unknown>;

/** Answers pages on a channel of the app's own. What it throws reaches the page without its text. */
export type AppHandler = (args: readonly unknown[], sender: WebContents) => unknown;

const NOT_ALLOWED: Failure = {
  ok: false,
  code: 'ERR_SENDER_NOT_ALLOWED',
  message: 'This page may not use the session.',
};

interface SenderParts {
  lifecycle: Lifecycle;
  maySend: SenderCheck;
}

export interface HandlerParts extends SenderParts {
  accounts: Accounts;
  locks: Locks;
  signIns: SignIns;
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

/** Installs a handler of the app's own, behind the same check. */
export function installHandler(
  ipcMain: IpcMain,
  parts: SenderParts,
  channel: string,
  handler: AppHandler,
): () => void {
  const call = async (args: readonly unknown[], sender: object) => handler(args, sender as WebContents);
  ipcMain.handle(channel, (event, ...args: unknown[]) => answer(event, args, parts, call));
  return () => ipcMain.removeHandler(channel);
}

function callsOf({ lifecycle, accounts, locks, signIns }: HandlerParts): [string, Call][] {
  const fetches = new RunningFetches();
  const nothing = () => null;

  return [
    [CHANNELS.snapshot, async () => lifecycle.snapshot()],
    [CHANNELS.retry, () => lifecycle.retry()],
    [
      CHANNELS.refresh,
      async (args) => {
        const options = parseRefresh(args);
        await lifecycle.onSession((session) => session.refresh(options));
        return lifecycle.snapshot();
      },
    ],
    [CHANNELS.lock, () => locks.lock().then(nothing)],
    [CHANNELS.unlock, () => locks.request().then(nothing)],
    [CHANNELS.signIn, async (args) => signIns.signIn(parseSignIn(args))],
    [CHANNELS.signUp, async (args) => signIns.signUp(parseSignUp(args))],
    [CHANNELS.awaitSignIn, async ([id]) => signIns.wait(parseSignInId(id))],
    [
      CHANNELS.submitCode,
      async ([id, submission]) => signIns.submit(parseSignInId(id), parseSubmission(submission)),
    ],
    [CHANNELS.sendCode, async ([id, strategy]) => signIns.send(parseSignInId(id), parseStrategy(strategy))],
    [CHANNELS.openSignIn, async ([id]) => signIns.open(parseSignInId(id)).then(nothing)],
    [CHANNELS.copySignInLink, async ([id]) => signIns.copyLink(parseSignInId(id)).then(nothing)],
    [CHANNELS.cancelSignIn, async ([id]) => signIns.cancel(parseSignInId(id)).then(nothing)],
    [CHANNELS.signOut, async (args) => signIns.signOut(parseSignOut(args)).then(nothing)],
    [
      CHANNELS.switchOrganization,
      async ([id]) => {
        const organization = parseOrganization(id);
        await lifecycle.onSession((session) => session.switchOrganization(organization));
        return lifecycle.snapshot();
      },
    ],
    [
      CHANNELS.sessions,
      async () => (await lifecycle.onSession((session) => session.sessions())).map(copyRemoteSession),
    ],
    [
      CHANNELS.endSession,
      async ([id]) => {
        const which = parseSessionId(id);
        await lifecycle.onSession((session) => session.endSession(which));
        lifecycle.snapshot();
        return null;
      },
    ],
    [CHANNELS.accounts, () => accounts.list()],
    [CHANNELS.switchAccount, async ([name]) => accounts.switchForPage(parseAccount(name))],
    [CHANNELS.anomalies, () => accounts.anomalies()],
    [CHANNELS.refreshes, () => lifecycle.onSession(async (session) => renewalsOf(session))],
    [
      CHANNELS.fetch,
      async (args, sender) => {
        const ready = lifecycle.onReadySession.bind(lifecycle);
        return brokerResponse(await fetches.run(sender, parseFetch(args), ready));
      },
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
  { lifecycle, maySend }: SenderParts,
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

function brokerResponse({ status, statusText, url, headers, first }: FetchHead): BrokerResponse {
  // A window onto a larger buffer would send all of it along (structured clone). A copy has its own memory.
  const body = first.byteLength === first.buffer.byteLength ? first : new Uint8Array(first);
  return { status, statusText, url, headers, body };
}

function copyRemoteSession(session: AddonRemoteSession): RemoteSession {
  const { id, current, createdAtMs, activeAtMs, expiresAtMs, ipAddress, userAgent } = session;
  return { id, current, createdAtMs, activeAtMs, expiresAtMs, ipAddress, userAgent };
}
