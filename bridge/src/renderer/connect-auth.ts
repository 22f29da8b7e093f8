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
  snapshot(): Promise<AuthSnapshot>;
  onChange(listener: (snapshot: AuthSnapshot) => void): () => void;
  signIn(request: SignInRequest): Promise<SignInResult>;
  signUp(request: SignUpRequest): Promise<SignInResult>;
  awaitSignIn(id: string): Promise<SignInResult>;
  submitCode(id: string, submission: CodeSubmission): Promise<SignInResult>;
  sendCode(id: string, strategy: string): Promise<SignInResult>;
  openSignIn(id: string): Promise<null>;
  copySignInLink(id: string): Promise<null>;
  cancelSignIn(id: string): Promise<null>;
  signOut(options?: SignOutOptions): Promise<null>;
  switchOrganization(id: string | null): Promise<AuthSnapshot>;
  sessions(): Promise<RemoteSession[]>;
  endSession(id: string): Promise<null>;
  accounts(): Promise<AccountInfo[]>;
  switchAccount(name: string): Promise<AuthSnapshot>;
  anomalies(): Promise<AnomalyInfo[]>;
  refreshes(): Promise<Refresh[]>;
  onRefresh(listener: (refresh: Refresh) => void): () => void;
  refresh(options?: RefreshOptions): Promise<AuthSnapshot>;
  lock(): Promise<null>;
  unlock(): Promise<null>;
  retry(): Promise<AuthSnapshot>;
  /** The plain request; {@link createAuthFetch} wraps it as a standard `fetch`. */
  fetch(url: string, init?: BrokerRequestInit): Promise<BrokerResponse>;
}

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
