// An app with one empty window: what a test calls `window.auth` for. LATCHKEY_E2E_AUTH has options of createAuth as JSON.
'use strict';
const path = require('node:path');
const { app, BrowserWindow } = require('electron');
const { recordIpc } = require('../recorded-app/ipc-recorder.cjs');

// Only Playwright's own starts have it: see recorded-app. A second instance, started by the system, has not.
if (process.argv.some((argument) => argument.startsWith('--remote-debugging-port'))) {
  const playwright = path.dirname(require.resolve('playwright-core/package.json'));
  require(path.join(playwright, 'lib/server/electron/loader.js'));
}
recordIpc(process.env.LATCHKEY_E2E_RECORD);

const { createAuth } = require('electron-latchkey/main');

const auth = createAuth({
  vault: { id: 'com.example.latchkey', path: process.env.LATCHKEY_VAULT_DIR },
  rendererOrigins: ['file://'],
  ...JSON.parse(process.env.LATCHKEY_E2E_AUTH),
});
globalThis.auth = auth; // for the test, by Playwright's evaluate

if (!auth.isSecondInstance) {
  app.on('window-all-closed', () => app.quit());
  app.whenReady().then(() => {
    const window = new BrowserWindow({
      show: false,
      webPreferences: {
        preload: path.join(__dirname, '../../dist/preload/index.cjs'),
        additionalArguments: ['--latchkey-api-url=unused'],
        contextIsolation: true,
        sandbox: true,
      },
    });
    auth.register(window);
    window.loadFile(path.join(__dirname, 'page.html'));
  });
}
