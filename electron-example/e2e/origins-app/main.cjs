// An app whose page is loaded from LATCHKEY_E2E_PAGE: a file URL, one of the app's own scheme, or that of a dev server.
// LATCHKEY_E2E_BUILT has what the test built.
'use strict';
const { readFile } = require('node:fs/promises');
const path = require('node:path');
const { pathToFileURL } = require('node:url');
const { app, BrowserWindow, protocol } = require('electron');

const playwright = path.dirname(require.resolve('playwright-core/package.json'));
require(path.join(playwright, 'lib/server/electron/loader.js')); // see recorded-app

const { createAuth } = require('electron-latchkey/main');

const { LATCHKEY_API_URL: apiUrl, LATCHKEY_E2E_BUILT: built, LATCHKEY_E2E_PAGE: page } = process.env;

protocol.registerSchemesAsPrivileged([{ scheme: 'app', privileges: { standard: true, secure: true } }]);

const auth = createAuth({
  vault: { id: 'com.example.latchkey', path: process.env.LATCHKEY_VAULT_DIR },
  provider: { type: 'better-auth', baseUrl: `${apiUrl}/api/auth` },
  rendererOrigins: [originOf(page)],
});

app.on('window-all-closed', () => app.quit());
app.whenReady().then(() => {
  serve();
  const window = new BrowserWindow({
    show: false,
    webPreferences: { preload: path.join(built, 'preload.cjs'), contextIsolation: true, sandbox: true },
  });
  auth.register(window);
  window.loadURL(page);
});

function originOf(url) {
  const { protocol, host } = new URL(url);
  return protocol === 'file:' ? `${pathToFileURL(built)}/` : `${protocol}//${host}`;
}

function serve() {
  const types = { '.html': 'text/html', '.js': 'text/javascript' };
  const read = async (url) => {
    const { pathname } = new URL(url);
    return { body: await readFile(path.join(built, pathname)), type: types[path.extname(pathname)] };
  };
  if (typeof protocol.handle === 'function') {
    protocol.handle('app', async ({ url }) => {
      const { body, type } = await read(url);
      return new Response(body, { headers: { 'content-type': type } });
    });
  } else {
    // Electron before 25.
    protocol.registerBufferProtocol('app', async ({ url }, respond) => {
      const { body, type } = await read(url);
      respond({ data: body, mimeType: type });
    });
  }
}
