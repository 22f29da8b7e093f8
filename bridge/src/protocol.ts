/**
 * What crosses between the main process and a page: channel names, requests and answers.
 *
 * Plain data only. No type here has a field for a token, and this is the only file that names a channel.
 */
import type { ErrorCode as AddonErrorCode, RefreshOptions, SessionSnapshot } from 'electron-latchkey';

/** One channel per call, and one for events. */
export const CHANNELS = {
  snapshot: 'latchkey:snapshot',
  signIn: 'latchkey:sign-in',
  signUp: 'latchkey:sign-up',
  signOut: 'latchkey:sign-out',
  refresh: 'latchkey:refresh',
  lock: 'latchkey:lock',
  unlock: 'latchkey:unlock',
  retry: 'latchkey:retry',
  fetch: 'latchkey:fetch',
  cancelFetch: 'latchkey:cancel-fetch',
  /** Main to page: a new {@link AuthSnapshot}. */
  changed: 'latchkey:changed',
} as const;

/** Codes that the bridge itself gives, beside those of the addon (docs/errors.md). */
export type BridgeErrorCode =
  /** The caller is not the main frame of a registered window at an allowed origin. */
  | 'ERR_SENDER_NOT_ALLOWED'
  /** The arguments do not have the documented shape or exceed its bounds. */
  | 'ERR_INVALID_ARGUMENT'
  /** The native addon is missing or was built for another platform. */
  | 'ERR_ADDON_NOT_LOADED'
  /** The page gave the request up before it was sent. */
  | 'ERR_ABORTED'
  /** The app did not let the session be unlocked: the person did not confirm, or the app has no `onUnlockRequest`. */
  | 'ERR_UNLOCK_REFUSED'
  /** Somebody has left, and the app is not ready for the next person yet: `awaitingRestart` of the snapshot. */
  | 'ERR_AWAITING_RESTART'
  /** The main process did not answer: `createAuth()` was not called, or was disposed. */
  | 'ERR_NO_BROKER'
  /** What a `Store` was given, or holds, breaks its schema. */
  | 'ERR_SCHEMA_VIOLATION'
  /** A step of a `Store`'s migrations threw. The `cause` is what it threw. */
  | 'ERR_MIGRATION_FAILED'
  /** What electron-store does and a sealed store does not. */
  | 'ERR_NOT_SUPPORTED'
  /** A fault inside Latchkey. Its text stays in the main process. */
  | 'ERR_INTERNAL';

export type ErrorCode = AddonErrorCode | BridgeErrorCode;

export interface Failure {
  ok: false;
  /** Compare this, never the message. */
  code: ErrorCode;
  /** A sentence for a person: what happened and what to do. */
  message: string;
}

/** An answer. Errors thrown across IPC keep only their message, so failures travel as values. */
export type Result<T> = { ok: true; value: T } | Failure;

export interface User {
  id: string;
  email: string | null;
  name: string | null;
  image: string | null;
  emailVerified: boolean | null;
}

// Taken from the addon's own types, so that the two cannot come to differ.
export type SessionState = SessionSnapshot['state'];
export type { RefreshOptions };

export type AuthState =
  | SessionState
  /** The vault is being opened: show neither a sign-in form nor an account yet. */
  | 'opening'
  /** The vault could not be opened; `problem` says why, and `retry()` tries again. */
  | 'unavailable';

export type AuthReason =
  | SessionSnapshot['reason']
  /** `opening` once more, because somebody asked. */
  | 'retry'
  /** `unavailable`, because the vault or the session in it could not be opened. */
  | 'vault';

/** How the vault's root key is kept. */
export interface Protection {
  backend: 'secret-service' | 'keychain' | 'credential-manager' | 'passphrase';
  description: string;
  /** The vault's file. */
  path: string;
}

export interface Problem {
  code: ErrorCode;
  message: string;
}

export interface AuthSnapshot {
  state: AuthState;
  /** Why the state is what it is: `signedIn`, `restored`, `network`, `ended`, … */
  reason: AuthReason;
  /** Kept while restoring, active, offline, locked and expired. */
  user: User | null;
  /** The name of the account, where the app has several. */
  account: string | null;
  /** When the server's session ends, in milliseconds since 1970, as far as known. */
  expiresAtMs: number | null;
  /** While offline: when the next try is due, in milliseconds since 1970. */
  retryAtMs: number | null;
  /** Grows with each change, so that an older snapshot that arrives late can be dropped. */
  revision: number;
  /** Somebody has left, and the app still resets what it held for them. Nobody can sign in before that is done. */
  awaitingRestart: boolean;
  /** Only while `unavailable`. */
  problem: Problem | null;
  /** Null until the vault is open. */
  protection: Protection | null;
}

export interface SignInRequest {
  method: 'password';
  email: string;
  password: string;
  /** Whether using the session prolongs it beyond its first period. Default true. */
  rememberMe?: boolean;
}

export interface SignUpRequest {
  email: string;
  password: string;
  name: string;
}

export interface SignInResult {
  status: 'complete';
  user: User;
}

export interface BrokerRequestInit {
  /** Default `GET`. */
  method?: string;
  headers?: [string, string][];
  body?: string | Uint8Array;
  /** Names the request for {@link AuthBroker.cancelFetch}. No other of this page's that is under way may have it. */
  requestId?: string;
}

export interface BrokerResponse {
  status: number;
  statusText: string;
  url: string;
  headers: [string, string][];
  body: Uint8Array;
}

/** What `exposeAuth()` puts on the page's `window`. */
export interface AuthBroker {
  snapshot(): Promise<Result<AuthSnapshot>>;
  /** Calls `listener` at each change; returns the call that stops it. */
  onChange(listener: (snapshot: AuthSnapshot) => void): () => void;
  signIn(request: SignInRequest): Promise<Result<SignInResult>>;
  signUp(request: SignUpRequest): Promise<Result<SignInResult>>;
  signOut(): Promise<Result<null>>;
  /**
   * Asks the server now whether the session still stands. `retryUnanswered` sends a refresh token that may be spent
   * (reason `unanswered`) once more; if it was spent, the session ends.
   */
  refresh(options?: RefreshOptions): Promise<Result<AuthSnapshot>>;
  /** Locks the session: no token leaves before it is unlocked, also after a restart. */
  lock(): Promise<Result<null>>;
  /** Asks the app to unlock the session, which asks the person. Without an `onUnlockRequest` it is refused. */
  unlock(): Promise<Result<null>>;
  /** While `unavailable`: opens the vault again. */
  retry(): Promise<Result<AuthSnapshot>>;
  /** An HTTP request that the main process sends, with the session's token for allowed origins. */
  fetch(url: string, init?: BrokerRequestInit): Promise<Result<BrokerResponse>>;
  /** Gives up the request of this page that was made with this `requestId`; it then fails with `ERR_ABORTED`. */
  cancelFetch(requestId: string): Promise<Result<null>>;
}
