import type {
  AccountInfo,
  AnomalyInfo,
  AuthBroker,
  AuthSnapshot,
  BrokerRequestInit,
  ErrorCode,
  PendingSignIn,
  Refresh,
  Result,
  User,
} from 'electron-latchkey/renderer';
import { vi } from 'vitest';
import type { ExampleBridge } from '../../shared/config';
import type { ProviderInfo, ProviderList } from '../../shared/providers';

export const ADA: User = {
  id: 'user-ada',
  email: 'ada@example.com',
  name: 'Ada Lovelace',
  image: null,
  emailVerified: true,
};

export const GRACE: User = { ...ADA, id: 'user-grace', email: 'grace@example.com', name: 'Grace Hopper' };

export const BETTER_AUTH: ProviderInfo = {
  id: 'better-auth',
  ways: ['password', 'signUp', 'code', 'browser'],
  connections: [],
  trustsDevices: true,
  apiUrl: 'http://127.0.0.1:4711/api/profile',
};

export const OIDC: ProviderInfo = {
  id: 'oidc',
  ways: ['browser', 'device'],
  connections: [],
  trustsDevices: false,
  apiUrl: null,
};

const SIGNED_OUT: AuthSnapshot = {
  state: 'signedOut',
  reason: 'start',
  user: null,
  account: null,
  expiresAtMs: null,
  revocationsOwed: 0,
  retryAtMs: null,
  revision: 1,
  awaitingRestart: false,
  problem: null,
  signIns: [],
  signInProblem: null,
  protection: {
    backend: 'secret-service',
    description: 'Sealed under the login keyring.',
    path: '/home/ada/.local/share/app',
  },
};

const NEW_REFRESH: Refresh = {
  number: 0,
  startedAtMs: Date.now(),
  endedAtMs: null,
  waiters: 0,
  outcome: null,
  code: null,
  tokenExpiresAtMs: null,
};

export function failure(code: ErrorCode): { ok: false; code: ErrorCode; message: string } {
  return { ok: false, code, message: `The message of ${code}.` };
}

/** A main process that does what the test says: it holds one snapshot and tells each change, as the real one does. */
export class FakeBroker {
  snapshotNow: AuthSnapshot;
  /** Oldest first. */
  refreshesNow: Refresh[] = [];
  readonly #refreshListeners = new Set<(refresh: Refresh) => void>();
  readonly #listeners = new Set<(snapshot: AuthSnapshot) => void>();

  readonly signIn = vi.fn<AuthBroker['signIn']>(async () => this.#complete(ADA));
  readonly signUp = vi.fn<AuthBroker['signUp']>(async (request) =>
    this.#complete({ ...ADA, email: request.email, name: request.name }),
  );
  readonly awaitSignIn = vi.fn<AuthBroker['awaitSignIn']>(async () => failure('ERR_SIGN_IN_NOT_FOUND'));
  readonly submitCode = vi.fn<AuthBroker['submitCode']>(async () => this.#complete(ADA));
  readonly sendCode = vi.fn<AuthBroker['sendCode']>(async () => failure('ERR_NOT_SUPPORTED'));
  readonly openSignIn = vi.fn<AuthBroker['openSignIn']>(async () => ({ ok: true, value: null }));
  readonly copySignInLink = vi.fn<AuthBroker['copySignInLink']>(async () => ({ ok: true, value: null }));
  readonly cancelSignIn = vi.fn<AuthBroker['cancelSignIn']>(async () => {
    this.change({ state: 'signedOut', reason: 'signInFailed', signIns: [] });
    return { ok: true, value: null };
  });
  readonly switchOrganization = vi.fn<AuthBroker['switchOrganization']>(async () => this.#answer());
  readonly sessions = vi.fn<AuthBroker['sessions']>(async () => ({ ok: true, value: [] }));
  readonly endSession = vi.fn<AuthBroker['endSession']>(async () => ({ ok: true, value: null }));
  readonly signOut = vi.fn<AuthBroker['signOut']>(async () => {
    this.change({ state: 'signedOut', reason: 'signedOut', user: null, expiresAtMs: null, retryAtMs: null });
    return { ok: true, value: null };
  });
  readonly lock = vi.fn<AuthBroker['lock']>(async () => {
    this.change({ state: 'locked', reason: 'locked' });
    return { ok: true, value: null };
  });
  readonly unlock = vi.fn<AuthBroker['unlock']>(async () => {
    this.change({ state: 'active', reason: 'unlocked' });
    return { ok: true, value: null };
  });
  readonly refresh = vi.fn<AuthBroker['refresh']>(async () => this.#answer());
  readonly retry = vi.fn<AuthBroker['retry']>(async () => this.#answer());
  readonly snapshot = vi.fn<AuthBroker['snapshot']>(async () => this.#answer());
  readonly fetch = vi.fn<AuthBroker['fetch']>(async () => failure('ERR_NETWORK'));
  readonly accounts = vi.fn<() => Promise<Result<AccountInfo[]>>>(async () => ({
    ok: true,
    value: [{ name: 'first', user: this.snapshotNow.user, current: true }],
  }));
  readonly switchAccount = vi.fn<(name: string) => Promise<Result<AuthSnapshot>>>(async () => this.#answer());
  readonly anomalies = vi.fn<() => Promise<Result<AnomalyInfo[]>>>(async () => ({ ok: true, value: [] }));
  readonly refreshes = vi.fn<() => Promise<Result<Refresh[]>>>(async () => ({
    ok: true,
    value: [...this.refreshesNow],
  }));
  readonly cancelFetch = vi.fn<AuthBroker['cancelFetch']>(async () => ({ ok: true, value: null }));

  /** What main was set up with. */
  providers: ProviderList = { chosen: 'better-auth', all: [BETTER_AUTH] };
  readonly chooseProvider = vi.fn<ExampleBridge['chooseProvider']>(async () => ({ ok: true, value: null }));

  constructor(start: Partial<AuthSnapshot> = {}) {
    this.snapshotNow = { ...SIGNED_OUT, ...start };
  }

  onChange(listener: (snapshot: AuthSnapshot) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Takes the next state and tells every listener, as an event from main does. */
  change(next: Partial<AuthSnapshot>): void {
    this.snapshotNow = { ...this.snapshotNow, ...next, revision: this.snapshotNow.revision + 1 };
    this.tell(this.snapshotNow);
  }

  tell(snapshot: AuthSnapshot): void {
    for (const listener of this.#listeners) listener(snapshot);
  }

  onRefresh(listener: (refresh: Refresh) => void): () => void {
    this.#refreshListeners.add(listener);
    return () => this.#refreshListeners.delete(listener);
  }

  /** A refresh begins, or one that runs changes; every listener is told. */
  refreshing(refresh: Partial<Refresh> & { number: number }): void {
    const before = this.refreshesNow.find(({ number }) => number === refresh.number) ?? NEW_REFRESH;
    const now = { ...before, ...refresh };
    this.refreshesNow = [...this.refreshesNow.filter(({ number }) => number !== refresh.number), now];
    for (const listener of this.#refreshListeners) listener(now);
  }

  /** From now on a sign-in waits for the browser, another device, or a code. */
  waitFor(awaits: PendingSignIn['awaits'], more: Partial<PendingSignIn> = {}): PendingSignIn {
    const signIn = pendingSignIn(awaits, more);
    this.signIn.mockImplementation(async () => {
      this.change({ state: 'signingIn', reason: 'signInStarted', signIns: [signIn] });
      return { ok: true, value: { status: 'pending', signIn, browserOpened: awaits === 'browser' } };
    });
    return signIn;
  }

  /** Answers every request with what `respond` gives for it. */
  serve(respond: (url: string, init?: BrokerRequestInit) => { status: number; json: unknown }): void {
    this.fetch.mockImplementation(async (url, init) => {
      const { status, json } = respond(url, init);
      const body = new TextEncoder().encode(JSON.stringify(json));
      return {
        ok: true,
        value: { status, statusText: '', url, headers: [['content-type', 'application/json']], body },
      };
    });
  }

  /** Puts it where the preload puts the real one. */
  install(): this {
    const { chooseProvider } = this;
    const providers = async () => ({ ok: true, value: this.providers });
    Object.assign(window, {
      auth: this,
      latchkeyExample: { apiUrl: 'http://127.0.0.1:4711', providers, chooseProvider },
    });
    return this;
  }

  #complete(user: User): Result<{ status: 'complete'; user: User }> {
    this.change({ state: 'active', reason: 'signedIn', user, signIns: [] });
    return { ok: true, value: { status: 'complete', user } };
  }

  #answer(): Result<AuthSnapshot> {
    return { ok: true, value: this.snapshotNow };
  }
}

export function pendingSignIn(
  awaits: PendingSignIn['awaits'],
  more: Partial<PendingSignIn> = {},
): PendingSignIn {
  return {
    id: '0123456789abcdef0123456789abcdef',
    awaits,
    expiresAtMs: Date.now() + 600_000,
    userCode: null,
    verificationUri: null,
    verificationUriComplete: null,
    factors: [],
    ...more,
  };
}

/** The second factors that Better Auth gives: an authenticator, a code by mail, a backup code. */
export const SECOND_FACTORS: PendingSignIn['factors'] = [
  { strategy: 'totp', hint: null, sent: true, first: false },
  { strategy: 'otp', hint: null, sent: false, first: false },
  { strategy: 'backupCode', hint: null, sent: true, first: false },
];

export function activeAs(user: User = ADA): Partial<AuthSnapshot> {
  return { state: 'active', reason: 'restored', user, expiresAtMs: Date.now() + 7 * 24 * 3600_000 };
}

/** A promise and its ends, for tests that look at what is shown in between. */
export function pending<T>(): { promise: Promise<T>; resolve: (value: T) => void } {
  let resolve!: (value: T) => void;
  const promise = new Promise<T>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}
