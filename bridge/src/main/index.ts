/**
 * `electron-latchkey/main`: opens the vault and the session in the main process and answers pages over IPC.
 *
 * - `create-auth.ts` puts the parts together
 * - `options.ts` reads the app's options
 * - `lifecycle.ts` opening, unavailable, retry, switching accounts; `addon.ts` opens vault and session
 * - `accounts.ts` several people, for pages; `renewals.ts` the renewals, for pages
 * - `locks.ts` lock and unlock; `power.ts` the policy, fed by the system
 * - `departures.ts` the app's hook when somebody has left
 * - `call-limits.ts`, `calls-under-way.ts` how much a page may ask for; `reports.ts` what is told of it
 * - `sender.ts` who may call; `windows.ts` who was registered and who hears events
 * - `sign-in-arguments.ts`, `fetch-arguments.ts`, `parse.ts` what a page sends, from unknown to typed
 * - `sign-ins.ts` signing in and out; `browser.ts` the system's browser; `pending-sign-ins.ts` what is under way
 * - `deep-links.ts` the app's URL scheme; `callbacks.ts` what comes in by it
 * - `fetch/` a standard `fetch` for main; `running-fetches.ts` those of pages, so that they can be given up
 * - `page-session.ts` a session that a page's own feeds
 * - `secure-storage.ts` the published recipe's surface, for pages that handle tokens themselves
 * - `audit-electron.ts` what falls short in the app's Electron; `fuses.ts` those of an executable
 * - `handlers.ts` one IPC handler per call; `failure.ts` exceptions as answers
 */

export type {
  AuthReason,
  AuthSnapshot,
  AuthState,
  PendingSignIn,
  Problem,
  Protection,
  SignInProblem,
  User,
} from '../protocol.js';
export {
  type AuditElectronOptions,
  auditElectron,
  type ElectronFinding,
  type ElectronFindingName,
} from './audit-electron.js';
export type { BrowserOptions } from './browser.js';
export type { CallbackCounts } from './callbacks.js';
export { type Auth, createAuth } from './create-auth.js';
export type { DeepLinkOptions } from './deep-links.js';
export { createFetch, type FetchOptions } from './fetch/create-fetch.js';
export type { AppHandler } from './handlers.js';
export type { AuthPolicy, CreateAuthOptions } from './options.js';
export { type PageCall, type PageCallHandler, type PageSession, pageSession } from './page-session.js';
export { provideSecureStorage } from './secure-storage.js';
