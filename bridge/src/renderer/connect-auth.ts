import type {
  AuthBroker,
  AuthSnapshot,
  BrokerRequestInit,
  BrokerResponse,
  RefreshOptions,
  Result,
  SignInRequest,
  SignInResult,
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
  signOut(): Promise<null>;
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
    signOut: () => unwrap(broker.signOut()),
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
