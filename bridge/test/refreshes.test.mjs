import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FakeWindow } from './fake-electron.mjs';
import { CHANNELS, PAGE, startOpenAuth } from './start.mjs';

const RENEWAL = {
  number: 1,
  startedAtMs: 1000,
  endedAtMs: null,
  waiters: 3,
  outcome: null,
  code: null,
  tokenExpiresAtMs: 2000,
};

test('a page sees the renewals, with nothing in them but what the protocol names', async () => {
  const { addon, call } = await startOpenAuth();
  addon.session.renewals = [{ ...RENEWAL, accessToken: 'must not cross' }];
  assert.deepEqual((await call(CHANNELS.refreshes)).value, [RENEWAL]);
});

test('each registered window hears a renewal begin and end, and no other does', async () => {
  const { addon, window } = await startOpenAuth();
  const stranger = new FakeWindow(PAGE);
  const ended = { ...RENEWAL, endedAtMs: 1500, outcome: 'renewed' };
  addon.session.tellRefresh({ ...RENEWAL, accessToken: 'must not cross' });
  addon.session.tellRefresh(ended);
  const heard = window.webContents.sent.filter(([channel]) => channel === CHANNELS.refreshed);
  assert.deepEqual(heard, [
    [CHANNELS.refreshed, RENEWAL],
    [CHANNELS.refreshed, ended],
  ]);
  assert.deepEqual(stranger.webContents.sent, []);
});

test('a window that was navigated elsewhere hears none', async () => {
  const { addon, window } = await startOpenAuth();
  window.navigate('https://elsewhere.example/');
  addon.session.tellRefresh(RENEWAL);
  assert.equal(window.webContents.sent.filter(([channel]) => channel === CHANNELS.refreshed).length, 0);
});

test('what the account before still renews is not told', async () => {
  const { addon, auth, window } = await startOpenAuth({ account: 'ada' });
  const [ada] = addon.sessions;
  await auth.switchAccount('grace');
  assert.equal(ada.refreshListenerCount, 0);
  ada.tellRefreshLate(RENEWAL);
  assert.equal(window.webContents.sent.filter(([channel]) => channel === CHANNELS.refreshed).length, 0);
});

test('the snapshot says when the token ends', async () => {
  const { addon, auth } = await startOpenAuth();
  addon.session.change({ state: 'active', expiresAtMs: 2000 });
  assert.equal(auth.snapshot().expiresAtMs, 2000);
});
