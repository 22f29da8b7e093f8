import type { BrowserWindow } from 'electron';
import type { Account, Anomaly, AuthSession, Vault } from 'electron-latchkey';
import { notify } from '../notify.js';
import { type AuthSnapshot, CHANNELS } from '../protocol.js';
import { Accounts } from './accounts.js';
import { auditOf, openAddon } from './addon.js';
import { AllowedPages } from './allowed-pages.js';
import { SystemBrowser } from './browser.js';
import { CallLimits } from './call-limits.js';
import { type CallbackCounts, Callbacks } from './callbacks.js';
import { DeepLinks, expectReturn } from './deep-links.js';
import { type AppHandler, installHandler, installHandlers } from './handlers.js';
import { Lifecycle } from './lifecycle.js';
import { Locks } from './locks.js';
import type { CreateAuthOptions } from './options.js';
import { PowerWatch } from './power.js';
import { landBeforeQuit } from './quit.js';
import { Reports } from './reports.js';
import { createSenderCheck } from './sender.js';
import { SignIns } from './sign-ins.js';
import { createWindowRegistry } from './windows.js';

/** The session of the app, as the main process has it. */
export interface Auth {
  /** Lets this window's pages (main frame, allowed origin) call and hear events. Call it before the page loads. */
  register(window: BrowserWindow): void;
  /** Where the session stands. */
  snapshot(): AuthSnapshot;
  /** Calls `listener` at each change; returns the call that stops it. */
  onChange(listener: (snapshot: AuthSnapshot) => void): () => void;
  /** The open session; waits while the vault opens, rejects with its problem while it is unavailable. */
  session(): Promise<AuthSession>;
  /** The open vault, for what else the app keeps; rejects as {@link Auth.session} does. */
  vault(): Promise<Vault>;
  /** Opens the vault again after a failure, such as when the person has unlocked the keyring. */
  retry(): Promise<AuthSnapshot>;
  /** Locks the session: no token leaves before {@link Auth.unlock}, in any process and after a restart. */
  lock(): Promise<void>;
  /** Unlocks the session. Make sure before that it is the person's wish. */
  unlock(): Promise<void>;
  /** Calls `listener` with every anomaly from now on; returns the call that stops it. */
  onAnomaly(listener: (anomaly: Anomaly) => void): () => void;
  /** The anomalies that the vault keeps, oldest first: the last 100. */
  audit(): Promise<Anomaly[]>;
  /** The accounts that have a session in the vault, sorted by name. */
  accounts(): Promise<Account[]>;
  /**
   * Puts another account at the front, for this and the next starts, and tells every window. The other's session stays.
   * What pages have under way for it fails with `ERR_SUPERSEDED`. Needs {@link CreateAuthOptions.account}.
   */
  switchAccount(name: string): Promise<AuthSnapshot>;
  /**
   * Whether the app runs already. This process is quitting then: it has opened nothing, and what it was started with went
   * to the one that runs. Make no window. Always false without `deepLinks`.
   */
  readonly isSecondInstance: boolean;
  /**
   * Hands an address to the sign-in that waits for it, as `deepLinks` does with those of the app's scheme: for an app that
   * gets them another way, such as a claimed https address. Waits for the vault. Resolves to whether it belonged to a
   * sign-in; hostile input is `false`. Never rejects: how the sign-in ends is told to whoever waits for it.
   */
  handleCallback(url: string): Promise<boolean>;
  /** What has come in by {@link Auth.handleCallback} and by the app's URL scheme. */
  callbackCounts(): CallbackCounts;
  /**
   * Answers pages on a channel of the app's own, with the check of the sender that the broker's calls have; returns what
   * stops it. The page gets `{ ok: true, value }`, or `{ ok: false, code, message }` for an exception and for a sender that
   * may not call.
   */
  handle(channel: string, handler: AppHandler): () => void;
  /**
   * Removes the handlers and closes session and vault; waits for a refresh that is under way, 5 seconds at most. The stored
   * session stays. An app that quits need not call it.
   */
  dispose(): Promise<void>;
}

/**
 * Answers pages over IPC and begins to open the vault and the session. Call it once, before the first window.
 *
 * The handlers stand when it returns; calls that need the session wait for it. A vault that cannot be opened
 * is the state `unavailable`, not an exception.
 *
 * @throws `ERR_INVALID_ARGUMENT` when `rendererOrigins` is empty or names something other than origins and folders, and for a
 *   `deepLinks.scheme` that is malformed, another's, or not that of `provider.redirectUri`.
 */
export function createAuth(options: CreateAuthOptions): Auth {
  if (options.deepLinks) expectReturn(options.provider.redirectUri, options.deepLinks);
  // Taken here and not at the top, so that the module can be loaded where Electron is not.
  const { app, clipboard, ipcMain, powerMonitor, shell } = require('electron') as typeof import('electron');
  const pages = new AllowedPages(options.rendererOrigins, () => app.getAppPath());

  const listeners = new Set<(snapshot: AuthSnapshot) => void>();
  const anomalyListeners = new Set<(anomaly: Anomaly) => void>();
  const windows = createWindowRegistry(pages);
  const lifecycle = new Lifecycle(() => openAddon(options), {
    changed(snapshot) {
      power?.follow(snapshot);
      callbacks.follow(snapshot);
      windows.broadcast(CHANNELS.changed, snapshot);
      for (const listener of [...listeners]) notify(listener, snapshot);
    },
    refresh: (refresh) => windows.broadcast(CHANNELS.refreshed, refresh),
    anomaly(anomaly) {
      for (const listener of [...anomalyListeners]) notify(listener, anomaly);
    },
    ...(options.onSignedOut === undefined ? {} : { signedOut: options.onSignedOut }),
  });
  const callbacks: Callbacks = new Callbacks(lifecycle);
  const deepLinks =
    options.deepLinks &&
    new DeepLinks(app, options.deepLinks, {
      url: (url) => void callbacks.take(url),
      focus: options.deepLinks.focus ?? (() => windows.focus()),
    });
  const browser = new SystemBrowser({ shell, clipboard }, options.browser);
  const signIns = new SignIns(lifecycle, browser, options.browser);
  const limits = new CallLimits();
  const reports = new Reports(lifecycle);
  const accounts = new Accounts(lifecycle, options);
  const locks = new Locks(lifecycle, options.onUnlockRequest);
  const power =
    options.policy &&
    new PowerWatch(app, powerMonitor, options.policy, {
      // A lock that could not be stored holds in this process all the same.
      lock: () => void locks.lock().catch(() => undefined),
      touch: () =>
        void lifecycle.opened().then(
          ({ session }) => session.touch(),
          () => undefined,
        ),
      look: () => void lifecycle.snapshot(),
    });
  const maySend = createSenderCheck(windows);
  const removeHandlers = installHandlers(ipcMain, {
    lifecycle,
    limits,
    reports,
    accounts,
    locks,
    signIns,
    maySend,
  });
  const removeOwn = new Set<() => void>();
  const stopLanding = landBeforeQuit(
    app,
    () => lifecycle.isRefreshing,
    () => lifecycle.close(),
  );
  const isSecondInstance = deepLinks?.start() === false;
  if (isSecondInstance) void lifecycle.close();
  else lifecycle.start();

  return {
    isSecondInstance,
    register: (window) => windows.add(window),
    snapshot: () => lifecycle.snapshot(),
    onChange: (listener) => listen(listeners, listener),
    session: async () => (await lifecycle.opened()).session,
    vault: async () => (await lifecycle.opened()).vault,
    retry: () => lifecycle.retry(),
    lock: () => locks.lock(),
    unlock: () => locks.unlock(),
    onAnomaly: (listener) => listen(anomalyListeners, listener),
    audit: async () => auditOf((await lifecycle.opened()).vault),
    accounts: () => accounts.stored(),
    switchAccount: (name) => accounts.switchTo(name),
    handleCallback: (url) => callbacks.take(url),
    callbackCounts: () => callbacks.counts,
    handle(channel, handler) {
      const remove = installHandler(ipcMain, { maySend, reports }, channel, handler);
      const removeOnce = () => {
        if (removeOwn.delete(removeOnce)) remove();
      };
      removeOwn.add(removeOnce);
      return removeOnce;
    },
    async dispose() {
      removeHandlers();
      for (const remove of [...removeOwn]) remove();
      deepLinks?.stop();
      callbacks.clear();
      stopLanding();
      power?.stop();
      windows.clear();
      listeners.clear();
      anomalyListeners.clear();
      await lifecycle.close();
    },
  };
}

function listen<T>(listeners: Set<(value: T) => void>, listener: (value: T) => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}
