// Loaded into Electron's main process by `npm start` (`electron -r`): tells it when the first window shows, so
// that it can say how long that took. The example itself knows nothing of it.
'use strict';
const { app } = require('electron');

app.once('browser-window-created', (_event, window) => {
  window.once('ready-to-show', () => {
    process.send?.('window');
    process.disconnect?.();
  });
});
