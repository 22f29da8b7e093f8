import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { latchkeyError, USER } from './fake-electron.mjs';
import { CHANNELS, settle, startOpenAuth } from './start.mjs';

const ACTIVE = { state: 'active', reason: 'signedIn', user: USER };
const SIGNED_OUT = { state: 'signedOut', reason: 'signedOut', user: null };
const OTHER = { ...USER, id: 'u2', email: 'grace@example.com' };
const SIGN_IN = { method: 'password', email: 'a@b.c', password: 'pw' };

/** A broker with somebody signed in; `runs` are the hook's runs, each of which the test ends. */
async function startWithHook(options = {}) {
  const runs = [];
  const onSignedOut = () => new Promise((resolve, reject) => runs.push({ resolve, reject }));
  const started = await startOpenAuth({ onSignedOut, ...options });
  started.addon.session.change(ACTIVE);
  return { ...started, runs };
}

test('after a sign-out the page is told to wait until the hook is done', async () => {
  const { addon, auth, window, runs } = await startWithHook();
  addon.session.change(SIGNED_OUT);
  await settle();
  assert.equal(runs.length, 1);
  const told = () => window.webContents.sent.at(-1)[1];
  assert.deepEqual([told().state, told().awaitingRestart], ['signedOut', true]);
  const { revision } = told();
  runs[0].resolve();
  await settle();
  assert.deepEqual([told().state, told().awaitingRestart], ['signedOut', false]);
  assert.ok(told().revision > revision);
  assert.equal(auth.snapshot().awaitingRestart, false);
});

test('nobody signs in, and no request is sent, before the hook is done', async () => {
  const { addon, call, runs } = await startWithHook();
  addon.session.change(SIGNED_OUT, { quietly: true }); // the calls come before the event
  const calls = () => [
    call(CHANNELS.signIn, SIGN_IN),
    call(CHANNELS.signUp, { ...SIGN_IN, name: 'Ada' }),
    call(CHANNELS.fetch, 'http://127.0.0.1:4711/api/auth/sign-in/email'),
  ];
  for (const answer of await Promise.all(calls())) assert.equal(answer.code, 'ERR_AWAITING_RESTART');
  assert.deepEqual(addon.session.calls, []);
  await settle();
  runs[0].resolve();
  await settle();
  assert.equal((await call(CHANNELS.signIn, SIGN_IN)).ok, true);
});

for (const [how, change] of [
  ['signed out by another process', { ...SIGNED_OUT, reason: 'elsewhere' }],
  ['at the end of the longest lifetime', { state: 'expired', reason: 'lifetime' }],
  ['replaced by somebody else', { ...ACTIVE, user: OTHER }],
]) {
  test(`a person ${how} has left`, async () => {
    const { addon, auth, runs } = await startWithHook();
    addon.session.change(change);
    await settle();
    assert.equal(runs.length, 1);
    assert.equal(auth.snapshot().awaitingRestart, true);
  });
}

for (const change of [
  { state: 'expired', reason: 'ended' },
  { state: 'offline', reason: 'network' },
  { state: 'locked', reason: 'idle' },
  { state: 'active', reason: 'elsewhere' },
]) {
  test(`a person whose session is ${change.state} (${change.reason}) has not left`, async () => {
    const { addon, auth, runs } = await startWithHook();
    addon.session.change(change);
    await settle();
    assert.deepEqual([runs.length, auth.snapshot().awaitingRestart], [0, false]);
  });
}

test('whoever signs in again after the server ended the session has not left; somebody else makes them leave', async () => {
  const { addon, runs } = await startWithHook();
  addon.session.change({ state: 'expired', reason: 'ended' });
  addon.session.change({ state: 'signingIn', reason: 'signInStarted', user: null });
  addon.session.change(ACTIVE);
  await settle();
  assert.equal(runs.length, 0);
  addon.session.change({ state: 'expired', reason: 'ended' });
  addon.session.change({ ...ACTIVE, user: OTHER });
  await settle();
  assert.equal(runs.length, 1);
});

test('a lifetime that ended and the sign-out after it are one departure', async () => {
  const { addon, runs } = await startWithHook();
  addon.session.change({ state: 'expired', reason: 'lifetime' });
  addon.session.change(SIGNED_OUT);
  await settle();
  assert.equal(runs.length, 1);
});

test('an app that starts without anybody runs no hook', async () => {
  let runs = 0;
  const onSignedOut = async () => {
    runs += 1;
  };
  const { addon, auth } = await startOpenAuth({ onSignedOut });
  addon.session.change({ ...SIGNED_OUT, reason: 'elsewhere' });
  await settle();
  assert.deepEqual([runs, auth.snapshot().awaitingRestart], [0, false]);
});

test('departures are handled one after the other, and the page waits for all', async () => {
  const { addon, auth, runs } = await startWithHook();
  addon.session.change({ ...ACTIVE, user: OTHER });
  addon.session.change(SIGNED_OUT);
  await settle();
  assert.equal(runs.length, 1);
  runs[0].resolve();
  await settle();
  assert.deepEqual([runs.length, auth.snapshot().awaitingRestart], [2, true]);
  runs[1].resolve();
  await settle();
  assert.equal(auth.snapshot().awaitingRestart, false);
});

test('a hook that fails leaves the app waiting for its restart, and its error is heard', async () => {
  const { addon, auth, call, runs } = await startWithHook();
  const listeners = process.listeners('unhandledRejection');
  process.removeAllListeners('unhandledRejection');
  const unhandled = once(process, 'unhandledRejection');
  try {
    addon.session.change(SIGNED_OUT);
    await settle();
    runs[0].reject(latchkeyError('ERR_VAULT_IO', 'the database of ada'));
    const [error] = await unhandled;
    assert.equal(error.message, 'the database of ada');
  } finally {
    for (const listener of listeners) process.on('unhandledRejection', listener);
  }
  assert.equal(auth.snapshot().awaitingRestart, true);
  assert.equal((await call(CHANNELS.signIn, SIGN_IN)).code, 'ERR_AWAITING_RESTART');
});

test('without a hook nobody waits', async () => {
  const { addon, auth } = await startOpenAuth();
  addon.session.change(ACTIVE);
  addon.session.change(SIGNED_OUT);
  assert.equal(auth.snapshot().awaitingRestart, false);
});

test('the person of an account that is put behind has left', async () => {
  const { auth, runs } = await startWithHook({ account: 'ada' });
  await auth.switchAccount('grace');
  await settle();
  assert.deepEqual([runs.length, auth.snapshot().awaitingRestart], [1, true]);
});
