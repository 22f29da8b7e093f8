import type { AuthSessionOptions, HttpOptions, SessionPolicy, VaultOptions } from 'electron-latchkey';
import type { BrowserOptions } from './browser.js';
import type { DeepLinkOptions } from './deep-links.js';
import { BridgeError } from './failure.js';

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
   * Origins whose pages may call: `app://my-app`, `http://localhost:5173`, or `file://` for pages loaded from disk.
   * Exact: no wildcards, no paths.
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

/** Checks what only the bridge can check; the addon checks the rest when it opens. */
export function parseRendererOrigins(origins: unknown): ReadonlySet<string> {
  if (!Array.isArray(origins) || origins.length === 0) {
    throw new BridgeError('ERR_INVALID_ARGUMENT', 'rendererOrigins must name at least one origin.');
  }
  return new Set(origins.map(parseRendererOrigin));
}

function parseRendererOrigin(origin: unknown): string {
  if (origin === 'file://') return origin;
  // "*" is a lawful host to the parser, and would match nothing but itself: whoever writes it means something else.
  if (typeof origin === 'string' && originOf(origin) === origin && !/\/\/$|\*/.test(origin)) return origin;
  throw new BridgeError(
    'ERR_INVALID_ARGUMENT',
    'Each of rendererOrigins must be a scheme and a host and nothing more, such as "app://my-app", or "file://".',
  );
}

/**
 * `scheme://host[:port]` of a URL, or null when it is none.
 *
 * Not `URL.origin`: Node answers "null" there for every custom scheme, which would make all of them equal.
 */
export function originOf(url: string): string | null {
  try {
    const { protocol, host } = new URL(url);
    return `${protocol}//${host}`;
  } catch {
    return null;
  }
}
