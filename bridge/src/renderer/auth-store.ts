import { notify } from '../notify.js';
import type { AuthBroker, AuthSnapshot, ErrorCode, RefreshOptions } from '../protocol.js';
import { AuthError } from './auth-error.js';
import { createAuthFetch } from './auth-fetch.js';
import { type AuthView, FIRST_VIEW, type PendingCalls, viewAfter, viewWhile } from './auth-view.js';
import { brokerOfWindow } from './broker.js';
import { type AuthClient, connectAuth } from './connect-auth.js';

/**
 * What a page can do, bound to no framework. Each may be taken out of its object and called alone.
 *
 * All but `initializeAuth`, `handleAuthExpired` and `retry` reject with an {@link AuthError} when main refuses. A call that
 * resolves has already brought {@link AuthView} up to date.
 */
export interface AuthActions
  extends Pick<
    AuthClient,
    | 'signIn'
    | 'signUp'
    | 'awaitSignIn'
    | 'submitCode'
    | 'sendCode'
    | 'openSignIn'
    | 'copySignInLink'
    | 'cancelSignIn'
    | 'signOut'
    | 'switchOrganization'
    | 'sessions'
    | 'endSession'
    | 'accounts'
    | 'switchAccount'
    | 'anomalies'
    | 'refreshes'
    | 'onRefresh'
    | 'lock'
    | 'unlock'
  > {
  /** Takes the first snapshot and listens from then on. Never rejects: a failure becomes the state `unavailable`. */
  initializeAuth(): Promise<void>;
  /**
   * Asks the server now whether the session still stands. Resolves in every state that the answer can lead to, offline and
   * expired included; rejects only when the question could not be put.
   */
  refreshSession(options?: RefreshOptions): Promise<void>;
  /**
   * For an API that answered that the session is over. One 401 is no proof, so the server of the session is asked; only its
   * word makes the state `expired`, and even then the person's work stays. A question that could not be put changes nothing.
   */
  handleAuthExpired(): Promise<void>;
  /** While `unavailable`: opens the vault once more. What comes of it is in the view; it never rejects. */
  retry(): Promise<void>;
  /** A standard `fetch` with the session's token, which never comes here ({@link createAuthFetch}). */
  fetch: typeof fetch;
}

/** The session as this page shows it, and what the page can do with it. */
export interface AuthStore extends AuthActions {
  /** The view of this moment: the same object until something changes. */
  get(): AuthView;
  /** Calls `listener` at once and at each change; returns the call that stops it. */
  subscribe(listener: (view: AuthView) => void): () => void;
  /** Stops listening to main, for good. A page that closes need not call it. */
  dispose(): void;
}

/** How a store reaches main. */
export interface AuthStoreOptions {
  /** Default: `window.auth`, looked up when it is first needed. */
  broker?: AuthBroker;
}

/**
 * A store of the session for any framework. All of it is decided in main: the store mirrors main's snapshots and never
 * guesses ahead of them. No token is ever in it.
 */
export function createAuthStore(options: AuthStoreOptions = {}): AuthStore {
  const listeners = new Set<(view: AuthView) => void>();
  const running = new Map<keyof PendingCalls, number>();
  let view = FIRST_VIEW;
  let connection: { client: AuthClient; fetch: typeof fetch; stop: () => void } | undefined;
  let starting: Promise<void> | undefined;
  let disposed = false;

  function show(next: AuthView): void {
    if (next === view || disposed) return;
    view = next;
    // The newest view for each, since one of them may cause the next change.
    for (const listener of [...listeners]) if (listeners.has(listener)) notify(listener, view);
  }

  const apply = (snapshot: AuthSnapshot): void => show(viewAfter(view, snapshot));

  function connected(): NonNullable<typeof connection> {
    if (connection !== undefined) return connection;
    const broker = options.broker ?? brokerOfWindow();
    const client = connectAuth(broker);
    connection = { client, fetch: createAuthFetch(broker), stop: client.onChange(apply) };
    return connection;
  }

  async function start(): Promise<void> {
    try {
      // Connecting listens first, so that no change falls between the snapshot and the subscription.
      apply(await connected().client.snapshot());
    } catch (error) {
      showBroken(error);
    }
  }

  /** The bridge itself does not answer: no preload, or this window is not let in. */
  function showBroken(error: unknown): void {
    const code: ErrorCode = error instanceof AuthError ? error.code : 'ERR_INTERNAL';
    const message = error instanceof Error ? error.message : String(error);
    apply({
      ...view.snapshot,
      state: 'unavailable',
      reason: 'start',
      user: null,
      problem: { code, message },
    });
  }

  /** Runs a call, shown as pending unless `call` is null. */
  async function run<T>(
    call: keyof PendingCalls | null,
    work: (client: AuthClient) => Promise<T>,
  ): Promise<T> {
    count(call, 1);
    try {
      return await work(connected().client);
    } finally {
      count(call, -1);
    }
  }

  // Two calls of one kind may overlap, so the first to end must not end the sign of both.
  function count(call: keyof PendingCalls | null, by: 1 | -1): void {
    if (call === null) return;
    const now = (running.get(call) ?? 0) + by;
    running.set(call, now);
    show(viewWhile(view, call, now > 0));
  }

  /** Runs a call and catches up with what it did: its answer may overtake the event that it caused. */
  function act<T>(call: keyof PendingCalls | null, work: (client: AuthClient) => Promise<T>): Promise<T> {
    return run(call, async (client) => {
      const result = await work(client);
      apply(await client.snapshot());
      return result;
    });
  }

  const refreshSession = (how?: RefreshOptions): Promise<void> =>
    run('refresh', async (client) => apply(await client.refresh(how)));

  return {
    get: () => view,
    subscribe(listener) {
      listeners.add(listener);
      listener(view);
      return () => {
        listeners.delete(listener);
      };
    },
    dispose() {
      disposed = true;
      listeners.clear();
      connection?.stop();
    },
    initializeAuth() {
      starting ??= start();
      return starting;
    },
    signIn: (request) => act('signIn', (client) => client.signIn(request)),
    signUp: (request) => act('signIn', (client) => client.signUp(request)),
    awaitSignIn: (id) => act(null, (client) => client.awaitSignIn(id)),
    submitCode: (id, submission) => act('signIn', (client) => client.submitCode(id, submission)),
    sendCode: (id, strategy) => act(null, (client) => client.sendCode(id, strategy)),
    openSignIn: (id) => run(null, (client) => client.openSignIn(id)),
    copySignInLink: (id) => run(null, (client) => client.copySignInLink(id)),
    cancelSignIn: (id) => act(null, (client) => client.cancelSignIn(id)),
    signOut: (how) => act('signOut', (client) => client.signOut(how)),
    switchOrganization: (id) => act('switch', (client) => client.switchOrganization(id)),
    sessions: () => run(null, (client) => client.sessions()),
    endSession: (id) => act(null, (client) => client.endSession(id)),
    accounts: () => run(null, (client) => client.accounts()),
    switchAccount: (name) => act('switch', (client) => client.switchAccount(name)),
    anomalies: () => run(null, (client) => client.anomalies()),
    refreshes: () => run(null, (client) => client.refreshes()),
    onRefresh: (listener) => connected().client.onRefresh(listener),
    lock: () => act('lock', (client) => client.lock()),
    unlock: () => act('unlock', (client) => client.unlock()),
    refreshSession,
    async handleAuthExpired() {
      if (view.state === 'expired' || view.state === 'signedOut') return;
      try {
        await refreshSession();
      } catch (error) {
        // The state did not change: the caller shows its own failure, and the next call asks again.
        if (!(error instanceof AuthError)) throw error;
      }
    },
    async retry() {
      count('retry', 1);
      try {
        apply(await connected().client.retry());
      } catch (error) {
        showBroken(error);
      } finally {
        count('retry', -1);
      }
    },
    fetch: async (input, init) => connected().fetch(input, init),
  };
}
