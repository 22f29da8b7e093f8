import assert from 'node:assert/strict';
import { afterEach, beforeEach, mock, test } from 'node:test';
import { latchkeyError, USER } from './fake-electron.mjs';
import { startOpenAuth } from './start.mjs';

const MINUTE = 60_000;
const ACTIVE = { state: 'active', reason: 'signedIn', user: USER };
const ALL = { lockOnScreenLock: true, lockOnSuspend: true, idleTimeoutMs: 10 * MINUTE, maxLifetimeMs: 9e8 };

beforeEach(() => mock.timers.enable({ apis: ['Date', 'setInterval'], now: 1e12 }));
afterEach(() => mock.timers.reset());

async function startActive(policy) {
  const started = await startOpenAuth({ policy });
  started.addon.session.change(ACTIVE);
  return started;
}

/** Lets promises that wait for nothing else run; the timers stand still. */
async function microtasks() {
  for (let turn = 0; turn < 20; turn += 1) await null;
}

// Second by second: in one step, each timer would see the clock at its end.
async function tick(ms) {
  for (let passed = 0; passed < ms; passed += 1000) {
    mock.timers.tick(1000);
    await microtasks();
  }
}

test('the addon gets its part of the policy and nothing else', async () => {
  const { addon } = await startActive(ALL);
  assert.deepEqual(addon.sessionOptions.policy, { idleTimeoutMs: 10 * MINUTE, maxLifetimeMs: 9e8 });
});

test('without a policy the system is not listened to and not asked', async () => {
  const { addon, powerMonitor } = await startActive(undefined);
  await tick(60 * MINUTE);
  assert.deepEqual([powerMonitor.eventNames(), powerMonitor.questions], [[], 0]);
  assert.equal('policy' in addon.sessionOptions, false);
});

for (const [event, option] of [
  ['lock-screen', 'lockOnScreenLock'],
  ['suspend', 'lockOnSuspend'],
]) {
  test(`${event} locks the session when ${option} is set, and only then`, async () => {
    const without = await startActive({ [option]: false });
    without.powerMonitor.emit(event);
    await microtasks();
    assert.equal(without.auth.snapshot().state, 'active');

    const { auth, powerMonitor, window } = await startActive({ [option]: true });
    powerMonitor.emit(event);
    await microtasks();
    assert.equal(auth.snapshot().state, 'locked');
    assert.equal(window.webContents.sent.at(-1)[1].state, 'locked');
  });
}

test('a screen lock whose note fails is no unhandled rejection', async () => {
  const { addon, powerMonitor } = await startActive({ lockOnScreenLock: true });
  let tried = 0;
  addon.session.lock = async () => {
    tried += 1;
    throw latchkeyError('ERR_VAULT_IO');
  };
  powerMonitor.emit('lock-screen');
  await microtasks();
  assert.equal(tried, 1);
});

test('a person at the computer counts as use', async () => {
  const { addon, powerMonitor } = await startActive({ idleTimeoutMs: 10 * MINUTE });
  powerMonitor.idleSeconds = 3;
  await tick(MINUTE);
  assert.equal(addon.session.touches, 2, 'asked every 30 seconds');
});

test('a person who left does not, and is asked for within a tenth of the timeout', async () => {
  const { addon, powerMonitor } = await startActive({ idleTimeoutMs: 2 * MINUTE });
  powerMonitor.idleSeconds = 13;
  await tick(MINUTE);
  assert.deepEqual([powerMonitor.questions, addon.session.touches], [5, 0]);
});

for (const state of ['signedOut', 'expired', 'locked', 'signingIn']) {
  test(`nobody is asked for while the session is ${state}`, async () => {
    const { addon, powerMonitor } = await startActive({ idleTimeoutMs: MINUTE });
    addon.session.change({ state });
    await tick(10 * MINUTE);
    assert.equal(powerMonitor.questions, 0);
    addon.session.change(ACTIVE);
    await tick(MINUTE / 10);
    assert.equal(powerMonitor.questions, 1);
  });
}

test('nobody is asked for without an idle timeout', async () => {
  const { powerMonitor } = await startActive({ maxLifetimeMs: 9e8, lockOnSuspend: true });
  await tick(60 * MINUTE);
  assert.equal(powerMonitor.questions, 0);
});

test('the system is not asked before the app is ready', async () => {
  const { addon, app, powerMonitor } = await startActive({ idleTimeoutMs: MINUTE });
  app.isReady = () => false;
  await tick(MINUTE / 10);
  app.isReady = () => true;
  await tick(MINUTE / 10);
  assert.deepEqual([powerMonitor.questions, addon.session.touches], [1, 1]);
});

for (const first of ['resume', 'the timer']) {
  test(`a timeout that passed in sleep locks, though whoever woke the computer is at it (${first} comes first)`, async () => {
    const { auth, addon, powerMonitor, window } = await startActive({ idleTimeoutMs: 10 * MINUTE });
    const idle = { state: 'locked', reason: 'idle' };
    addon.session.enforcePolicy = () => {
      addon.session.enforcePolicy = () => undefined;
      addon.session.change(idle, { quietly: true });
    };
    powerMonitor.idleSeconds = 0;
    if (first === 'resume') powerMonitor.emit('resume');
    else await tick(30_000);
    await microtasks();
    assert.equal(window.webContents.sent.at(-1)[1].reason, 'idle');
    assert.deepEqual([auth.snapshot().state, addon.session.touches], ['locked', 0]);
  });
}

test('waking up looks at the session, and asks the server nothing', async () => {
  const { addon, powerMonitor, window } = await startActive({ maxLifetimeMs: 9e8 });
  addon.session.enforcePolicy = () => {
    addon.session.enforcePolicy = () => undefined;
    addon.session.change({ state: 'expired', reason: 'lifetime' }, { quietly: true });
  };
  powerMonitor.emit('resume');
  assert.equal(window.webContents.sent.at(-1)[1].reason, 'lifetime');
  assert.deepEqual([addon.session.calls, addon.session.touches], [[], 0]);
});

test('dispose stops listening and asking', async () => {
  const { auth, powerMonitor } = await startActive(ALL);
  assert.deepEqual(powerMonitor.eventNames().sort(), [
    'lock-screen',
    'resume',
    'suspend',
    'user-did-become-active',
  ]);
  await auth.dispose();
  await tick(60 * MINUTE);
  assert.deepEqual([powerMonitor.eventNames(), powerMonitor.questions], [[], 0]);
});
