/**
 * `electron-latchkey/preload`: puts the broker on the page's `window`.
 *
 * A sandboxed preload can load `electron` and nothing else, so bundle it.
 */
import { notify } from '../notify.js';
import { type AuthBroker, type AuthSnapshot, CHANNELS, type Refresh } from '../protocol.js';
import { invokeOf } from './invoke.js';

export type { PageCalls, PageTokenProvision } from '../page-protocol.js';
export type { AuthBroker } from '../protocol.js';
export type { SecureStorage, SecureStorageResult, TokenName } from '../recipe-protocol.js';
export { exposePageCalls } from './page-calls.js';
export { exposeSecureStorage } from './secure-storage.js';

/** Exposes an {@link AuthBroker} as `window[key]`: one function per call, no channel names, nothing generic. */
export function exposeAuth(key = 'auth'): void {
  const { contextBridge, ipcRenderer } = require('electron') as typeof import('electron');
  const call = invokeOf(ipcRenderer);

  /** One subscription for the page's lifetime: the IPC event itself, which names the sender, never reaches the page. */
  function events<T>(channel: string): (listener: (value: T) => void) => () => void {
    const listeners = new Set<(value: T) => void>();
    ipcRenderer.on(channel, (_event, value: T) => {
      for (const listener of [...listeners]) notify(listener, value);
    });
    return (listener) => {
      listeners.add(listener);
      return () => {
        listeners.delete(listener);
      };
    };
  }

  const broker: AuthBroker = {
    snapshot: () => call(CHANNELS.snapshot),
    onChange: events<AuthSnapshot>(CHANNELS.changed),
    signIn: (request) => call(CHANNELS.signIn, request),
    signUp: (request) => call(CHANNELS.signUp, request),
    awaitSignIn: (id) => call(CHANNELS.awaitSignIn, id),
    submitCode: (id, submission) => call(CHANNELS.submitCode, id, submission),
    sendCode: (id, strategy) => call(CHANNELS.sendCode, id, strategy),
    openSignIn: (id) => call(CHANNELS.openSignIn, id),
    copySignInLink: (id) => call(CHANNELS.copySignInLink, id),
    cancelSignIn: (id) => call(CHANNELS.cancelSignIn, id),
    signOut: (options) => call(CHANNELS.signOut, options),
    switchOrganization: (id) => call(CHANNELS.switchOrganization, id),
    sessions: () => call(CHANNELS.sessions),
    endSession: (id) => call(CHANNELS.endSession, id),
    accounts: () => call(CHANNELS.accounts),
    switchAccount: (name) => call(CHANNELS.switchAccount, name),
    anomalies: () => call(CHANNELS.anomalies),
    refreshes: () => call(CHANNELS.refreshes),
    onRefresh: events<Refresh>(CHANNELS.refreshed),
    refresh: (options) => call(CHANNELS.refresh, options),
    lock: () => call(CHANNELS.lock),
    unlock: () => call(CHANNELS.unlock),
    retry: () => call(CHANNELS.retry),
    fetch: (url, init) => call(CHANNELS.fetch, url, init),
    cancelFetch: (requestId) => call(CHANNELS.cancelFetch, requestId),
  };
  contextBridge.exposeInMainWorld(key, Object.freeze(broker));
}
