// An app whose page has the session, and calls typed procedures in main. LATCHKEY_E2E_BUILT has what the test bundled.
'use strict';
const path = require('node:path');
const { pathToFileURL } = require('node:url');
const { app, BrowserWindow } = require('electron');

const playwright = path.dirname(require.resolve('playwright-core/package.json'));
require(path.join(playwright, 'lib/server/electron/loader.js')); // see recorded-app

const { createAuth, pageSession } = require('electron-latchkey/main');
const built = (file) => path.join(process.env.LATCHKEY_E2E_BUILT, file);
const { answerTrpc, appRouter } = require(built('main.cjs'));

const page = pageSession();
const auth = createAuth({
  vault: { id: 'com.example.latchkey', path: process.env.LATCHKEY_VAULT_DIR },
  provider: { type: 'custom', id: 'page', getToken: page.getToken },
  rendererOrigins: [`${pathToFileURL(process.env.LATCHKEY_E2E_BUILT)}/`],
});
globalThis.auth = auth; // for the test, by Playwright's evaluate

// An app checks the signature here. The test's Clerk is in another process, and its key with it.
const claimsOf = (token) => JSON.parse(Buffer.from(token.split('.')[1], 'base64url').toString());
const contextOf = async ({ accessToken }) => ({
  accessToken,
  user: accessToken === null ? null : claimsOf(accessToken),
});
page.connect(auth, { trpc: answerTrpc(appRouter, contextOf) });

app.on('window-all-closed', () => app.quit());
app.whenReady().then(() => {
  const window = new BrowserWindow({
    show: false,
    webPreferences: { preload: built('preload.cjs'), contextIsolation: true, sandbox: true },
  });
  auth.register(window);
  window.loadFile(built('page.html'));
});
