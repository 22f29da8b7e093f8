import type { Refresh as AddonRefresh, AuthSession } from 'electron-latchkey';
import type { Refresh } from '../protocol.js';

export function renewalsOf(session: AuthSession): Refresh[] {
  return session.refreshes().map(copyRefresh);
}

export function onRenewal(session: AuthSession, listener: (refresh: Refresh) => void): () => void {
  return session.onRefresh((refresh) => listener(copyRefresh(refresh)));
}

/** Field by field, so that nothing crosses to a page but what the protocol names. */
function copyRefresh(refresh: AddonRefresh): Refresh {
  const { number, startedAtMs, endedAtMs, waiters, outcome, code, tokenExpiresAtMs } = refresh;
  return { number, startedAtMs, endedAtMs, waiters, outcome, code, tokenExpiresAtMs };
}
