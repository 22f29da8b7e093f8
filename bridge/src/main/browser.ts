import type { Clipboard, Shell } from 'electron';
import { BridgeError } from './failure.js';

/** Sign-ins in the system's browser. */
export interface BrowserOptions {
  /**
   * How the browser comes back to the app. `app`: at the app's own URL scheme, see `deepLinks`. `loopback`: at a port of
   * this computer (RFC 8252 section 7.3), which needs nothing registered with the system. Default: `app` where the provider
   * has a `redirectUri`, otherwise `loopback`.
   */
  redirect?: 'app' | 'loopback';
  /** Opens an address in the system's browser. Default: Electron's `shell.openExternal`. */
  open?: (url: string) => Promise<void>;
  /**
   * Whether a sign-out ends the provider's session in the browser too, by opening the provider's page for that, where it
   * has one. Otherwise the next sign-in there may ask for nothing. A page can say so for one sign-out. Default false.
   */
  signOut?: boolean;
  /** Where that page sends the browser in the end. The provider must know the address. */
  signOutReturnTo?: string;
}

/** More often than this nobody begins to sign in. A page that does would fill the screen with tabs. */
const MOST_OPENINGS = 10;
const OPENINGS_PERIOD_MS = 60_000;

const LOOPBACK_HOSTS = new Set(['127.0.0.1', '[::1]', 'localhost']);

/** The system's browser, for addresses that the addon has made or been given by the provider. */
export class SystemBrowser {
  #openedAtMs: number[] = [];

  constructor(
    private readonly electron: { shell: Shell; clipboard: Clipboard },
    private readonly options: BrowserOptions = {},
  ) {}

  /** Opens the address. Rejects with `ERR_BROWSER_NOT_OPENED`, and with `ERR_UNEXPECTED_RESPONSE` for one that is unsafe. */
  async open(url: string): Promise<void> {
    expectSafe(url);
    this.#expectSeldom();
    try {
      await (this.options.open?.(url) ?? this.electron.shell.openExternal(url));
    } catch (cause) {
      throw new BridgeError('ERR_BROWSER_NOT_OPENED', 'The browser could not be opened.', { cause });
    }
  }

  #expectSeldom(): void {
    const now = Date.now();
    this.#openedAtMs = this.#openedAtMs.filter((at) => now - at < OPENINGS_PERIOD_MS);
    if (this.#openedAtMs.length >= MOST_OPENINGS) {
      throw new BridgeError('ERR_BROWSER_NOT_OPENED', 'The browser was opened too often. Wait a minute.');
    }
    this.#openedAtMs.push(now);
  }

  /** Puts the address on the clipboard. */
  copy(url: string): void {
    expectSafe(url);
    this.electron.clipboard.writeText(url);
  }
}

// The system starts a program by the scheme: the server's word must not choose which.
function expectSafe(url: string): void {
  const { protocol, hostname } = parsed(url);
  if (protocol === 'https:' || (protocol === 'http:' && LOOPBACK_HOSTS.has(hostname))) return;
  throw unsafe();
}

function parsed(url: string): URL {
  try {
    return new URL(url);
  } catch {
    throw unsafe();
  }
}

function unsafe(): BridgeError {
  return new BridgeError(
    'ERR_UNEXPECTED_RESPONSE',
    'The server named a page for the browser that is neither https nor on this computer.',
  );
}
