/** Serves the built pages at `app://latchkey-example/`: an origin of their own, which `file://` does not give. */

import { join } from 'node:path';
import { protocol } from 'electron';
import { type Served, serveFile } from './serve-file';

const SCHEME = 'app';
const HOST = 'latchkey-example';
const PAGES = join(__dirname, '..', 'renderer');

export const APP_ORIGIN = `${SCHEME}://${HOST}`;
export const APP_URL = `${APP_ORIGIN}/index.html`;

/** Must run before the app is ready. */
export function registerAppScheme(): void {
  protocol.registerSchemesAsPrivileged([{ scheme: SCHEME, privileges: { standard: true, secure: true } }]);
}

/** Must run when the app is ready, before the first window. */
export function serveApp(): void {
  if (typeof protocol.handle === 'function') {
    protocol.handle(SCHEME, async ({ method, url }) => {
      const { status, headers, body } = await serve(method, url);
      return new Response(new Uint8Array(body), { status, headers });
    });
  } else {
    // Electron before 25.
    protocol.registerBufferProtocol(SCHEME, async ({ method, url }, respond) => {
      const { status, headers, body } = await serve(method, url);
      respond({ statusCode: status, headers, data: body });
    });
  }
}

function serve(method: string, url: string): Promise<Served> {
  return serveFile(PAGES, HOST, method, url);
}
