import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { createRequire } from 'node:module';
import { test } from 'node:test';
import { substitute } from './fake-electron.mjs';
import { CHANNELS, uncaughtDuring } from './start.mjs';

const require = createRequire(import.meta.url);
const { exposeAuth } = require('../dist/cjs/preload/index.js');

/** A fake renderer side of Electron: `world` is the page's window. */
function expose(invoke = async () => ({ ok: true, value: null }), ...args) {
  const world = {};
  const ipcRenderer = Object.assign(new EventEmitter(), { invoke });
  const contextBridge = { exposeInMainWorld: (key, value) => (world[key] = value) };
  substitute('electron', () => ({ contextBridge, ipcRenderer }));
  exposeAuth(...args);
  return { world, ipcRenderer };
}

test('the page gets one frozen object with one function per call and nothing generic', () => {
  const { world } = expose();
  assert.deepEqual(Object.keys(world), ['auth']);
  assert.ok(Object.isFrozen(world.auth));
  assert.deepEqual(Object.keys(world.auth).sort(), [
    'accounts',
    'anomalies',
    'awaitSignIn',
    'cancelFetch',
    'cancelSignIn',
    'copySignInLink',
    'endSession',
    'fetch',
    'lock',
    'onChange',
    'onRefresh',
    'openSignIn',
    'refresh',
    'refreshes',
    'retry',
    'sendCode',
    'sessions',
    'signIn',
    'signOut',
    'signUp',
    'snapshot',
    'submitCode',
    'switchAccount',
    'switchOrganization',
    'unlock',
  ]);
});

test('it can be exposed under another name', () => {
  assert.deepEqual(Object.keys(expose(undefined, 'session').world), ['session']);
});

test('each call goes to its own channel with its own arguments only', async () => {
  const invoked = [];
  const { world } = expose(async (...args) => {
    invoked.push(args);
    return { ok: true, value: null };
  });
  const { auth } = world;
  await auth.snapshot('extra');
  await auth.signIn('a', 'extra');
  await auth.signUp('b', 'extra');
  await auth.awaitSignIn('id', 'extra');
  await auth.submitCode('id', 'submission', 'extra');
  await auth.sendCode('id', 'strategy', 'extra');
  await auth.openSignIn('id', 'extra');
  await auth.copySignInLink('id', 'extra');
  await auth.cancelSignIn('id', 'extra');
  await auth.signOut('options', 'extra');
  await auth.switchOrganization('org', 'extra');
  await auth.sessions('extra');
  await auth.endSession('session', 'extra');
  await auth.accounts('extra');
  await auth.switchAccount('name', 'extra');
  await auth.anomalies('extra');
  await auth.refreshes('extra');
  await auth.refresh('options', 'extra');
  await auth.lock('extra');
  await auth.unlock('extra');
  await auth.retry('extra');
  await auth.fetch('url', 'init', 'extra');
  await auth.cancelFetch('id', 'extra');
  assert.deepEqual(invoked, [
    [CHANNELS.snapshot],
    [CHANNELS.signIn, 'a'],
    [CHANNELS.signUp, 'b'],
    [CHANNELS.awaitSignIn, 'id'],
    [CHANNELS.submitCode, 'id', 'submission'],
    [CHANNELS.sendCode, 'id', 'strategy'],
    [CHANNELS.openSignIn, 'id'],
    [CHANNELS.copySignInLink, 'id'],
    [CHANNELS.cancelSignIn, 'id'],
    [CHANNELS.signOut, 'options'],
    [CHANNELS.switchOrganization, 'org'],
    [CHANNELS.sessions],
    [CHANNELS.endSession, 'session'],
    [CHANNELS.accounts],
    [CHANNELS.switchAccount, 'name'],
    [CHANNELS.anomalies],
    [CHANNELS.refreshes],
    [CHANNELS.refresh, 'options'],
    [CHANNELS.lock],
    [CHANNELS.unlock],
    [CHANNELS.retry],
    [CHANNELS.fetch, 'url', 'init'],
    [CHANNELS.cancelFetch, 'id'],
  ]);
});

test('a main process that does not answer is a failure as a value, without the text of the error', async () => {
  const { world } = expose(async () => {
    throw new Error("Error invoking remote method 'latchkey:snapshot': secret");
  });
  const answer = await world.auth.snapshot();
  assert.deepEqual([answer.ok, answer.code], [false, 'ERR_NO_BROKER']);
  assert.doesNotMatch(answer.message, /secret/);
});

test('an argument that cannot be sent is said to be one, and main is not blamed', async () => {
  const { world } = expose(async () => {
    throw new Error('An object could not be cloned.');
  });
  const answer = await world.auth.signIn({ method: () => 'password' });
  assert.deepEqual([answer.ok, answer.code], [false, 'ERR_INVALID_ARGUMENT']);
});

test('listeners get the snapshot and never the IPC event, until they stop', () => {
  const { world, ipcRenderer } = expose();
  const heard = [];
  const stop = world.auth.onChange((...args) => heard.push(args));
  ipcRenderer.emit(CHANNELS.changed, { sender: 'ipc event' }, { state: 'active' }, 'extra');
  stop();
  ipcRenderer.emit(CHANNELS.changed, {}, { state: 'offline' });
  assert.deepEqual(heard, [[{ state: 'active' }]]);
  assert.equal(ipcRenderer.listenerCount(CHANNELS.changed), 1);
});

test('listeners of renewals hear those and no snapshots', () => {
  const { world, ipcRenderer } = expose();
  const heard = [];
  const stop = world.auth.onRefresh((...args) => heard.push(args));
  ipcRenderer.emit(CHANNELS.changed, {}, { state: 'active' });
  ipcRenderer.emit(CHANNELS.refreshed, { sender: 'ipc event' }, { number: 1 }, 'extra');
  stop();
  ipcRenderer.emit(CHANNELS.refreshed, {}, { number: 2 });
  assert.deepEqual(heard, [[{ number: 1 }]]);
});

test('a listener that throws does not silence the others', async () => {
  const { world, ipcRenderer } = expose();
  const heard = [];
  world.auth.onChange(() => {
    throw new Error('a fault in the page');
  });
  world.auth.onChange(({ state }) => heard.push(state));
  const error = await uncaughtDuring(() => ipcRenderer.emit(CHANNELS.changed, {}, { state: 'active' }));
  assert.equal(error.message, 'a fault in the page');
  assert.deepEqual(heard, ['active']);
});
