import { realpathSync } from 'node:fs';
import { resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { BridgeError } from './failure.js';

/** The origin that Chromium gives to every page from disk. */
const DISK = 'file://';

/** The pages that may call, by `rendererOrigins` of the options. */
export class AllowedPages {
  readonly #origins = new Set<string>();
  /** Where pages from disk lie: they share one origin, so each is judged by its path. */
  readonly #folders = new Set<string>();

  /**
   * @param appFolder where the app's own files lie: what `file://` stands for
   * @throws `ERR_INVALID_ARGUMENT` for anything but a list of origins and folders
   */
  constructor(origins: unknown, appFolder: () => string) {
    if (!Array.isArray(origins) || origins.length === 0) {
      throw new BridgeError('ERR_INVALID_ARGUMENT', 'rendererOrigins must name at least one origin.');
    }
    for (const origin of origins) {
      const folder = origin === DISK ? appFolder() : folderOf(origin);
      if (folder === null) this.#origins.add(parseOrigin(origin));
      else for (const name of namesOf(folder)) this.#folders.add(name);
    }
  }

  /** Whether the page at this address may call. `origin` is its own; Electron before 22 does not tell. */
  has(url: string, origin: string | undefined): boolean {
    const named = originOf(url);
    if (named === null) return false;
    const isOnDisk = named.startsWith(DISK); // a host behind it is a share of Windows
    // A sandboxed document keeps its URL and loses its origin.
    if (origin !== undefined && origin !== (isOnDisk ? DISK : named)) return false;
    return isOnDisk ? this.#lies(url) : this.#origins.has(named);
  }

  #lies(url: string): boolean {
    const path = pathOf(url);
    return path !== null && [...this.#folders].some((folder) => path.startsWith(folder));
  }
}

function parseOrigin(origin: unknown): string {
  // "*" is a lawful host to the parser, and would match nothing but itself: whoever writes it means something else.
  if (typeof origin === 'string' && originOf(origin) === origin && !/\/\/$|\*/.test(origin)) return origin;
  throw new BridgeError(
    'ERR_INVALID_ARGUMENT',
    'Each of rendererOrigins must be a scheme and a host and nothing more, such as "app://my-app", or "file://", or the ' +
      'file URL of a folder with "/" at its end.',
  );
}

/** The folder that a file URL with a slash at its end names. */
function folderOf(origin: unknown): string | null {
  const isFolder = typeof origin === 'string' && /^file:.+[^/]\/$/.test(origin) && !/[?#]/.test(origin);
  return isFolder ? pathOf(origin) : null;
}

/** The path that a file URL names, as the system compares it; null for one that hides a separator in it. */
function pathOf(url: string): string | null {
  try {
    return comparable(fileURLToPath(url));
  } catch {
    return null;
  }
}

/** A folder as it is named, and as it is named without links: modules know themselves by the latter. */
function namesOf(folder: string): Set<string> {
  const named = resolve(folder);
  return new Set(
    [named, withoutLinks(named)].map((name) => comparable(name.endsWith(sep) ? name : name + sep)),
  );
}

function withoutLinks(folder: string): string {
  try {
    return realpathSync(folder);
  } catch {
    return folder; // not there (yet): no page lies in it
  }
}

function comparable(path: string): string {
  return process.platform === 'win32' ? path.toLowerCase() : path;
}

/**
 * `scheme://host[:port]` of a URL, or null when it is none.
 *
 * Not `URL.origin`: Node answers "null" there for every custom scheme, which would make all of them equal.
 */
function originOf(url: string): string | null {
  try {
    const { protocol, host } = new URL(url);
    return `${protocol}//${host}`;
  } catch {
    return null;
  }
}
