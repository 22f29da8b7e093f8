import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FakeAddon, FakeWindow, latchkeyError } from './fake-electron.mjs';
import { CHANNELS, PAGE, settle, startAuth, startOpenAuth } from './start.mjs';

const ANOMALY = { kind: 'refreshRejected', atMs: 5, count: 1 };

test('each refused message is an anomaly; an allowed one is none', async () => {
  const { addon, call, ipcMain, window } = await startOpenAuth();
  await call(CHANNELS.snapshot);
  await settle();
  assert.deepEqual(addon.session.reported, []);
  await ipcMain.invoke(CHANNELS.snapshot, new FakeWindow(PAGE).event());
  await ipcMain.invoke(CHANNELS.fetch, window.event(window.subframe(PAGE)), 'http://x/');
  await settle();
  assert.deepEqual(addon.session.reported, ['unknownSender', 'unknownSender']);
});

test('one that comes while the vault opens is reported when it is open', async () => {
  const addon = new FakeAddon();
  let open;
  addon.openVault = () => new Promise((resolve) => (open = resolve));
  const { auth, ipcMain } = startAuth({ addon });
  const answer = await ipcMain.invoke(CHANNELS.snapshot, new FakeWindow(PAGE).event());
  assert.equal(answer.code, 'ERR_SENDER_NOT_ALLOWED');
  open();
  await auth.session();
  await settle();
  assert.deepEqual(addon.session.reported, ['unknownSender']);
});

test('one that comes while the vault is unavailable is refused all the same', async () => {
  const addon = new FakeAddon();
  addon.openVault = async () => {
    throw latchkeyError('ERR_KEYCHAIN_LOCKED');
  };
  const { ipcMain } = startAuth({ addon });
  await settle();
  const answer = await ipcMain.invoke(CHANNELS.snapshot, new FakeWindow(PAGE).event());
  assert.equal(answer.code, 'ERR_SENDER_NOT_ALLOWED');
  await settle(); // an unhandled rejection would fail this test
});

test('listeners in main hear anomalies until they stop, from each session in turn', async () => {
  const { addon, auth, window } = await startOpenAuth({ account: 'ada' });
  const heard = [];
  const stop = auth.onAnomaly((anomaly) => heard.push(anomaly.kind));
  window.webContents.sent.length = 0;
  addon.session.tellAnomaly(ANOMALY);
  assert.deepEqual(window.webContents.sent, [], 'pages do not hear of it');
  await auth.switchAccount('grace');
  addon.session.tellAnomaly({ ...ANOMALY, kind: 'tampered' });
  stop();
  addon.session.tellAnomaly(ANOMALY);
  assert.deepEqual(heard, ['refreshRejected', 'tampered']);
});

test('the audit list is the vault’s', async () => {
  const { auth } = await startOpenAuth();
  assert.deepEqual(await auth.audit(), [{ kind: 'unknownSender', atMs: 1, count: 2 }]);
});

test('a page reads the list too', async () => {
  const { call } = await startOpenAuth();
  const { value } = await call(CHANNELS.anomalies);
  assert.deepEqual(value, [{ kind: 'unknownSender', atMs: 1, count: 2 }]);
});

for (const [what, channel, ...args] of [
  ['a call without its argument', CHANNELS.signIn],
  ['a method that there is not', CHANNELS.signIn, { method: 'token' }],
  [
    'a password of a megabyte',
    CHANNELS.signIn,
    { method: 'password', email: 'a@b.c', password: 'x'.repeat(1e6) },
  ],
  ['fields of another type', CHANNELS.signIn, { method: 'password', email: ['a@b.c'], password: {} }],
  [
    'a prototype in the argument',
    CHANNELS.signIn,
    JSON.parse('{"__proto__":{"method":"password"},"method":"browser"}'),
  ],
  ['a constructor in the argument', CHANNELS.signOut, { constructor: { prototype: { browser: true } } }],
  ['a URL of another scheme', CHANNELS.fetch, 'file:///etc/passwd'],
  ['a body of 17 megabytes', CHANNELS.fetch, 'http://x/', { body: new Uint8Array(17 * 1024 * 1024) }],
  ['a header with a line break', CHANNELS.fetch, 'http://x/', { headers: [['a', 'b\r\nc: d']] }],
  ['an account that is no name', CHANNELS.switchAccount, { name: 'grace' }],
]) {
  test(`${what} is refused and an anomaly`, async () => {
    const { addon, call } = await startOpenAuth({ account: 'ada' });
    assert.equal((await call(channel, ...args)).code, 'ERR_INVALID_ARGUMENT');
    await settle();
    assert.deepEqual([addon.session.reported, addon.session.calls], [['invalidCall'], []]);
  });
}

test('a page that asks for something of a foreign origin is an anomaly; one that is offline is none', async () => {
  const { addon, call } = await startOpenAuth();
  for (const code of ['ERR_ORIGIN_NOT_ALLOWED', 'ERR_NETWORK']) {
    addon.session.replies.fetch = () => {
      throw latchkeyError(code);
    };
    assert.equal((await call(CHANNELS.fetch, 'https://evil.example/')).code, code);
  }
  await settle();
  assert.deepEqual(addon.session.reported, ['invalidCall']);
});

test('a field that a person left empty is refused and no anomaly', async () => {
  const { addon, call } = await startOpenAuth();
  const { code } = await call(CHANNELS.signIn, { method: 'password', email: 'a@b.c', password: '' });
  await settle();
  assert.deepEqual([code, addon.session.reported], ['ERR_INVALID_ARGUMENT', []]);
});

test('an addon that cannot take a report leaves the answer as it is', async () => {
  const { addon, call } = await startOpenAuth();
  addon.session.reportAnomaly = () => {
    throw latchkeyError('ERR_INVALID_ARGUMENT');
  };
  assert.equal((await call(CHANNELS.signIn, 7)).code, 'ERR_INVALID_ARGUMENT');
  await settle();
});
