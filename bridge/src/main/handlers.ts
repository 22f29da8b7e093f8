import type { IpcMain, IpcMainInvokeEvent, WebContents } from 'electron';
import type { RemoteSession as AddonRemoteSession, FetchHead } from 'electron-latchkey';
import { type BrokerResponse, CHANNELS, type Failure, type RemoteSession, type Result } from '../protocol.js';
import type { Accounts } from './accounts.js';
import { type CallLimits, type LimitName, TooManyCalls } from './call-limits.js';
import { CallsUnderWay } from './calls-under-way.js';
import { toFailure } from './failure.js';
import { bytesOf, parseFetch, parseRequestId } from './fetch-arguments.js';
import type { Lifecycle } from './lifecycle.js';
import type { Locks } from './locks.js';
import { InvalidCall } from './parse.js';
import { renewalsOf } from './renewals.js';
import type { Reports } from './reports.js';
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

/** A call of the protocol: its channel, which limit it counts against, and what it does. */
type CallEntry = readonly [channel: string, limit: LimitName | null, call: Call];

/** Answers pages on a channel of the app's own. What it throws reaches the page without its text. */
export type AppHandler = (args: readonly unknown[], sender: WebContents) => unknown;

const NOT_ALLOWED: Failure = {
  ok: false,
  code: 'ERR_SENDER_NOT_ALLOWED',
  message: 'This page may not use the session.',
};

interface SenderParts {
  maySend: SenderCheck;
  reports: Reports;
}

export interface HandlerParts extends SenderParts {
  lifecycle: Lifecycle;
  limits: CallLimits;
  accounts: Accounts;
  locks: Locks;
  signIns: SignIns;
}

/** Installs one handler per call and returns what removes them. */
export function installHandlers(ipcMain: IpcMain, parts: HandlerParts): () => void {
  const underWay = new CallsUnderWay();
  const calls = callsOf(parts, underWay);
  for (const [channel, limit, call] of calls) {
    const bounded: Call = async (args, sender) => {
      if (limit !== null) parts.limits.count(sender, limit);
      return underWay.run(sender, () => call(args, sender));
    };
    ipcMain.handle(channel, (event, ...args: unknown[]) => answer(channel, event, args, parts, bounded));
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
  ipcMain.handle(channel, (event, ...args: unknown[]) => answer(channel, event, args, parts, call));
  return () => ipcMain.removeHandler(channel);
}

function callsOf(
  { lifecycle, accounts, locks, signIns }: HandlerParts,
  underWay: CallsUnderWay,
): CallEntry[] {
  const fetches = new RunningFetches();
  const nothing = () => null;

  return [
    [CHANNELS.snapshot, null, async () => lifecycle.snapshot()],
    [CHANNELS.retry, 'retry', () => lifecycle.retry()],
    [
      CHANNELS.refresh,
      'refresh',
      async (args) => {
        const options = parseRefresh(args);
        await lifecycle.onSession((session) => session.refresh(options));
        return lifecycle.snapshot();
      },
    ],
    [CHANNELS.lock, null, () => locks.lock().then(nothing)],
    [CHANNELS.unlock, 'unlock', () => locks.request().then(nothing)],
    [CHANNELS.signIn, 'try', async (args) => signIns.signIn(parseSignIn(args))],
    [CHANNELS.signUp, 'try', async (args) => signIns.signUp(parseSignUp(args))],
    [CHANNELS.awaitSignIn, 'wait', async ([id]) => signIns.wait(parseSignInId(id))],
    [
      CHANNELS.submitCode,
      'try',
      async ([id, submission]) => signIns.submit(parseSignInId(id), parseSubmission(submission)),
    ],
    [
      CHANNELS.sendCode,
      'send',
      async ([id, strategy]) => signIns.send(parseSignInId(id), parseStrategy(strategy)),
    ],
    [CHANNELS.openSignIn, 'open', async ([id]) => signIns.open(parseSignInId(id)).then(nothing)],
    [CHANNELS.copySignInLink, 'open', async ([id]) => signIns.copyLink(parseSignInId(id)).then(nothing)],
    [CHANNELS.cancelSignIn, null, async ([id]) => signIns.cancel(parseSignInId(id)).then(nothing)],
    [CHANNELS.signOut, null, async (args) => signIns.signOut(parseSignOut(args)).then(nothing)],
    [
      CHANNELS.switchOrganization,
      'switch',
      async ([id]) => {
        const organization = parseOrganization(id);
        await lifecycle.onSession((session) => session.switchOrganization(organization));
        return lifecycle.snapshot();
      },
    ],
    [
      CHANNELS.sessions,
      'sessions',
      async () => (await lifecycle.onSession((session) => session.sessions())).map(copyRemoteSession),
    ],
    [
      CHANNELS.endSession,
      'sessions',
      async ([id]) => {
        const which = parseSessionId(id);
        await lifecycle.onSession((session) => session.endSession(which));
        lifecycle.snapshot();
        return null;
      },
    ],
    [CHANNELS.accounts, null, () => accounts.list()],
    [CHANNELS.switchAccount, 'switch', async ([name]) => accounts.switchForPage(parseAccount(name))],
    [CHANNELS.anomalies, null, () => accounts.anomalies()],
    [CHANNELS.refreshes, null, () => lifecycle.onSession(async (session) => renewalsOf(session))],
    [
      CHANNELS.fetch,
      null,
      async (args, sender) => {
        const ready = lifecycle.onReadySession.bind(lifecycle);
        const request = parseFetch(args);
        const send = () => fetches.run(sender, request, ready);
        return brokerResponse(await underWay.holding(sender, bytesOf(request), send));
      },
    ],
    [
      CHANNELS.cancelFetch,
      null,
      async (args, sender) => {
        fetches.cancel(sender, parseRequestId(args[0]));
        return null;
      },
    ],
  ];
}

async function answer(
  channel: string,
  event: IpcMainInvokeEvent,
  args: readonly unknown[],
  { maySend, reports }: SenderParts,
  call: Call,
): Promise<Result<unknown>> {
  if (!maySend(event)) {
    reports.report('unknownSender');
    return NOT_ALLOWED;
  }
  try {
    return { ok: true, value: await call(args, event.sender) };
  } catch (error) {
    const failure = toFailure(error);
    if (error instanceof TooManyCalls) reports.reportFlood(event.sender, channel);
    else if (error instanceof InvalidCall || failure.code === 'ERR_ORIGIN_NOT_ALLOWED') {
      reports.report('invalidCall');
    }
    return failure;
  }
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
