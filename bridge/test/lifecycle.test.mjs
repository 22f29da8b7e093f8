import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { test } from 'node:test';
import { FakeAddon, latchkeyError, sessionSnapshot, substitute, USER } from './fake-electron.mjs';
import { CALL_CHANNELS, CHANNELS, settle, startAuth, startOpenAuth, uncaughtDuring } from './start.mjs';

const require = createRequire(import.meta.url);
const SIGN_IN = { method: 'password', email: 'a@b.c', password: 'pw' };

function deferred() {
  const parts = {};
  parts.promise = new Promise((resolve, reject) => Object.assign(parts, { resolve, reject }));
  return parts;
}

test('the handlers stand and the vault begins to open before createAuth returns', () => {
  const { ipcMain, addon, auth } = startAuth();
  const channels = CALL_CHANNELS.map(([, channel]) => channel);
  assert.deepEqual([...ipcMain.handlers.keys()].sort(), channels.sort());
  assert.deepEqual(addon.vaultOptions, { id: 'com.example.test' });
  assert.equal(auth.snapshot().state, 'opening');
  assert.equal(auth.snapshot().protection, null);
});

test('a call made while the vault opens waits for it', async () => {
  const addon = new FakeAddon();
  const gate = deferred();
  addon.openVault = () => gate.promise;
  const { call } = startAuth({ addon });
  const answer = call(CHANNELS.signIn, SIGN_IN);
  await settle();
  assert.equal(addon.sessions.length, 0);
  assert.equal((await call(CHANNELS.snapshot)).value.state, 'opening');
  gate.resolve();
  assert.deepEqual(await answer, { ok: true, value: { status: 'complete', user: USER } });
});

test('the open session is published with the protection, and with nothing beyond the protocol', async () => {
  const { auth, addon, call } = await startOpenAuth({
    allowedOrigins: ['https://api.example.com'],
    http: { proxy: 'none' },
  });
  assert.deepEqual(addon.sessionOptions.allowedOrigins, ['https://api.example.com']);
  assert.deepEqual(addon.sessionOptions.http, { proxy: 'none' });
  addon.session.change({
    state: 'active',
    reason: 'restored',
    user: { ...USER, token: 'x' },
    token: 'x',
    expiresAtMs: 5,
  });
  const { value } = await call(CHANNELS.snapshot);
  assert.deepEqual(value, {
    state: 'active',
    reason: 'restored',
    user: USER,
    account: null,
    expiresAtMs: 5,
    revocationsOwed: 0,
    retryAtMs: null,
    revision: auth.snapshot().revision,
    awaitingRestart: false,
    problem: null,
    signIns: [],
    signInProblem: null,
    protection: { backend: 'secret-service', description: 'a fake', path: '/vault' },
  });
});

test('a vault that cannot be opened is the state unavailable with its problem, and calls answer its code', async () => {
  const addon = new FakeAddon();
  addon.openVault = async () => {
    throw latchkeyError('ERR_KEYCHAIN_UNAVAILABLE', 'Install gnome-keyring.');
  };
  const { auth, call, window } = startAuth({ addon });
  await settle();
  const problem = { code: 'ERR_KEYCHAIN_UNAVAILABLE', message: 'Install gnome-keyring.' };
  assert.equal(auth.snapshot().state, 'unavailable');
  assert.deepEqual(auth.snapshot().problem, problem);
  assert.equal(window.webContents.sent.at(-1)[1].state, 'unavailable');
  assert.deepEqual(await call(CHANNELS.signIn, SIGN_IN), { ok: false, ...problem });
  await assert.rejects(auth.session(), { name: 'LatchkeyError', code: problem.code });
  await assert.rejects(auth.vault(), { name: 'LatchkeyError', code: problem.code });
});

test('retry opens again, and the states are published in order with growing revisions', async () => {
  const addon = new FakeAddon();
  let failures = 2;
  addon.openVault = async () => {
    if (failures-- > 0) throw latchkeyError('ERR_KEYCHAIN_LOCKED');
  };
  const { call, window } = startAuth({ addon });
  await settle();
  assert.equal((await call(CHANNELS.retry)).value.state, 'unavailable');
  assert.equal((await call(CHANNELS.retry)).value.state, 'signedOut');
  const published = window.webContents.sent.map(([, snapshot]) => snapshot);
  assert.deepEqual(
    published.map(({ state }) => state),
    ['unavailable', 'opening', 'unavailable', 'opening', 'signedOut'],
  );
  const revisions = published.map(({ revision }) => revision);
  assert.deepEqual(
    revisions,
    [...new Set(revisions)].sort((a, b) => a - b),
  );
  assert.equal(published.at(-1).problem, null);
});

test('retries at the same time open once', async () => {
  const addon = new FakeAddon();
  let opens = 0;
  addon.openVault = async () => {
    opens += 1;
    if (opens === 1) throw latchkeyError('ERR_KEYCHAIN_LOCKED');
  };
  const { call } = startAuth({ addon });
  await settle();
  await Promise.all([call(CHANNELS.retry), call(CHANNELS.retry), call(CHANNELS.retry)]);
  assert.equal(opens, 2);
});

test('retry with an open session changes nothing', async () => {
  const { addon, auth, call } = await startOpenAuth();
  const before = auth.snapshot();
  assert.deepEqual((await call(CHANNELS.retry)).value, before);
  assert.equal(addon.vaults.length, 1);
});

test('a session that cannot be opened closes its vault', async () => {
  const addon = new FakeAddon();
  addon.openSession = async () => {
    throw latchkeyError('ERR_VAULT_TAMPERED');
  };
  const { auth } = startAuth({ addon });
  await settle();
  assert.equal(auth.snapshot().problem.code, 'ERR_VAULT_TAMPERED');
  assert.equal(addon.vaults[0].closed, true);
});

test('the built bridge finds the addon by the name of the package that both are part of', () => {
  const main = require.resolve('../dist/cjs/main/addon.js');
  assert.equal(createRequire(main).resolve('electron-latchkey'), require.resolve('../../index.js'));
});

test('an addon that does not load is a problem to show, not a crash', async () => {
  const started = startAuth();
  await started.auth.dispose();
  substitute('electron-latchkey', () => {
    throw new Error('/secret/path/latchkey.node: wrong ELF class');
  });
  const { createAuth } = await import('../dist/cjs/main/index.js');
  const auth = createAuth({ vault: { id: 'x' }, provider: {}, rendererOrigins: ['app://x'] });
  await settle();
  assert.equal(auth.snapshot().problem.code, 'ERR_ADDON_NOT_LOADED');
  assert.doesNotMatch(auth.snapshot().problem.message, /secret/);
  // The developer, in the main process, gets to see the cause.
  await assert.rejects(auth.session(), (error) => /wrong ELF class/.test(error.cause.message));
});

test('the addon errors keep code and message; anything else becomes ERR_INTERNAL without its text', async () => {
  const { addon, call } = await startOpenAuth();
  addon.session.replies.signIn = () => {
    throw latchkeyError('ERR_INVALID_CREDENTIALS', 'Wrong email or password.');
  };
  assert.deepEqual(await call(CHANNELS.signIn, SIGN_IN), {
    ok: false,
    code: 'ERR_INVALID_CREDENTIALS',
    message: 'Wrong email or password.',
  });
  for (const error of [
    new Error('token abc in /home/ada'),
    Object.assign(new TypeError('token abc'), { code: 'ERR_INVALID_ARG_TYPE' }), // Node's own
    Object.assign(new Error('token abc'), { name: 'LatchkeyError', code: 'EACCES' }),
    'token abc',
    null,
    { code: 'ERR_X', message: 'token abc', name: 'LatchkeyError' },
  ]) {
    addon.session.replies.signIn = () => {
      throw error;
    };
    const answer = await call(CHANNELS.signIn, SIGN_IN);
    assert.equal(answer.code, 'ERR_INTERNAL');
    assert.doesNotMatch(JSON.stringify(answer), /token|abc|ada/);
  }
});

test('a change is told once, before the answer of the call that made it, though its event comes late', async () => {
  const { addon, call, window } = await startOpenAuth();
  window.webContents.sent.length = 0;
  addon.session.replies.signIn = () => {
    addon.session.change({ state: 'active', reason: 'signedIn', user: USER }, { quietly: true });
    return { status: 'complete', user: { ...USER, token: 'x' } };
  };
  assert.deepEqual((await call(CHANNELS.signIn, SIGN_IN)).value, { status: 'complete', user: USER });
  assert.deepEqual(
    window.webContents.sent.map(([, { state }]) => state),
    ['active'],
  );
  addon.session.deliver(addon.session.state()); // the queued event
  addon.session.deliver(sessionSnapshot({ state: 'signingIn', revision: 0 })); // and an older one
  assert.equal(window.webContents.sent.length, 1);
});

test('sign-out and refresh answer in the form of the protocol', async () => {
  const { addon, call } = await startOpenAuth();
  assert.deepEqual(await call(CHANNELS.signOut), { ok: true, value: null });
  const { value } = await call(CHANNELS.refresh);
  assert.equal(value.state, 'signedOut');
  assert.ok('problem' in value && 'protection' in value);
  assert.deepEqual(
    addon.session.calls.map(([name]) => name),
    ['signOut', 'refresh'],
  );
});

test('listeners in main hear changes until they stop', async () => {
  const { addon, auth } = await startOpenAuth();
  const heard = [];
  const stop = auth.onChange(({ state }) => heard.push(state));
  addon.session.change({ state: 'active' });
  stop();
  addon.session.change({ state: 'offline' });
  assert.deepEqual(heard, ['active']);
});

test('a listener in main that throws keeps nothing else from hearing', async () => {
  const { addon, auth, call, window } = await startOpenAuth();
  const heard = [];
  auth.onChange(() => {
    throw new Error('a fault in the app');
  });
  auth.onChange(({ state }) => heard.push(state));
  const error = await uncaughtDuring(() => addon.session.change({ state: 'active' }));
  assert.equal(error.message, 'a fault in the app');
  assert.deepEqual(heard, ['active']);
  assert.equal(window.webContents.sent.at(-1)[1].state, 'active');
  assert.equal((await call(CHANNELS.snapshot)).value.state, 'active');
});

test('dispose removes the handlers, stops the events and closes session, then vault', async () => {
  const { addon, auth, ipcMain, window } = await startOpenAuth();
  const { session } = addon;
  window.webContents.sent.length = 0;
  await auth.dispose();
  await auth.dispose();
  assert.equal(ipcMain.handlers.size, 0);
  assert.deepEqual([session.closed, addon.vaults[0].closed], [true, true]);
  assert.deepEqual([session.listenerCount, session.anomalyListenerCount], [0, 0]);
  assert.deepEqual(window.webContents.sent, []);
  await assert.rejects(auth.session(), { code: 'ERR_NO_BROKER' });
  await assert.rejects(auth.retry(), { code: 'ERR_NO_BROKER' });
});

test('dispose while the vault opens closes what opens afterwards', async () => {
  const addon = new FakeAddon();
  const gate = deferred();
  addon.openVault = () => gate.promise;
  const { auth } = startAuth({ addon });
  const disposed = auth.dispose();
  gate.resolve();
  await disposed;
  assert.deepEqual([addon.session.closed, addon.vaults[0].closed], [true, true]);
});
