import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FakeWindow, latchkeyError, USER } from './fake-electron.mjs';
import { CHANNELS, PAGE, settle, startOpenAuth } from './start.mjs';

const DONE = { ok: true, value: null };

/** A broker whose session is active and, unless told otherwise, locked. */
async function startLocked({ state = 'locked', ...options } = {}) {
  const started = await startOpenAuth(options);
  started.addon.session.change({ state, reason: 'locked', user: USER });
  return started;
}

function question() {
  const asked = [];
  const ask = () => new Promise((resolve, reject) => asked.push({ resolve, reject }));
  return { asked, ask };
}

const namesOf = (session) => session.calls.map(([name]) => name);

test('a page locks, and every window hears it before the answer', async () => {
  const { auth, call, window } = await startLocked({ state: 'active' });
  const other = new FakeWindow(PAGE);
  auth.register(other);
  assert.deepEqual(await call(CHANNELS.lock), DONE);
  assert.equal(window.webContents.sent.at(-1)[1].state, 'locked');
  assert.equal(other.webContents.sent.at(-1)[1].state, 'locked');
});

test('without a hook a page cannot unlock, and the main process can', async () => {
  const { addon, auth, call } = await startLocked();
  assert.equal((await call(CHANNELS.unlock)).code, 'ERR_UNLOCK_REFUSED');
  assert.deepEqual(namesOf(addon.session), []);
  await auth.unlock();
  assert.equal(auth.snapshot().state, 'active');
  await auth.lock();
  assert.equal(auth.snapshot().state, 'locked');
});

test('with a hook a page unlocks when it says true', async () => {
  const { auth, call } = await startLocked({ onUnlockRequest: async () => true });
  assert.deepEqual(await call(CHANNELS.unlock), DONE);
  assert.equal(auth.snapshot().state, 'active');
});

for (const [what, onUnlockRequest] of [
  ['says false', async () => false],
  ['says something else than true', async () => 'yes'],
  ['rejects, as a prompt that is cancelled does', () => Promise.reject(new Error('Cancelled by /home/ada'))],
  [
    'throws',
    () => {
      throw new Error('no prompt here');
    },
  ],
]) {
  test(`a hook that ${what} leaves the session locked`, async () => {
    const { addon, call } = await startLocked({ onUnlockRequest });
    const answer = await call(CHANNELS.unlock);
    assert.equal(answer.code, 'ERR_UNLOCK_REFUSED');
    assert.doesNotMatch(answer.message, /ada|prompt/);
    assert.deepEqual(namesOf(addon.session), []);
  });
}

test('requests that come together share one question; the next one asks again', async () => {
  const { asked, ask } = question();
  const { addon, call } = await startLocked({ onUnlockRequest: ask });
  const answers = [call(CHANNELS.unlock), call(CHANNELS.unlock)];
  await settle();
  assert.equal(asked.length, 1);
  asked[0].resolve(false);
  const codes = (await Promise.all(answers)).map(({ code }) => code);
  assert.deepEqual(codes, ['ERR_UNLOCK_REFUSED', 'ERR_UNLOCK_REFUSED']);
  const again = call(CHANNELS.unlock);
  await settle();
  asked[1].resolve(true);
  assert.deepEqual(await again, DONE);
  assert.deepEqual(namesOf(addon.session), ['unlock']);
});

test('nobody is asked about a session that is not locked', async () => {
  const { asked, ask } = question();
  const { call } = await startLocked({ state: 'active', onUnlockRequest: ask });
  assert.deepEqual(await call(CHANNELS.unlock), DONE);
  assert.equal(asked.length, 0);
});

test('a lock that comes while the person is asked wins over the answer', async () => {
  const { asked, ask } = question();
  const { auth, call } = await startLocked({ onUnlockRequest: ask });
  const answer = call(CHANNELS.unlock);
  await settle();
  await auth.lock();
  asked[0].resolve(true);
  assert.equal((await answer).code, 'ERR_SUPERSEDED');
  assert.equal(auth.snapshot().state, 'locked');
});

test('the answer about one account does not unlock another', async () => {
  const { asked, ask } = question();
  const { addon, auth, call } = await startLocked({ account: 'ada', onUnlockRequest: ask });
  const answer = call(CHANNELS.unlock);
  await settle();
  await auth.switchAccount('grace');
  addon.session.change({ state: 'locked', user: USER });
  asked[0].resolve(true);
  assert.equal((await answer).code, 'ERR_SUPERSEDED');
  assert.deepEqual(addon.sessions.map(namesOf), [[], []]);
});

test('a lock that could not be stored is told to who asked for it', async () => {
  const { addon, auth, call } = await startLocked({ state: 'active' });
  addon.session.lock = async () => {
    throw latchkeyError('ERR_VAULT_IO');
  };
  assert.equal((await call(CHANNELS.lock)).code, 'ERR_VAULT_IO');
  await assert.rejects(auth.lock(), { code: 'ERR_VAULT_IO' });
});
