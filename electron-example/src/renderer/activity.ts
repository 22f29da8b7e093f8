// What the bridge tells of accounts, anomalies and refreshes.
import { AuthError, type AuthSnapshot } from 'electron-latchkey/renderer';

/** One refresh of this process. No token is in it. */
export interface Refresh {
  /** Grows by one for each; the same refresh keeps it. */
  number: number;
  startedAtMs: number;
  /** Null while it is under way. */
  endedAtMs: number | null;
  /** How many calls have waited for it so far; at its end, in all. */
  waiters: number;
  outcome: string | null;
  code: string | null;
  /** When the access token that is now held ends, in milliseconds since 1970. */
  tokenExpiresAtMs: number | null;
}

export interface AccountInfo {
  name: string;
  user: import('electron-latchkey/renderer').User | null;
  current: boolean;
}

export interface AnomalyInfo {
  kind: string;
  atMs: number;
}

type Broker = {
  onRefresh?: (listener: (refresh: Refresh) => void) => () => void;
} & Record<string, (...args: unknown[]) => Promise<unknown>>;

/** These calls of the broker, which give the value or throw an AuthError. */
export function useSessionCalls() {
  const broker = window.auth as unknown as Broker;
  async function call<T>(name: string, ...args: unknown[]): Promise<T> {
    const answer = (await broker[name]?.(...args)) as
      | { ok: true; value: T }
      | { ok: false; code: 'ERR_INTERNAL'; message: string }
      | undefined;
    if (answer?.ok) return answer.value;
    throw new AuthError(
      answer ?? { code: 'ERR_NOT_SUPPORTED', message: 'The bridge does not know this call.' },
    );
  }
  return {
    accounts: () => call<AccountInfo[]>('accounts'),
    switchAccount: (name: string) => call<AuthSnapshot>('switchAccount', name),
    anomalies: () => call<AnomalyInfo[]>('anomalies'),
    refreshes: () => call<Refresh[]>('refreshes'),
    onRefresh: (listener: (refresh: Refresh) => void) => broker.onRefresh?.(listener) ?? (() => undefined),
  };
}
