/** `electron-latchkey/renderer`: what a page calls. Plain web code: no Electron, no Node. */

export type {
  AuthBroker,
  AuthReason,
  AuthSnapshot,
  AuthState,
  BridgeErrorCode,
  BrokerRequestInit,
  BrokerResponse,
  ErrorCode,
  Failure,
  Problem,
  Protection,
  RefreshOptions,
  Result,
  SessionState,
  SignInRequest,
  SignInResult,
  SignUpRequest,
  User,
} from '../protocol.js';
export { AuthError } from './auth-error.js';
export { createAuthFetch } from './auth-fetch.js';
export { type AuthClient, connectAuth } from './connect-auth.js';
