// Seals as the usual recipe does, with Electron's own safeStorage, and stores it with the real electron-store.
'use strict';
const { app, safeStorage } = require('electron');
const { execFileSync } = require('node:child_process');
const { copyFileSync, writeFileSync } = require('node:fs');
const path = require('node:path');
const Store = require('electron-store');

const { FIXTURE_OUT: out, FIXTURE_STORE: passwordStore } = process.env;

app.whenReady().then(() => {
  const name = `electron-store-8.2.0-${passwordStore}`;
  if (passwordStore === 'basic') safeStorage.setUsePlainTextEncryption?.(true);
  const store = new Store({ name });
  const encrypt = (text) => safeStorage.encryptString(text);
  store.set('plain', 'a plain value');
  store.set('tokens', {
    accessToken: encrypt('the access token').toString('base64'),
    refreshToken: encrypt('the refresh token 🔑').toString('base64'),
  });
  store.set('hex', encrypt('in hex').toString('hex'));
  store.set('latin1', encrypt('in latin1, long enough for two blocks').toString('latin1'));
  store.set('buffer', encrypt('as a Buffer'));
  store.set('list', ['first', encrypt('in a list').toString('base64')]);
  store.set('nothing', encrypt('').toString('base64'));
  const damaged = encrypt('a value that was damaged afterwards');
  store.set('damaged', damaged.subarray(0, damaged.length - 5).toString('base64'));
  copyFileSync(store.path, path.join(out, `${name}.conf`));
  // What the keyring holds for it, so that a test can put it into a keyring of its own.
  if (passwordStore === 'gnome-libsecret') {
    const password = execFileSync('secret-tool', ['lookup', 'application', app.getName()], {
      encoding: 'utf8',
    });
    writeFileSync(path.join(out, `${name}.password`), password);
  }
  app.quit();
});
