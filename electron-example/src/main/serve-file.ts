import { readFile } from 'node:fs/promises';
import { extname, resolve, sep } from 'node:path';

export interface Served {
  status: number;
  headers: Record<string, string>;
  body: Buffer;
}

/**
 * Pages load what was shipped with the app and nothing else. `connect-src 'none'`: they have no network of their own,
 * because requests go through the broker.
 */
const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "font-src 'self'",
  "connect-src 'none'",
  "object-src 'none'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  'trusted-types vue',
].join('; ');

const HEADERS = {
  'Content-Security-Policy': CONTENT_SECURITY_POLICY,
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Referrer-Policy': 'no-referrer',
  'X-Content-Type-Options': 'nosniff',
  'Cache-Control': 'no-cache',
};

/** The kinds of file that a build holds. Anything else is not served. */
const CONTENT_TYPES: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.woff2': 'font/woff2',
};

/** Answers a request for a file under `root`, and for no other. */
export async function serveFile(root: string, host: string, method: string, url: string): Promise<Served> {
  if (method !== 'GET') return empty(405);
  const path = pathUnder(root, host, url);
  const type = path === null ? undefined : CONTENT_TYPES[extname(path)];
  if (path === null || type === undefined) return empty(404);
  try {
    return { status: 200, headers: { ...HEADERS, 'Content-Type': type }, body: await readFile(path) };
  } catch {
    return empty(404);
  }
}

/** The file that a URL names, or null when it names another host or lies outside `root`. */
export function pathUnder(root: string, host: string, url: string): string | null {
  try {
    const parsed = new URL(url);
    if (parsed.host !== host) return null;
    // Decoded first: "%2e%2e%2f" is "../" to a file system.
    const decoded = decodeURIComponent(parsed.pathname);
    if (decoded.includes('\0')) return null;
    const path = resolve(root, `.${sep}${decoded}`);
    return path.startsWith(root + sep) ? path : null;
  } catch {
    return null;
  }
}

function empty(status: number): Served {
  return {
    status,
    headers: { ...HEADERS, 'Content-Type': 'text/plain; charset=utf-8' },
    body: Buffer.alloc(0),
  };
}
