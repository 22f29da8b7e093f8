import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FakeAddon, latchkeyError, USER } from './fake-electron.mjs';
import { CHANNELS, settle, startAuth, startOpenAuth } from './start.mjs';

const URL = 'http://127.0.0.1:4711/api/profile';
const ANSWER = {
  status: 200,
  statusText: 'OK',
  url: URL,
  headers: [],
  first: Buffer.from('ada'),
  complete: true,
};

function deferred() {
  const parts = {};
  parts.promise = new Promise((resolve, reject) => Object.assign(parts, { resolve, reject }));
  return parts;
}

test('an app that names no account has the one session, and cannot switch', async () => {
  const { addon, auth } = await startOpenAuth();
  assert.equal('account' in addon.sessionOptions, false);
  assert.equal(auth.snapshot().account, null);
  await assert.rejects(auth.switchAccount('grace'), { code: 'ERR_NOT_SUPPORTED' });
  assert.equal(addon.sessions.length, 1);
});

test('the account that the app names is opened while none is at the front', async () => {
  const addon = new FakeAddon();
  addon.names = ['grace'];
  const { auth } = await startOpenAuth({ addon, account: 'ada' });
  assert.equal(addon.sessionOptions.account, 'ada');
  assert.equal(auth.snapshot().account, 'ada');
});

test('the one at the front is opened before the one that the app names', async () => {
  const addon = new FakeAddon();
  addon.names = ['ada', 'grace'];
  addon.front = 'grace';
  const { auth } = await startOpenAuth({ addon, account: 'ada' });
  assert.equal(auth.snapshot().account, 'grace');
});

test('switching activates the account, closes the other session and tells every window', async () => {
  const { addon, auth, window } = await startOpenAuth({ account: 'ada' });
  const [ada] = addon.sessions;
  ada.change({ state: 'active', user: USER });
  const before = auth.snapshot().revision;
  const snapshot = await auth.switchAccount('grace');
  assert.equal(addon.front, 'grace');
  assert.deepEqual([snapshot.account, snapshot.state, snapshot.user], ['grace', 'signedOut', null]);
  assert.deepEqual(window.webContents.sent.at(-1)[1], snapshot);
  assert.ok(snapshot.revision > before);
  assert.deepEqual([ada.closed, ada.listenerCount, ada.anomalyListenerCount], [true, 0, 0]);
  assert.equal(addon.vaults.length, 1);
  assert.equal(await auth.session(), addon.session);
});

test('what the account before still says is not heard', async () => {
  const { addon, auth } = await startOpenAuth({ account: 'ada' });
  const late = { ...addon.session.state(), state: 'active', user: USER, revision: 99 };
  const [ada] = addon.sessions;
  await auth.switchAccount('grace');
  ada.deliverLate(late);
  assert.equal(auth.snapshot().user, null);
});

test('a call under way for the account before is not answered', async () => {
  const { addon, auth, call } = await startOpenAuth({ account: 'ada' });
  const answer = deferred();
  Object.assign(addon.session.replies, { fetch: () => answer.promise, signIn: () => answer.promise });
  const calls = [
    call(CHANNELS.fetch, URL),
    call(CHANNELS.signIn, { method: 'password', email: 'a@b.c', password: 'pw' }),
  ];
  await settle();
  await auth.switchAccount('grace');
  answer.resolve(ANSWER);
  for (const { ok, code } of await Promise.all(calls))
    assert.deepEqual([ok, code], [false, 'ERR_SUPERSEDED']);
});

test('a call that fails after the switch fails as superseded, not with the other account’s trouble', async () => {
  const { addon, auth, call } = await startOpenAuth({ account: 'ada' });
  const answer = deferred();
  addon.session.replies.refresh = () => answer.promise;
  const refreshed = call(CHANNELS.refresh);
  await settle();
  await auth.switchAccount('grace');
  answer.reject(latchkeyError('ERR_SESSION_CLOSED'));
  assert.equal((await refreshed).code, 'ERR_SUPERSEDED');
});

test('a session that cannot be opened, or an account that cannot be activated, changes nothing', async () => {
  const { addon, auth } = await startOpenAuth({ account: 'ada' });
  const before = auth.snapshot();
  const [ada] = addon.sessions;
  addon.openSession = async () => {
    throw latchkeyError('ERR_VAULT_CORRUPT');
  };
  await assert.rejects(auth.switchAccount('grace'), { code: 'ERR_VAULT_CORRUPT' });
  addon.openSession = async () => undefined;
  addon.activate = async () => {
    throw latchkeyError('ERR_VAULT_IO');
  };
  await assert.rejects(auth.switchAccount('grace'), { code: 'ERR_VAULT_IO' });
  assert.equal(addon.session.closed, true, 'the session that was opened for nothing');
  assert.deepEqual(auth.snapshot(), before);
  assert.deepEqual([ada.closed, ada.listenerCount], [false, 1]);
});

test('switches at the same time take their turns; the last one stays', async () => {
  const { addon, auth } = await startOpenAuth({ account: 'ada' });
  await Promise.all(['grace', 'ada', 'alan'].map((name) => auth.switchAccount(name)));
  assert.deepEqual([auth.snapshot().account, addon.front], ['alan', 'alan']);
  assert.deepEqual(
    addon.sessions.map(({ closed }) => closed),
    [true, true, true, false],
  );
});

test('switching to the account at the front activates it and keeps its session', async () => {
  const { addon, auth } = await startOpenAuth({ account: 'ada' });
  await auth.switchAccount('ada');
  assert.deepEqual([addon.front, addon.sessions.length, addon.session.closed], ['ada', 1, false]);
});

test('dispose while a switch is under way closes both sessions', async () => {
  const { addon, auth } = await startOpenAuth({ account: 'ada' });
  const gate = deferred();
  addon.openSession = () => gate.promise;
  const switched = auth.switchAccount('grace');
  await settle();
  const disposed = auth.dispose();
  gate.resolve();
  await assert.rejects(switched, { code: 'ERR_NO_BROKER' });
  await disposed;
  assert.deepEqual(
    addon.sessions.map(({ closed }) => closed),
    [true, true],
  );
});

test('a switch waits for no renewal of the account before; dispose does, and closes the vault after it', async () => {
  const { addon, auth } = await startOpenAuth({ account: 'ada' });
  const renewal = deferred();
  addon.session.closing = renewal.promise;
  await auth.switchAccount('grace');
  const disposed = auth.dispose();
  await settle();
  assert.equal(addon.vaults[0].closed, false);
  renewal.resolve();
  await disposed;
  assert.equal(addon.vaults[0].closed, true);
});

test('the accounts are those of the vault', async () => {
  const addon = new FakeAddon();
  addon.names = ['ada', 'grace'];
  const { auth } = await startOpenAuth({ addon, account: 'ada' });
  assert.deepEqual(
    (await auth.accounts()).map(({ name }) => name),
    ['ada', 'grace'],
  );
});

test('a vault that is unavailable has no accounts to tell, and nothing to switch', async () => {
  const addon = new FakeAddon();
  addon.openVault = async () => {
    throw latchkeyError('ERR_KEYCHAIN_LOCKED');
  };
  const { auth } = startAuth({ addon, account: 'ada' });
  await settle();
  for (const call of [() => auth.accounts(), () => auth.audit(), () => auth.switchAccount('grace')]) {
    await assert.rejects(call, { code: 'ERR_KEYCHAIN_LOCKED' });
  }
});

test('a page sees who has a session here, and the one at the front, which may have none yet', async () => {
  const addon = new FakeAddon();
  addon.names = ['ada', 'grace'];
  const { auth, call } = await startOpenAuth({ addon, account: 'ada' });
  const listed = async () =>
    (await call(CHANNELS.accounts)).value.map(({ name, user, current }) => [
      name,
      user?.email ?? null,
      current,
    ]);
  assert.deepEqual(await listed(), [
    ['ada', USER.email, true],
    ['grace', USER.email, false],
  ]);
  await auth.switchAccount('alan');
  assert.deepEqual(await listed(), [
    ['ada', USER.email, false],
    ['alan', null, true],
    ['grace', USER.email, false],
  ]);
});

test('a page gets no more of an account than the protocol names', async () => {
  const addon = new FakeAddon();
  addon.names = ['ada'];
  const accounts = addon.AuthSession.accounts;
  addon.AuthSession.accounts = async (vault) =>
    (await accounts(vault)).map((account) => ({ ...account, accessToken: 'must not cross' }));
  const { call } = await startOpenAuth({ addon, account: 'ada' });
  const [account] = (await call(CHANNELS.accounts)).value;
  assert.deepEqual(Object.keys(account), ['name', 'user', 'current']);
});

test('a page switches the account, and makes a new one by a name that is not there yet', async () => {
  const { addon, auth, call, window } = await startOpenAuth({ account: 'ada' });
  const { ok, value } = await call(CHANNELS.switchAccount, 'grace');
  assert.deepEqual([ok, value.account, value.state], [true, 'grace', 'signedOut']);
  assert.deepEqual([addon.front, auth.snapshot().account], ['grace', 'grace']);
  assert.deepEqual(window.webContents.sent.at(-1), [CHANNELS.changed, value]);
});

test('in an app that has one session a page finds no accounts', async () => {
  const { addon, call } = await startOpenAuth();
  for (const answer of [await call(CHANNELS.accounts), await call(CHANNELS.switchAccount, 'grace')])
    assert.deepEqual([answer.ok, answer.code], [false, 'ERR_NOT_SUPPORTED']);
  assert.equal(addon.sessions.length, 1);
});

for (const name of [undefined, null, '', 'x'.repeat(257), 7, {}, ['ada']]) {
  test(`an account named ${JSON.stringify(name)?.slice(0, 20)} is refused`, async () => {
    const { addon, call } = await startOpenAuth({ account: 'ada' });
    assert.equal((await call(CHANNELS.switchAccount, name)).code, 'ERR_INVALID_ARGUMENT');
    assert.equal(addon.sessions.length, 1);
  });
}

test('a page does not switch past a lock', async () => {
  const { addon, call } = await startOpenAuth({ account: 'ada' });
  addon.session.change({ state: 'locked', reason: 'idle', user: USER });
  assert.equal((await call(CHANNELS.switchAccount, 'grace')).code, 'ERR_SESSION_LOCKED');
  assert.equal(addon.sessions.length, 1);
});

test('a page does not switch while the app still clears up after somebody', async () => {
  const { addon, auth, call } = await startOpenAuth({
    account: 'ada',
    onSignedOut: () => new Promise(() => {}),
  });
  addon.session.change({ state: 'active', user: USER });
  addon.session.change({ state: 'signedOut', reason: 'signedOut', user: null });
  assert.equal(auth.snapshot().awaitingRestart, true);
  assert.equal((await call(CHANNELS.switchAccount, 'grace')).code, 'ERR_AWAITING_RESTART');
});
