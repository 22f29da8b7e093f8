/**
 * What crosses between the main process and a page: channel names, requests and answers.
 *
 * Plain data only. No type here has a field for a token, and this is the only file that names a channel.
 */
import type {
  Anomaly as AddonAnomaly,
  ErrorCode as AddonErrorCode,
  PendingSignIn as AddonPendingSignIn,
  Refresh as AddonRefresh,
  RemoteSession as AddonRemoteSession,
  RefreshOptions,
  SessionSnapshot,
} from 'electron-latchkey';

/** One channel per call, and one for each kind of event. */
export const CHANNELS = {
  snapshot: 'latchkey:snapshot',
  signIn: 'latchkey:sign-in',
  signUp: 'latchkey:sign-up',
  awaitSignIn: 'latchkey:await-sign-in',
  submitCode: 'latchkey:submit-code',
  sendCode: 'latchkey:send-code',
  openSignIn: 'latchkey:open-sign-in',
  copySignInLink: 'latchkey:copy-sign-in-link',
  cancelSignIn: 'latchkey:cancel-sign-in',
  signOut: 'latchkey:sign-out',
  switchOrganization: 'latchkey:switch-organization',
  sessions: 'latchkey:sessions',
  endSession: 'latchkey:end-session',
  accounts: 'latchkey:accounts',
  switchAccount: 'latchkey:switch-account',
  anomalies: 'latchkey:anomalies',
  refreshes: 'latchkey:refreshes',
  refresh: 'latchkey:refresh',
  lock: 'latchkey:lock',
  unlock: 'latchkey:unlock',
  retry: 'latchkey:retry',
  fetch: 'latchkey:fetch',
  cancelFetch: 'latchkey:cancel-fetch',
  /** Main to page: a new {@link AuthSnapshot}. */
  changed: 'latchkey:changed',
  /** Main to page: a {@link Refresh} that has begun or ended. */
  refreshed: 'latchkey:refreshed',
} as const;

/** Codes that the bridge itself gives, beside those of the addon (docs/errors.md). */
export type BridgeErrorCode =
  /** The caller is not the main frame of a registered window at an allowed origin. */
  | 'ERR_SENDER_NOT_ALLOWED'
  /** The arguments do not have the documented shape or exceed its bounds. */
  | 'ERR_INVALID_ARGUMENT'
  /** The native addon is missing or was built for another platform. */
  | 'ERR_ADDON_NOT_LOADED'
  /** A page called more often than anybody would, or has too much under way. The message says how long to wait. */
  | 'ERR_TOO_MANY_CALLS'
  /** The page gave the request up before it was sent. */
  | 'ERR_ABORTED'
  /** The app did not let the session be unlocked: the person did not confirm, or the app has no `onUnlockRequest`. */
  | 'ERR_UNLOCK_REFUSED'
  /** Somebody has left, and the app is not ready for the next person yet: `awaitingRestart` of the snapshot. */
  | 'ERR_AWAITING_RESTART'
  /** The system's browser could not be opened. The sign-in still waits: offer the link, or another way. */
  | 'ERR_BROWSER_NOT_OPENED'
  /** The main process did not answer: `createAuth()` was not called, or was disposed. */
  | 'ERR_NO_BROKER'
  /** What a `Store` was given, or holds, breaks its schema. */
  | 'ERR_SCHEMA_VIOLATION'
  /** A step of a `Store`'s migrations threw. The `cause` is what it threw. */
  | 'ERR_MIGRATION_FAILED'
  /** A fault inside Latchkey. Its text stays in the main process. */
  | 'ERR_INTERNAL';

/** Every code that an error of the package can have; what each means is in docs/errors.md. */
export type ErrorCode = AddonErrorCode | BridgeErrorCode;

/** A call that failed, as it crosses to a page. */
export interface Failure {
  ok: false;
  /** Compare this, never the message. */
  code: ErrorCode;
  /** A sentence for a person: what happened and what to do. */
  message: string;
}

/** An answer. Errors thrown across IPC keep only their message, so failures travel as values. */
export type Result<T> = { ok: true; value: T } | Failure;

/** Who is signed in, as far as the server tells. */
export interface User {
  id: string;
  email: string | null;
  name: string | null;
  image: string | null;
  emailVerified: boolean | null;
}

// Taken from the addon's own types, so that the two cannot come to differ.
/** Where an open session stands. */
export type SessionState = SessionSnapshot['state'];
export type { RefreshOptions };

/** Where the app stands with its session, before it is open and after. */
export type AuthState =
  | SessionState
  /** The vault is being opened: show neither a sign-in form nor an account yet. */
  | 'opening'
  /** The vault could not be opened; `problem` says why, and `retry()` tries again. */
  | 'unavailable';

/** Why it stands there. */
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

/** What keeps something from working: a code to compare, and a sentence for the person. */
export interface Problem {
  code: ErrorCode;
  message: string;
}

/** All that a page may know of the session. Holds no token. */
export interface AuthSnapshot {
  state: AuthState;
  /** Why the state is what it is: `signedIn`, `restored`, `network`, `ended`, … */
  reason: AuthReason;
  /** Kept while restoring, active, offline, locked and expired. */
  user: User | null;
  /** The name of the account, where the app has several. */
  account: string | null;
  /**
   * When the token at hand ends if nothing prolongs it, in milliseconds since 1970, as far as known. A token that is itself the
   * session, as Better Auth's, ends with it.
   */
  expiresAtMs: number | null;
  /** While offline: when the next try is due, in milliseconds since 1970. */
  retryAtMs: number | null;
  /** Grows with each change, so that an older snapshot that arrives late can be dropped. */
  revision: number;
  /** So many sessions were left here and live on at the server, which could not be reached to hear of it. It hears when it can. */
  revocationsOwed: number;
  /** Somebody has left, and the app still resets what it held for them. Nobody can sign in before that is done. */
  awaitingRestart: boolean;
  /** Only while `unavailable`. */
  problem: Problem | null;
  /** The sign-ins that are under way, also those that were begun by another page or before a restart. */
  signIns: PendingSignIn[];
  /** Why the last sign-in in the browser or by a device failed, until the next one begins or somebody is signed in. */
  signInProblem: SignInProblem | null;
  /** Null until the vault is open. */
  protection: Protection | null;
}

/** How somebody signs in. Which of them there are depends on the provider; the others fail with `ERR_NOT_SUPPORTED`. */
export type SignInRequest =
  | PasswordSignIn
  | BrowserSignIn
  | DeviceSignIn
  | CodeSignIn
  | CustomSignIn
  | StepUpSignIn;

/** By name and password. */
export interface PasswordSignIn {
  method: 'password';
  /** The address; or `username`, where the server has user names. One of the two. */
  email?: string;
  username?: string;
  password: string;
  /** Whether using the session prolongs it beyond its first period. Default true. */
  rememberMe?: boolean;
}

/**
 * In the system's browser, which main opens. How the browser comes back to the app is the app's to say
 * (`createAuth({ browser })`), not the page's.
 */
export interface BrowserSignIn {
  method: 'browser';
  /** Goes straight to this social or enterprise provider, such as `google`. */
  connection?: string;
  /** Signs in to this organization. */
  organizationId?: string;
  /** The domain of the organization whose sign-in page is to be shown. */
  domainHint?: string;
  /** The address that the sign-in page is filled with. */
  loginHint?: string;
  /** Which page comes first: `sign-in` or `sign-up` (WorkOS). */
  screenHint?: string;
  /** OpenID Connect Core section 3.1.2.1: `login` asks for the password anew, `select_account` which account. */
  prompt?: string;
  /** The person must have proven themselves within so many seconds. */
  maxAgeS?: number;
  /** The strength of the proof that is asked for. */
  acrValues?: string;
  /** Default: the provider's configured one. */
  scope?: string;
  /** The `WWW-Authenticate` value of an answer that asked for a stronger proof (RFC 9470). */
  challenge?: string;
}

/** On another device, where no browser can be opened here (RFC 8628): the person types `userCode` there. */
export interface DeviceSignIn {
  method: 'device';
  /** Default: the provider's configured one. */
  scope?: string;
}

/** By a code that the server sends. */
export interface CodeSignIn {
  method: 'code';
  /** The address; or `username`, where the server has user names. One of the two. */
  email?: string;
  username?: string;
}

/** With the token that main's own source brings (provider `custom`). */
export interface CustomSignIn {
  method: 'custom';
}

/** The person who is signed in proves it anew, without a browser. */
export interface StepUpSignIn {
  method: 'stepUp';
  /** What is to be proven, in the provider's words. Default: the provider's. */
  level?: string;
}

/** A new account. */
export interface SignUpRequest {
  email: string;
  password: string;
  name: string;
  /** Where the server has user names. */
  username?: string;
}

/** What a step of signing in has come to. */
export type SignInResult = SignedIn | SignInPending;

/** Somebody is signed in. */
export interface SignedIn {
  status: 'complete';
  user: User;
}

/** The person has something left to do. */
export interface SignInPending {
  status: 'pending';
  signIn: PendingSignIn;
  /** Whether the system's browser was opened for it. `false` where one is needed: offer the link, or another way. */
  browserOpened: boolean;
}

/**
 * A sign-in that is under way. The URL that the browser was opened with stays in main: with it, a script in the page could
 * have the app signed in as somebody else ({@link AuthBroker.copySignInLink} gives it to the person).
 */
export interface PendingSignIn {
  id: string;
  /** What it waits for: the browser, another device, or a code that the person types. */
  awaits: AddonPendingSignIn['awaits'];
  /** When it is given up, in milliseconds since 1970. */
  expiresAtMs: number;
  /** `device`: what the person types, */
  userCode: string | null;
  /** and where. */
  verificationUri: string | null;
  /** The same with the code in it, for a QR code. */
  verificationUriComplete: string | null;
  /** `code`: the ways in which the person can prove themselves. */
  factors: SignInFactor[];
}

/** One way in which a person can prove themselves. */
export interface SignInFactor {
  /** Its name for `submitCode` and `sendCode`, such as `totp`. */
  strategy: string;
  /** The masked address that the code goes to. */
  hint: string | null;
  /** Whether a code is on its way, or none has to be sent. */
  sent: boolean;
  /** Whether it is the first factor and not the second. */
  first: boolean;
}

/** Why a sign-in failed that no page was waiting for. */
export interface SignInProblem extends Problem {
  /** Of the sign-in. */
  id: string;
}

/** The person's answer to a sign-in that awaits one. */
export interface CodeSubmission {
  /** The factor's, or `callback`: the person pastes what the browser shows, the code or the whole address. */
  strategy: string;
  code: string;
  /** Whether this device needs no second factor the next time. Default false. */
  trustDevice?: boolean;
}

/** How to sign out. */
export interface SignOutOptions {
  /**
   * Whether the provider's session in the browser ends too: main opens its page for that. Default: `browser.signOut` of
   * `createAuth()`.
   */
  browser?: boolean;
}

/** A session of this person, here or elsewhere. */
export type RemoteSession = AddonRemoteSession;

/** Somebody whose session is kept beside others. */
export interface AccountInfo {
  name: string;
  /** Who is, or was, signed in; null for an account that nobody has signed in to yet. */
  user: User | null;
  /** Whether it is the one that the pages show. */
  current: boolean;
}

/** Something that happened to a session and should not. */
export interface AnomalyInfo {
  kind: AddonAnomaly['kind'];
  /** When it happened last, in milliseconds since 1970 by the local clock. */
  atMs: number;
  /** How often it has happened since one of its kind was last written down. */
  count: number;
}

/** One renewal of the access token, under way or ended. No token is in it. */
export type Refresh = AddonRefresh;

/** A request, as it crosses to main. */
export interface BrokerRequestInit {
  /** Default `GET`. */
  method?: string;
  headers?: [string, string][];
  body?: string | Uint8Array;
  /** Names the request for {@link AuthBroker.cancelFetch}. No other of this page's that is under way may have it. */
  requestId?: string;
}

/** An answer, as it crosses to the page: without cookies and tokens. */
export interface BrokerResponse {
  status: number;
  statusText: string;
  url: string;
  headers: [string, string][];
  body: Uint8Array;
}

/** What `exposeAuth()` puts on the page's `window`. */
export interface AuthBroker {
  /** Where the session stands. */
  snapshot(): Promise<Result<AuthSnapshot>>;
  /** Calls `listener` at each change; returns the call that stops it. */
  onChange(listener: (snapshot: AuthSnapshot) => void): () => void;
  /** Signs somebody in. A session that was active is replaced when, and only when, this succeeds. */
  signIn(request: SignInRequest): Promise<Result<SignInResult>>;
  /** Makes an account and signs it in. */
  signUp(request: SignUpRequest): Promise<Result<SignInResult>>;
  /** Waits until a sign-in in the browser or on another device is complete, or has failed. */
  awaitSignIn(id: string): Promise<Result<SignInResult>>;
  /** Hands in what the person typed. A wrong code is `ERR_INVALID_CODE`, and the sign-in still waits. */
  submitCode(id: string, submission: CodeSubmission): Promise<Result<SignInResult>>;
  /** Has a code sent. */
  sendCode(id: string, strategy: string): Promise<Result<SignInResult>>;
  /** Opens the browser once more; for a device, the page on which the code is typed. */
  openSignIn(id: string): Promise<Result<null>>;
  /** Puts the address of the sign-in page on the clipboard, for another browser. */
  copySignInLink(id: string): Promise<Result<null>>;
  /** Gives a sign-in up; its callback is worth nothing from then on. */
  cancelSignIn(id: string): Promise<Result<null>>;
  /** Signs out: here at once and always, then on the server, later if it cannot be reached. */
  signOut(options?: SignOutOptions): Promise<Result<null>>;
  /** Goes on in another organization; `null` is the personal account. */
  switchOrganization(id: string | null): Promise<Result<AuthSnapshot>>;
  /** The sessions of this person, as the server lists them. */
  sessions(): Promise<Result<RemoteSession[]>>;
  /** Ends one of them. */
  endSession(id: string): Promise<Result<null>>;
  /**
   * The accounts that have a session here, sorted by name, with the one at the front among them. Like
   * {@link AuthBroker.switchAccount}, `ERR_NOT_SUPPORTED` in an app that has one session.
   */
  accounts(): Promise<Result<AccountInfo[]>>;
  /**
   * Puts another account at the front, in every window. The other's session stays. A name that is not there yet is a new
   * account, which nobody is signed in to.
   */
  switchAccount(name: string): Promise<Result<AuthSnapshot>>;
  /** What has happened to sessions here and should not have, oldest first: the last 100. */
  anomalies(): Promise<Result<AnomalyInfo[]>>;
  /** The renewals of this run of the app for the account at the front, oldest first: the last 50. */
  refreshes(): Promise<Result<Refresh[]>>;
  /** Calls `listener` when a renewal begins and when it ends; returns the call that stops it. */
  onRefresh(listener: (refresh: Refresh) => void): () => void;
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
