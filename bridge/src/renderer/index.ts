/** `electron-latchkey/renderer`: what a page calls. Plain web code: no Electron, no Node. */

export type { PageCalls, PageTokenProvision } from '../page-protocol.js';
export type {
  AccountInfo,
  AnomalyInfo,
  AuthBroker,
  AuthReason,
  AuthSnapshot,
  AuthState,
  BridgeErrorCode,
  BrokerRequestInit,
  BrokerResponse,
  BrowserSignIn,
  CodeSignIn,
  CodeSubmission,
  CustomSignIn,
  DeviceSignIn,
  ErrorCode,
  Failure,
  PasswordSignIn,
  PendingSignIn,
  Problem,
  Protection,
  Refresh,
  RefreshOptions,
  RemoteSession,
  Result,
  SessionState,
  SignedIn,
  SignInFactor,
  SignInPending,
  SignInProblem,
  SignInRequest,
  SignInResult,
  SignOutOptions,
  SignUpRequest,
  StepUpSignIn,
  User,
} from '../protocol.js';
export type { SecureStorage, SecureStorageResult, TokenName } from '../recipe-protocol.js';
export { AuthError } from './auth-error.js';
export { createAuthFetch } from './auth-fetch.js';
export { type AuthActions, type AuthStore, type AuthStoreOptions, createAuthStore } from './auth-store.js';
export type { AuthView, PendingCalls } from './auth-view.js';
export { type AuthClient, connectAuth } from './connect-auth.js';
export { callMain, providePageToken } from './page-calls.js';
export { type Reverification, reverificationOf } from './reverification.js';
