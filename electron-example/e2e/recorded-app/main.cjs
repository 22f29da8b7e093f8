// Starts the built example unchanged, with recorders that were there first.
'use strict';
const { app, session } = require('electron');
const path = require('node:path');
const { recordIpc } = require('./ipc-recorder.cjs');

// Playwright's own loader holds "ready" back until Playwright is attached. Without it the two race for the first
// window, and about one start in forty hangs. Playwright loads it by itself only for Electrons that it finds itself.
require(
  path.join(path.dirname(require.resolve('playwright-core/package.json')), 'lib/server/electron/loader.js'),
);

recordIpc(process.env.LATCHKEY_E2E_RECORD);

// This listener comes before the app's own, so the recorder is in place before the first window.
app.whenReady().then(() => {
  const filePath = path.join(__dirname, 'dom-recorder.cjs');
  const { defaultSession } = session;
  if (typeof defaultSession.registerPreloadScript === 'function') {
    defaultSession.registerPreloadScript({ type: 'frame', filePath });
  } else {
    defaultSession.setPreloads([filePath]); // Electron before 35
  }
});

require('../../dist/main/index.cjs');
