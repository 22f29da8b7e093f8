import type { AuthSessionOptions, HttpOptions, VaultOptions } from 'electron-latchkey';
import { BridgeError } from './failure.js';

export interface CreateAuthOptions {
  vault: VaultOptions;
  provider: AuthSessionOptions['provider'];
  /** Origins beside the provider's own whose requests carry the token, such as `https://api.example.com`. */
  allowedOrigins?: string[];
  /** How connections are made: certificates, proxy, time to connect. */
  http?: HttpOptions;
  /**
   * Origins whose pages may call: `app://my-app`, `http://localhost:5173`, or `file://` for pages loaded from disk.
   * Exact: no wildcards, no paths.
   */
  rendererOrigins: string[];
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
