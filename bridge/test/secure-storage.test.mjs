// The published recipe's surface, from the page's object through a fake IPC to the vault.
import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { createRequire } from 'node:module';
import { test } from 'node:test';
import { FakeAddon, FakeWindow, latchkeyError, substitute, USER } from './fake-electron.mjs';
import { PAGE, settle, startAuth, startOpenAuth } from './start.mjs';

const require = createRequire(import.meta.url);
const { provideSecureStorage } = require('../dist/cjs/main/index.js');
const { exposeSecureStorage } = require('../dist/cjs/preload/index.js');
const { RECIPE_CHANNELS } = require('../dist/cjs/recipe-protocol.js');

/** `window.secureStorage` of a page that calls with this event. */
function pageOf(ipcMain, event) {
  const world = {};
  const ipcRenderer = Object.assign(new EventEmitter(), {
    invoke: (channel, ...args) => ipcMain.invoke(channel, event(), ...args),
  });
  const contextBridge = { exposeInMainWorld: (key, value) => (world[key] = value) };
  substitute('electron', () => ({ contextBridge, ipcRenderer }));
  exposeSecureStorage();
  return world.secureStorage;
}

async function start(options) {
  const started = await startOpenAuth(options);
  const stop = provideSecureStorage(started.auth);
  return { ...started, stop, storage: pageOf(started.ipcMain, () => started.window.event()) };
}

test('the page gets the recipe’s five functions, frozen, and nothing else', async () => {
  const { storage } = await start();
  assert.deepEqual(Object.keys(storage), ['isAvailable', 'setToken', 'getToken', 'deleteToken', 'clearAll']);
  assert.ok(Object.isFrozen(storage));
});

test('each answers in the recipe’s shape', async () => {
  const { storage } = await start();
  assert.deepEqual(await storage.isAvailable(), { success: true, data: true });
  assert.deepEqual(await storage.getToken('accessToken'), { success: true, data: null });
  assert.deepEqual(await storage.setToken('accessToken', 'a.b.c'), { success: true });
  assert.deepEqual(await storage.setToken('refreshToken', 'r'), { success: true });
  assert.deepEqual(await storage.getToken('accessToken'), { success: true, data: 'a.b.c' });
  assert.deepEqual(await storage.deleteToken('accessToken'), { success: true });
  assert.deepEqual(await storage.deleteToken('accessToken'), { success: true });
  assert.deepEqual(await storage.getToken('accessToken'), { success: true, data: null });
  assert.deepEqual(await storage.getToken('refreshToken'), { success: true, data: 'r' });
  assert.deepEqual(await storage.clearAll(), { success: true });
  assert.deepEqual(await storage.getToken('refreshToken'), { success: true, data: null });
});

for (const key of [
  'sessionToken',
  'accesstoken',
  '',
  '__proto__',
  'toString',
  null,
  1,
  ['accessToken'],
  {},
]) {
  test(`the key ${JSON.stringify(key)} is refused by every call, and an anomaly`, async () => {
    const { addon, storage } = await start();
    for (const answer of [
      await storage.getToken(key),
      await storage.setToken(key, 'x'),
      await storage.deleteToken(key),
    ]) {
      assert.deepEqual(Object.keys(answer), ['success', 'error']);
      assert.equal(answer.success, false);
      assert.match(answer.error, /accessToken/);
    }
    assert.equal(addon.vaults[0].entries.size, 0);
    await settle();
    assert.deepEqual(addon.session.reported, Array(3).fill('invalidCall'));
  });
}

test('a value is a text of a bounded length, and is not in the error', async () => {
  const { addon, storage } = await start();
  for (const value of [undefined, null, 7, ['secret'], { secret: 1 }, 'secret'.repeat(10_000)]) {
    const { success, error } = await storage.setToken('accessToken', value);
    assert.equal(success, false);
    assert.doesNotMatch(error, /secret/);
  }
  assert.equal(addon.vaults[0].entries.size, 0);
  assert.deepEqual(await storage.setToken('accessToken', 'x'.repeat(32 * 1024)), { success: true });
});

test('clearing touches nothing of the app’s own', async () => {
  const { auth, storage } = await start();
  const vault = await auth.vault();
  await vault.set('accessToken', 'the app’s');
  await storage.setToken('accessToken', 'the page’s');
  await storage.clearAll();
  assert.equal(await vault.get('accessToken'), 'the app’s');
});

test('a page that may not use the session gets nothing, and is an anomaly', async () => {
  const { addon, ipcMain, storage, window } = await start();
  await storage.setToken('accessToken', 'secret');
  const stranger = new FakeWindow(PAGE);
  for (const event of [() => stranger.event(), () => window.event(window.subframe(PAGE))]) {
    const other = pageOf(ipcMain, event);
    for (const [name, ...args] of [
      ['isAvailable'],
      ['getToken', 'accessToken'],
      ['setToken', 'accessToken', 'planted'],
      ['deleteToken', 'accessToken'],
      ['clearAll'],
    ]) {
      assert.deepEqual(await other[name](...args), {
        success: false,
        error: 'This page may not use the session.',
      });
    }
  }
  assert.deepEqual(await storage.getToken('accessToken'), { success: true, data: 'secret' });
  await settle();
  assert.equal(addon.session.reported.length, 10);
});

test('a flood is stopped, and is one anomaly', async () => {
  const { addon, storage } = await start();
  const answers = [];
  for (let made = 0; made < 300; made += 1) answers.push(await storage.getToken('accessToken'));
  assert.match(answers.find(({ success }) => !success).error, /Wait \d+ second/);
  await settle();
  assert.deepEqual(addon.session.reported, ['tooManyCalls']);
});

test('while the session is locked no token leaves; they can be deleted', async () => {
  const { addon, storage } = await start();
  await storage.setToken('accessToken', 'secret');
  addon.session.change({ state: 'locked', reason: 'idle', user: USER });
  const { success, data } = await storage.getToken('accessToken');
  assert.deepEqual([success, data], [false, undefined]);
  assert.deepEqual(await storage.clearAll(), { success: true });
});

test('while the vault cannot be opened it is not available, and says why', async () => {
  const addon = new FakeAddon();
  addon.openVault = async () => {
    throw latchkeyError('ERR_KEYCHAIN_LOCKED', 'Unlock the keyring.');
  };
  const { auth, ipcMain, window } = startAuth({ addon });
  provideSecureStorage(auth);
  await settle();
  const storage = pageOf(ipcMain, () => window.event());
  assert.deepEqual(await storage.isAvailable(), { success: true, data: false });
  assert.deepEqual(await storage.getToken('accessToken'), { success: false, error: 'Unlock the keyring.' });
});

test('without provideSecureStorage, and after it was stopped, nothing answers', async () => {
  const { ipcMain, stop, storage } = await start();
  stop();
  for (const channel of Object.values(RECIPE_CHANNELS)) assert.ok(!ipcMain.handlers.has(channel));
  const { success, error } = await storage.getToken('accessToken');
  assert.deepEqual([success, typeof error], [false, 'string']);
});
