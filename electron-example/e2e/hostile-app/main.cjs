// The worst app that a session can be in: no policy for its pages, no lock on navigation and windows, its preload script in
// every frame. What is refused here is refused by the bridge alone. LATCHKEY_E2E_BUILT has the preload script.
'use strict';
const path = require('node:path');
const { app, BrowserWindow, protocol } = require('electron');

const playwright = path.dirname(require.resolve('playwright-core/package.json'));
require(path.join(playwright, 'lib/server/electron/loader.js')); // see recorded-app

// Limits of calls are limits of so many in a minute, and the tests have none to wait.
const now = performance.now.bind(performance);
const time = { aheadMs: 0, stepMs: 0 };
Object.defineProperty(performance, 'now', {
  value() {
    time.aheadMs += time.stepMs;
    return now() + time.aheadMs;
  },
});

const { createAuth, provideSecureStorage } = require('electron-latchkey/main');

const ORIGIN = 'app://hostile';
const preload = path.join(process.env.LATCHKEY_E2E_BUILT, 'preload.cjs');
const webPreferences = { preload, nodeIntegrationInSubFrames: true, contextIsolation: true, sandbox: true };

protocol.registerSchemesAsPrivileged([{ scheme: 'app', privileges: { standard: true, secure: true } }]);

const auth = createAuth({
  vault: { id: 'com.example.latchkey', path: process.env.LATCHKEY_VAULT_DIR },
  provider: { type: 'better-auth', baseUrl: `${process.env.LATCHKEY_API_URL}/api/auth` },
  account: 'first',
  rendererOrigins: [ORIGIN, 'file://'],
});
provideSecureStorage(auth);
const anomalies = [];
auth.onAnomaly(({ kind }) => anomalies.push(kind));

/** Opens a hidden window. */
function open(url, { registered = true } = {}) {
  const window = new BrowserWindow({ show: false, webPreferences });
  if (registered) auth.register(window);
  window.webContents.setWindowOpenHandler(() => ({
    action: 'allow',
    overrideBrowserWindowOptions: { show: false, webPreferences },
  }));
  window.loadURL(url).catch(() => undefined); // one that leaves at once
  return window.id;
}

globalThis.hostile = { auth, anomalies, open, time }; // for the test, by Playwright's evaluate

app.on('window-all-closed', () => app.quit());
app.whenReady().then(() => {
  serveEmptyPages();
  open(`${ORIGIN}/index.html`);
});

function serveEmptyPages() {
  const page = '<!doctype html>';
  const headers = { 'content-type': 'text/html' };
  if (typeof protocol.handle === 'function') {
    protocol.handle('app', () => new Response(page, { headers }));
  } else {
    // Electron before 25.
    protocol.registerStringProtocol('app', (_request, respond) =>
      respond({ data: page, headers, mimeType: 'text/html' }),
    );
  }
}
