import type { AuthSessionOptions, HttpOptions, SessionPolicy, VaultOptions } from 'electron-latchkey';
import type { BrowserOptions } from './browser.js';
import type { DeepLinkOptions } from './deep-links.js';

/** How to open the vault and the session, and whom to answer. */
export interface CreateAuthOptions {
  vault: VaultOptions;
  provider: AuthSessionOptions['provider'];
  /** Origins beside the provider's own whose requests carry the token, such as `https://api.example.com`. */
  allowedOrigins?: string[];
  /** How connections are made: certificates, proxy, time to connect. */
  http?: HttpOptions;
  /**
   * For an app with several people signed in at once: the name of the account to open while none was put at the front by
   * `auth.switchAccount()`. Default: the app has one session.
   */
  account?: string;
  /** How long the session may live and lie unused, and when it locks. Default: as long as the server allows, never. */
  policy?: AuthPolicy;
  /**
   * Asks the person whether the session may be unlocked, because a page called `window.auth.unlock()`: with
   * `systemPreferences.promptTouchID`, a password, a dialog. `true` unlocks; `false` and a rejection leave it locked.
   * Default: pages cannot unlock.
   */
  onUnlockRequest?: () => Promise<boolean>;
  /**
   * Resets what the app holds for a person, because that person has left: signed out here or in another process, reached
   * `policy.maxLifetimeMs`, or was replaced by somebody else. Until it resolves, the snapshot says `awaitingRestart` and no
   * page can sign anybody in. An app that would rather start anew calls `app.relaunch()` and `app.exit()` in it. If it
   * rejects, the app stays as it is until it is restarted.
   */
  onSignedOut?: () => Promise<void>;
  /** Sign-ins in the system's browser: how it is opened, and how it comes back. */
  browser?: BrowserOptions;
  /**
   * The app's own URL scheme, on which the browser comes back to it after a sign-in. Default: none, and sign-ins come back
   * over a port of this computer.
   */
  deepLinks?: DeepLinkOptions;
  /**
   * Origins whose pages may call: `app://my-app`, `http://localhost:5173`. Exact: no wildcards, no paths.
   *
   * Pages from disk have one origin between them, and a file that somebody dropped on the window is one too. So they are
   * allowed by folder: `file://` stands for those in the app's own (`app.getAppPath()`), and the file URL of another folder,
   * with `/` at its end, for those in that one.
   */
  rendererOrigins: string[];
}

/** What the app allows a session, beside what the server does. */
export interface AuthPolicy extends SessionPolicy {
  /** Whether the session locks when the screen does. macOS and Windows: Linux does not tell. Default false. */
  lockOnScreenLock?: boolean;
  /** Whether the session locks when the computer goes to sleep. Default false. */
  lockOnSuspend?: boolean;
}
