import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { test } from 'node:test';
import { FakeWindow, latchkeyError } from './fake-electron.mjs';
import { CHANNELS, PAGE, settle, startOpenAuth } from './start.mjs';

const require = createRequire(import.meta.url);
const { CallLimits, LIMITS } = require('../dist/cjs/main/call-limits.js');
const { Reports } = require('../dist/cjs/main/reports.js');

const PASSWORD = { method: 'password', email: 'a@b.c', password: 'pw' };
const ID = '0123456789abcdef0123456789abcdef';
const URL = 'http://127.0.0.1:4711/api/profile';

/** Limits over a clock of the test's own; `allowed` counts how many of so many calls at this moment are let through. */
function limitsAt(clock) {
  const limits = new CallLimits(() => clock.nowMs);
  const isAllowed = (sender, name) => {
    try {
      limits.count(sender, name);
      return true;
    } catch (error) {
      assert.equal(error.code, 'ERR_TOO_MANY_CALLS');
      return false;
    }
  };
  const allowed = (calls, sender, name = 'try') =>
    Array.from({ length: calls }, () => isAllowed(sender, name)).filter(Boolean).length;
  return { limits, allowed };
}

test('so many a minute are let through, all at once if it must be, and the allowance comes back bit by bit', () => {
  const clock = { nowMs: 0 };
  const { allowed } = limitsAt(clock);
  const window = {};
  const { perWindow } = LIMITS.try;
  assert.equal(allowed(100, window), perWindow);
  clock.nowMs += 60_000 / perWindow;
  assert.equal(allowed(100, window), 1);
  clock.nowMs += 60_000;
  assert.equal(allowed(100, window), perWindow);
  clock.nowMs += 24 * 3600_000;
  assert.equal(allowed(100, window), perWindow, 'a long rest saves up no more');
});

test('the message says how long to wait, and after that time one is let through', () => {
  const clock = { nowMs: 0 };
  const { limits, allowed } = limitsAt(clock);
  const window = {};
  allowed(LIMITS.try.perWindow, window);
  const message = /Wait (\d+) seconds/;
  let wait;
  assert.throws(
    () => limits.count(window, 'try'),
    (error) => {
      wait = Number(message.exec(error.message)[1]);
      return true;
    },
  );
  clock.nowMs += wait * 1000;
  assert.equal(allowed(1, window), 1);
});

test('kinds of calls are counted apart, and windows too, up to a limit for all of them', () => {
  const { allowed } = limitsAt({ nowMs: 0 });
  const first = {};
  allowed(100, first);
  assert.equal(allowed(100, first, 'send'), LIMITS.send.perWindow);
  assert.equal(allowed(100, {}), LIMITS.try.perWindow);
  const others = Array.from({ length: 20 }, () => allowed(100, {}));
  const total = others.reduce((sum, each) => sum + each, 2 * LIMITS.try.perWindow);
  assert.equal(total, LIMITS.try.perApp);
});

test('a call that is refused takes nothing from the others', () => {
  const clock = { nowMs: 0 };
  const { allowed } = limitsAt(clock);
  const flooding = {};
  allowed(10_000, flooding);
  assert.equal(allowed(100, {}), LIMITS.try.perWindow);
});

const LIMITED = [
  ['signIn', 'try', PASSWORD],
  ['signUp', 'try', { email: 'a@b.c', password: 'pw', name: 'A' }],
  ['submitCode', 'try', ID, { strategy: 'totp', code: '000000' }],
  ['sendCode', 'send', ID, 'email'],
  ['awaitSignIn', 'wait', ID],
  ['openSignIn', 'open', ID],
  ['copySignInLink', 'open', ID],
  ['unlock', 'unlock'],
  ['retry', 'retry'],
  ['refresh', 'refresh'],
  ['switchOrganization', 'switch', 'org'],
  ['switchAccount', 'switch', 'grace'],
  ['sessions', 'sessions'],
  ['endSession', 'sessions', 's'],
];

for (const [name, limit, ...args] of LIMITED) {
  test(`a flood of ${name} is stopped before it reaches the session, and is one anomaly`, async () => {
    const { addon, call } = await startOpenAuth();
    const most = LIMITS[limit].perWindow;
    const answers = [];
    for (let made = 0; made < most + 20; made += 1) answers.push(await call(CHANNELS[name], ...args));
    const refused = answers.filter(({ code }) => code === 'ERR_TOO_MANY_CALLS');
    assert.ok(
      refused.length >= 15 && answers.slice(0, most).every(({ code }) => code !== 'ERR_TOO_MANY_CALLS'),
    );
    assert.match(refused[0].message, /Wait \d+ second/);
    await settle();
    assert.deepEqual(addon.session.reported, ['tooManyCalls']);
  });
}

test('a flood that is malformed as well is stopped as one', async () => {
  const { call } = await startOpenAuth();
  const answers = [];
  for (let made = 0; made < 50; made += 1) answers.push((await call(CHANNELS.signIn, { method: 'x' })).code);
  assert.deepEqual([...new Set(answers)], ['ERR_INVALID_ARGUMENT', 'ERR_TOO_MANY_CALLS']);
});

test('one window that floods leaves the others their calls', async () => {
  const { auth, call, ipcMain } = await startOpenAuth();
  for (let made = 0; made < 200; made += 1) await call(CHANNELS.signIn, PASSWORD);
  const other = new FakeWindow(PAGE);
  auth.register(other);
  assert.equal((await ipcMain.invoke(CHANNELS.signIn, other.event(), PASSWORD)).ok, true);
});

test('what reads and what stops is never limited', async () => {
  const { call } = await startOpenAuth();
  for (let made = 0; made < 500; made += 1) {
    for (const name of ['snapshot', 'lock', 'signOut', 'anomalies', 'refreshes'])
      assert.equal((await call(CHANNELS[name])).ok, true, name);
  }
});

test('a page may have 256 calls under way; one more fails at once, and the next goes through when one has ended', async () => {
  const { addon, call } = await startOpenAuth();
  const ends = [];
  addon.session.replies.fetch = () => new Promise((_resolve, reject) => ends.push(reject));
  const under = Array.from({ length: 256 }, () => call(CHANNELS.fetch, URL));
  const refused = await Promise.all(Array.from({ length: 50 }, () => call(CHANNELS.fetch, URL)));
  assert.ok(refused.every(({ code }) => code === 'ERR_TOO_MANY_CALLS'));
  assert.equal((await call(CHANNELS.snapshot)).code, 'ERR_TOO_MANY_CALLS');
  await settle();
  assert.equal(ends.length, 256);
  assert.deepEqual(addon.session.reported, ['tooManyCalls', 'tooManyCalls'], 'fetch, and the snapshot');
  ends.pop()(latchkeyError('ERR_NETWORK'));
  await Promise.race(under);
  assert.equal((await call(CHANNELS.snapshot)).ok, true);
  for (const end of ends) end(latchkeyError('ERR_NETWORK'));
  await Promise.all(under);
});

test('another page has its own', async () => {
  const { addon, auth, call, ipcMain } = await startOpenAuth();
  addon.session.replies.fetch = () => new Promise(() => {});
  for (let made = 0; made < 300; made += 1) void call(CHANNELS.fetch, URL);
  const other = new FakeWindow(PAGE);
  auth.register(other);
  assert.equal((await ipcMain.invoke(CHANNELS.snapshot, other.event())).ok, true);
});

test('bodies under way have a bound too, and are let go with their requests', async () => {
  const { addon, call } = await startOpenAuth();
  const ends = [];
  addon.session.replies.fetch = () => new Promise((_resolve, reject) => ends.push(reject));
  const body = new Uint8Array(16 * 1024 * 1024);
  const under = Array.from({ length: 4 }, () => call(CHANNELS.fetch, URL, { method: 'POST', body }));
  const one = { method: 'POST', body: new Uint8Array(1) };
  assert.equal((await call(CHANNELS.fetch, URL, one)).code, 'ERR_TOO_MANY_CALLS');
  await settle();
  assert.equal(ends.length, 4);
  for (const end of ends.splice(0)) end(latchkeyError('ERR_NETWORK'));
  await Promise.all(under);
  const next = call(CHANNELS.fetch, URL, one);
  await settle();
  assert.equal(ends.length, 1);
  ends[0](latchkeyError('ERR_NETWORK'));
  await next;
});

test('reports of one kind are passed on 60 times a minute, and of a flood once', async () => {
  const clock = { nowMs: 0 };
  const reported = [];
  const session = { reportAnomaly: (kind) => reported.push(kind) };
  const reports = new Reports({ opened: async () => ({ session }) }, () => clock.nowMs);
  for (let made = 0; made < 10_000; made += 1) reports.report('unknownSender');
  reports.report('invalidCall');
  await settle();
  assert.deepEqual([reported.length, reported.at(-1)], [61, 'invalidCall']);
  reported.length = 0;
  const window = {};
  for (let made = 0; made < 10_000; made += 1) reports.reportFlood(window, 'signIn');
  reports.reportFlood(window, 'fetch');
  reports.reportFlood({}, 'signIn');
  clock.nowMs += 60_000;
  reports.reportFlood(window, 'signIn');
  reports.report('unknownSender');
  await settle();
  assert.deepEqual(reported, [...Array(4).fill('tooManyCalls'), 'unknownSender']);
});
