// The web page on which somebody signs in when the app has sent them to their browser. A real service has its own.
import { readFile } from 'node:fs/promises';

const FOLDER = new URL('./pages/', import.meta.url);

/** Served as they lie there, and nothing else. */
const FILES = {
  '/sign-in': ['sign-in.html', 'text/html; charset=utf-8'],
  '/sign-in.js': ['sign-in.js', 'text/javascript; charset=utf-8'],
  '/sign-in.css': ['sign-in.css', 'text/css; charset=utf-8'],
};

const HEADERS = {
  'cache-control': 'no-store',
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  // The address has what binds the sign-in to the app: it must not go along to another site.
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
};

/** The routes of the pages, as those of routes.mjs. */
export const pages = Object.fromEntries(
  Object.entries(FILES).map(([path, [file, type]]) => [path, () => serve(file, type)]),
);

async function serve(file, type) {
  return new Response(await readFile(new URL(file, FOLDER)), {
    headers: { ...HEADERS, 'content-type': type },
  });
}
