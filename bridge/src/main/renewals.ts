import type { AuthSession, SessionSnapshot } from 'electron-latchkey';
import type { Refresh } from '../protocol.js';

interface Activity {
  refreshes(): Refresh[];
  onRefresh(listener: (refresh: Refresh) => void): () => void;
}

// An addon from before it told of renewals has none to tell.
const activityOf = (session: AuthSession) => session as AuthSession & Partial<Activity>;

export function renewalsOf(session: AuthSession): Refresh[] {
  return (activityOf(session).refreshes?.() ?? []).map(copyRefresh);
}

export function onRenewal(session: AuthSession, listener: (refresh: Refresh) => void): () => void {
  return activityOf(session).onRefresh?.((refresh) => listener(copyRefresh(refresh))) ?? (() => undefined);
}

export function tokenEnd(session: SessionSnapshot): number | null {
  return (session as SessionSnapshot & { tokenExpiresAtMs?: number | null }).tokenExpiresAtMs ?? null;
}

/** Field by field, so that nothing crosses to a page but what the protocol names. */
function copyRefresh(refresh: Refresh): Refresh {
  const { number, startedAtMs, endedAtMs, waiters, outcome, code, tokenExpiresAtMs } = refresh;
  return { number, startedAtMs, endedAtMs, waiters, outcome, code, tokenExpiresAtMs };
}
