// What moving adds: taken over before the first Store is made.
const { app } = require('electron');
const { importFromSync } = require('electron-latchkey');
const { defaultVault } = require('electron-latchkey/default-vault');
const path = require('node:path');

exports.report = importFromSync({
  vault: defaultVault(),
  sources: [
    {
      type: 'electron-store',
      path: path.join(app.getPath('userData'), 'secure-storage.json'),
      app: app.getName(),
      sealed: process.env.RECIPE_SEALED,
    },
  ],
});
