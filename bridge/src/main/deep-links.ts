import type { App, Event } from 'electron';
import { BridgeError } from './failure.js';

/** The app's own URL scheme. */
export interface DeepLinkOptions {
  /**
   * The app's own URL scheme, in small letters: a domain of its maker backwards (`com.example.app`), so that no other app
   * has it (RFC 8252 section 7.1). The provider's `redirectUri` begins with it.
   */
  scheme: string;
  /**
   * Whether to tell the system that this app opens the scheme's URLs. Default true. `false` where the installer does
   * it, as in a Flatpak or a Snap.
   */
  register?: boolean;
  /**
   * Whether to let the app run once only, so that a URL reaches the one that runs: takes Electron's single-instance lock
   * unless the app has it already; a second process quits, see {@link Auth.isSecondInstance}. Default true. With `false`
   * the URL is handled in a process of its own, which shares the vault and its sign-ins.
   */
  singleInstance?: boolean;
  /** Brings the app to the front when a URL comes in. Default: shows and focuses the window that was registered last. */
  focus?: () => void;
}

interface DeepLinkEvents {
  /** Called with each URL of the scheme, at most {@link MAX_URLS} for one start. Hostile input. */
  url(url: string): void;
  focus(): void;
}

/** Schemes that belong to others: taking one over would break the system, or could not work. */
const FOREIGN_SCHEMES = new Set([
  'about',
  'blob',
  'chrome',
  'data',
  'devtools',
  'file',
  'filesystem',
  'ftp',
  'http',
  'https',
  'javascript',
  'mailto',
  'tel',
  'ws',
  'wss',
]);

/** RFC 3986 section 3.1, in the small letters that the system compares by. */
const SCHEME = /^[a-z][a-z0-9+.-]{1,62}$/;

/** A start has one URL. More come from somebody who means no good. */
const MAX_URLS = 8;

/** The app's URL scheme: registered with the system, and every way in which the system hands over its URLs. */
export class DeepLinks {
  readonly #scheme: string;
  readonly #listeners: [string, (...args: never[]) => void][] = [];

  /** @throws `ERR_INVALID_ARGUMENT` for a scheme that is malformed or another's. */
  constructor(
    private readonly app: App,
    private readonly options: DeepLinkOptions,
    private readonly events: DeepLinkEvents,
  ) {
    this.#scheme = parseScheme(options.scheme);
  }

  /**
   * Begins to listen, and takes the URL that this process was started for. Must run before the app is ready, or a URL that
   * macOS starts the app for is lost.
   *
   * Answers `false` when the app runs already: that process gets the URL, and this one is quitting.
   */
  start(): boolean {
    const { app, options } = this;
    if (
      options.singleInstance !== false &&
      !app.hasSingleInstanceLock() &&
      !app.requestSingleInstanceLock()
    ) {
      app.quit();
      return false;
    }
    if (options.register !== false) this.#register();
    // macOS, also before the app is ready.
    this.#on('open-url', (event: Event, url: string) => {
      if (!this.#isOurs(url)) return;
      event.preventDefault();
      this.#arrived([url]);
    });
    // Windows and Linux: a second process was started with the URL, and has handed its arguments over.
    this.#on('second-instance', (_event: Event, argv: string[]) => this.#arrived(argv));
    // The same for the first one.
    this.#each(process.argv);
    return true;
  }

  stop(): void {
    for (const [event, listener] of this.#listeners) this.app.off(event as 'ready', listener as () => void);
  }

  #register(): void {
    const { app } = this;
    // "--" ends the options, so that what stands in a URL is never taken for one of Chromium's.
    const end = process.platform === 'win32' ? ['--'] : [];
    // In development Electron's own program is started, and has to be told which app.
    const args = process.defaultApp ? [app.getAppPath(), ...end] : end;
    if (args.length > 0) app.setAsDefaultProtocolClient(this.#scheme, process.execPath, args);
    else app.setAsDefaultProtocolClient(this.#scheme);
  }

  #arrived(args: unknown): void {
    this.events.focus();
    this.#each(args);
  }

  // Chromium puts its own switches among the arguments and changes their order, so each is looked at.
  #each(args: unknown): void {
    if (!Array.isArray(args)) return;
    for (const url of args.filter((each) => this.#isOurs(each)).slice(0, MAX_URLS)) this.events.url(url);
  }

  #isOurs(argument: unknown): argument is string {
    if (typeof argument !== 'string') return false;
    const { length } = this.#scheme;
    return argument[length] === ':' && argument.slice(0, length).toLowerCase() === this.#scheme;
  }

  #on(event: string, listener: (...args: never[]) => void): void {
    this.app.on(event as 'ready', listener as () => void);
    this.#listeners.push([event, listener]);
  }
}

/** @throws `ERR_INVALID_ARGUMENT` when the browser would come back on another scheme than the one that is listened to. */
export function expectReturn(redirectUri: string | undefined, { scheme }: DeepLinkOptions): void {
  if (redirectUri === undefined) return;
  const [itsScheme = ''] = redirectUri.split(':', 1);
  if ([scheme, 'http', 'https'].includes(itsScheme.toLowerCase())) return;
  throw new BridgeError(
    'ERR_INVALID_ARGUMENT',
    'provider.redirectUri has another scheme than deepLinks.scheme.',
  );
}

function parseScheme(scheme: unknown): string {
  if (typeof scheme === 'string' && SCHEME.test(scheme) && !FOREIGN_SCHEMES.has(scheme)) return scheme;
  throw new BridgeError(
    'ERR_INVALID_ARGUMENT',
    "deepLinks.scheme must be the app's own URL scheme, such as com.example.app: small letters, digits, '.', '-', '+'.",
  );
}
