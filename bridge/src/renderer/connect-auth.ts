import type {
  AccountInfo,
  AnomalyInfo,
  AuthBroker,
  AuthSnapshot,
  BrokerRequestInit,
  BrokerResponse,
  CodeSubmission,
  Refresh,
  RefreshOptions,
  RemoteSession,
  Result,
  SignInRequest,
  SignInResult,
  SignOutOptions,
  SignUpRequest,
} from '../protocol.js';
import { AuthError } from './auth-error.js';
import { brokerOfWindow } from './broker.js';

/** The broker's calls, which give the value or throw an {@link AuthError}. */
export interface AuthClient {
  /** Where the session stands. */
  snapshot(): Promise<AuthSnapshot>;
  /** Calls `listener` at each change; returns the call that stops it. */
  onChange(listener: (snapshot: AuthSnapshot) => void): () => void;
  /** Signs somebody in. A session that was active is replaced when, and only when, this succeeds. */
  signIn(request: SignInRequest): Promise<SignInResult>;
  /** Makes an account and signs it in. */
  signUp(request: SignUpRequest): Promise<SignInResult>;
  /** Waits until a sign-in in the browser or on another device is complete, or has failed. */
  awaitSignIn(id: string): Promise<SignInResult>;
  /** Hands in what the person typed. A wrong code is `ERR_INVALID_CODE`, and the sign-in still waits. */
  submitCode(id: string, submission: CodeSubmission): Promise<SignInResult>;
  /** Has a code sent. */
  sendCode(id: string, strategy: string): Promise<SignInResult>;
  /** Opens the browser once more; for a device, the page on which the code is typed. */
  openSignIn(id: string): Promise<null>;
  /** Puts the address of the sign-in page on the clipboard, for another browser. */
  copySignInLink(id: string): Promise<null>;
  /** Gives a sign-in up; its callback is worth nothing from then on. */
  cancelSignIn(id: string): Promise<null>;
  /** Signs out: here at once and always, then on the server, later if it cannot be reached. */
  signOut(options?: SignOutOptions): Promise<null>;
  /** Goes on in another organization; `null` is the personal account. */
  switchOrganization(id: string | null): Promise<AuthSnapshot>;
  /** The sessions of this person, as the server lists them. */
  sessions(): Promise<RemoteSession[]>;
  /** Ends one of them. */
  endSession(id: string): Promise<null>;
  /**
   * The accounts that have a session here, sorted by name, with the one at the front among them. Like
   * {@link AuthBroker.switchAccount}, `ERR_NOT_SUPPORTED` in an app that has one session.
   */
  accounts(): Promise<AccountInfo[]>;
  /**
   * Puts another account at the front, in every window. The other's session stays. A name that is not there yet is a new
   * account, which nobody is signed in to.
   */
  switchAccount(name: string): Promise<AuthSnapshot>;
  /** What has happened to sessions here and should not have, oldest first: the last 100. */
  anomalies(): Promise<AnomalyInfo[]>;
  /** The renewals of this run of the app for the account at the front, oldest first: the last 50. */
  refreshes(): Promise<Refresh[]>;
  /** Calls `listener` when a renewal begins and when it ends; returns the call that stops it. */
  onRefresh(listener: (refresh: Refresh) => void): () => void;
  /**
   * Asks the server now whether the session still stands. `retryUnanswered` sends a refresh token that may be spent
   * (reason `unanswered`) once more; if it was spent, the session ends.
   */
  refresh(options?: RefreshOptions): Promise<AuthSnapshot>;
  /** Locks the session: no token leaves before it is unlocked, also after a restart. */
  lock(): Promise<null>;
  /** Asks the app to unlock the session, which asks the person. Without an `onUnlockRequest` it is refused. */
  unlock(): Promise<null>;
  /** While `unavailable`: opens the vault again. */
  retry(): Promise<AuthSnapshot>;
  /** The plain request; {@link createAuthFetch} wraps it as a standard `fetch`. */
  fetch(url: string, init?: BrokerRequestInit): Promise<BrokerResponse>;
}

/** The calls of `window.auth`, with values and exceptions in the place of results. */
export function connectAuth(broker: AuthBroker = brokerOfWindow()): AuthClient {
  return {
    snapshot: () => unwrap(broker.snapshot()),
    onChange: (listener) => broker.onChange(listener),
    signIn: (request) => unwrap(broker.signIn(request)),
    signUp: (request) => unwrap(broker.signUp(request)),
    awaitSignIn: (id) => unwrap(broker.awaitSignIn(id)),
    submitCode: (id, submission) => unwrap(broker.submitCode(id, submission)),
    sendCode: (id, strategy) => unwrap(broker.sendCode(id, strategy)),
    openSignIn: (id) => unwrap(broker.openSignIn(id)),
    copySignInLink: (id) => unwrap(broker.copySignInLink(id)),
    cancelSignIn: (id) => unwrap(broker.cancelSignIn(id)),
    signOut: (options) => unwrap(broker.signOut(options)),
    switchOrganization: (id) => unwrap(broker.switchOrganization(id)),
    sessions: () => unwrap(broker.sessions()),
    endSession: (id) => unwrap(broker.endSession(id)),
    accounts: () => unwrap(broker.accounts()),
    switchAccount: (name) => unwrap(broker.switchAccount(name)),
    anomalies: () => unwrap(broker.anomalies()),
    refreshes: () => unwrap(broker.refreshes()),
    onRefresh: (listener) => broker.onRefresh(listener),
    refresh: (options) => unwrap(broker.refresh(options)),
    lock: () => unwrap(broker.lock()),
    unlock: () => unwrap(broker.unlock()),
    retry: () => unwrap(broker.retry()),
    fetch: (url, init) => unwrap(broker.fetch(url, init)),
  };
}

async function unwrap<T>(answer: Promise<Result<T>>): Promise<T> {
  const result = await answer;
  if (result.ok) return result.value;
  throw new AuthError(result);
}
