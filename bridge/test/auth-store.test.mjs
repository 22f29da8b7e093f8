import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import { createAuthStore } from '../dist/esm/renderer/index.js';
import { ACTIVE, ADA, deferred, FakeBroker, failure } from './fake-broker.mjs';
import { uncaughtDuring } from './start.mjs';

const PASSWORD = { method: 'password', email: 'ada@example.com', password: 'secret' };

afterEach(() => {
  delete globalThis.auth;
});

async function storeOver(broker) {
  const store = createAuthStore({ broker });
  await store.initializeAuth();
  return store;
}

test('before the first snapshot it is opening: neither signed in nor signed out', () => {
  const { state, user, isAuthenticated } = createAuthStore({ broker: new FakeBroker(ACTIVE) }).get();
  assert.deepEqual([state, user, isAuthenticated], ['opening', null, false]);
});

test('initializeAuth shows a stored user at once, while main still asks the server', async () => {
  const store = await storeOver(new FakeBroker({ ...ACTIVE, state: 'restoring' }));
  const { state, user, isAuthenticated } = store.get();
  assert.deepEqual([state, user, isAuthenticated], ['restoring', ADA, true]);
});

test('initializeAuth keeps a change that arrives before the answer to the first question', async () => {
  const broker = new FakeBroker({ state: 'opening' });
  const first = deferred();
  const stale = broker.now;
  broker.replies.snapshot = first.promise;
  const store = createAuthStore({ broker });
  const started = store.initializeAuth();
  broker.change(ACTIVE);
  first.resolve({ ok: true, value: stale });
  await started;
  assert.equal(store.get().state, 'active');
});

test('initializeAuth asks main once, however often it is called', async () => {
  const broker = new FakeBroker();
  const store = createAuthStore({ broker });
  await Promise.all([store.initializeAuth(), store.initializeAuth()]);
  await store.initializeAuth();
  assert.deepEqual([broker.count('snapshot'), broker.listenerCount], [1, 1]);
});

test('initializeAuth resolves to unavailable when this window is not let in', async () => {
  const broker = new FakeBroker();
  broker.replies.snapshot = failure('ERR_SENDER_NOT_ALLOWED');
  const { state, problem } = (await storeOver(broker)).get();
  assert.deepEqual([state, problem.code], ['unavailable', 'ERR_SENDER_NOT_ALLOWED']);
});

test('a window without a preload is unavailable, and recovers when the broker is there', async () => {
  const store = createAuthStore();
  await store.initializeAuth();
  assert.equal(store.get().problem.code, 'ERR_NO_BROKER');
  globalThis.auth = new FakeBroker(ACTIVE);
  await store.retry();
  assert.deepEqual([store.get().state, store.get().problem], ['active', null]);
});

test('get is the same object until something changes', async () => {
  const broker = new FakeBroker(ACTIVE);
  const store = await storeOver(broker);
  const before = store.get();
  broker.tell(broker.now);
  await store.sessions();
  assert.equal(store.get(), before);
  broker.change({ state: 'offline', reason: 'network' });
  assert.notEqual(store.get(), before);
});

test('a listener hears the view at once, then each change, until it stops', async () => {
  const broker = new FakeBroker(ACTIVE);
  const store = createAuthStore({ broker });
  const heard = [];
  const stop = store.subscribe(({ state }) => heard.push(state));
  await store.initializeAuth();
  stop();
  broker.change({ state: 'offline' });
  assert.deepEqual(heard, ['opening', 'active']);
});

test('a listener that throws does not silence the others', async () => {
  const broker = new FakeBroker(ACTIVE);
  const store = await storeOver(broker);
  const heard = [];
  let throws = false;
  store.subscribe(() => {
    if (throws) throw new Error('a fault in the page');
  });
  store.subscribe(({ state }) => heard.push(state));
  throws = true;
  const error = await uncaughtDuring(() => broker.change({ state: 'offline' }));
  assert.equal(error.message, 'a fault in the page');
  assert.deepEqual(heard, ['active', 'offline']);
});

test('a listener that causes the next change leaves the others with the newest view last', async () => {
  const broker = new FakeBroker(ACTIVE);
  const store = await storeOver(broker);
  const heard = [];
  store.subscribe(({ state }) => {
    if (state === 'offline') broker.change({ state: 'expired' });
  });
  store.subscribe(({ state }) => heard.push(state));
  broker.change({ state: 'offline' });
  assert.equal(heard.at(-1), 'expired');
});

test('a snapshot that is older than what is shown is dropped', async () => {
  const broker = new FakeBroker(ACTIVE);
  const store = await storeOver(broker);
  const old = broker.now;
  broker.change({ state: 'offline', reason: 'network' });
  broker.tell(old);
  assert.equal(store.get().state, 'offline');
});

test('the person stays on an expired page while a new sign-in runs, and is forgotten at sign-out', async () => {
  const broker = new FakeBroker({ ...ACTIVE, state: 'expired' });
  const store = await storeOver(broker);
  assert.deepEqual([store.get().user, store.get().isAuthenticated], [ADA, false]);
  broker.change({ state: 'signingIn', user: null });
  broker.change({ state: 'signingIn', user: null, signInProblem: null });
  assert.deepEqual(store.get().user, ADA);
  broker.change({ state: 'signedOut' });
  broker.change({ state: 'signingIn' });
  assert.equal(store.get().user, null);
});

test('somebody is signed in while active, offline and locked, and while restoring a known user', async () => {
  const broker = new FakeBroker();
  const store = await storeOver(broker);
  const states = {
    active: true,
    offline: true,
    locked: true,
    restoring: true,
    expired: false,
    signingIn: false,
    signedOut: false,
    opening: false,
    unavailable: false,
  };
  for (const [state, is] of Object.entries(states)) {
    broker.change({ state, user: ADA });
    assert.equal(store.get().isAuthenticated, is, state);
  }
  broker.change({ state: 'restoring', user: null });
  assert.equal(store.get().isAuthenticated, false, 'restoring nobody knows whom');
});

test('the newest sign-in that is under way is the one to show', async () => {
  const broker = new FakeBroker({ state: 'signingIn', signIns: [{ id: 'old' }, { id: 'new' }] });
  const store = await storeOver(broker);
  assert.equal(store.get().pendingSignIn.id, 'new');
  broker.change({ state: 'signedOut', signIns: [] });
  assert.equal(store.get().pendingSignIn, null);
});

test('signIn is up to date when it resolves, also if the event comes later', async () => {
  const broker = new FakeBroker();
  const store = await storeOver(broker);
  broker.replies.signIn = () => {
    broker.change(ACTIVE, { quietly: true });
    return { ok: true, value: { status: 'complete', user: ADA } };
  };
  assert.equal((await store.signIn(PASSWORD)).status, 'complete');
  assert.equal(store.get().state, 'active');
  assert.deepEqual(broker.calls[1], ['signIn', PASSWORD]);
});

test('signIn says that it runs, and rejects with the code of the failure', async () => {
  const broker = new FakeBroker();
  const store = await storeOver(broker);
  const answer = deferred();
  broker.replies.signIn = () => answer.promise;
  const signedIn = store.signIn(PASSWORD);
  assert.equal(store.get().pending.signIn, true);
  answer.resolve(failure('ERR_INVALID_CREDENTIALS'));
  await assert.rejects(signedIn, { name: 'AuthError', code: 'ERR_INVALID_CREDENTIALS' });
  assert.deepEqual([store.get().pending.signIn, store.get().state], [false, 'signedOut']);
});

test('two calls of one kind are pending until both are over', async () => {
  const broker = new FakeBroker(ACTIVE);
  const store = await storeOver(broker);
  const answers = [deferred(), deferred()];
  const waiting = [...answers];
  broker.replies.refresh = () => waiting.shift().promise;
  const refreshed = [store.refreshSession(), store.refreshSession()];
  answers[0].resolve({ ok: true, value: broker.now });
  await refreshed[0];
  assert.equal(store.get().pending.refresh, true);
  answers[1].resolve({ ok: true, value: broker.now });
  await refreshed[1];
  assert.equal(store.get().pending.refresh, false);
});

test('each call reaches the broker with its own arguments and answers its value', async () => {
  const broker = new FakeBroker(ACTIVE);
  const store = await storeOver(broker);
  broker.calls.length = 0;
  const { signUp, submitCode, sendCode, openSignIn, copySignInLink, cancelSignIn, awaitSignIn } = store;
  const { signOut, switchOrganization, sessions, endSession, lock, unlock } = store;
  const { accounts, switchAccount, anomalies, refreshes } = store;
  broker.replies.sessions = { ok: true, value: [{ id: 's' }] };
  await signUp('person');
  await submitCode('id', 'submission');
  await sendCode('id', 'totp');
  await awaitSignIn('id');
  await openSignIn('id');
  await copySignInLink('id');
  await cancelSignIn('id');
  await signOut({ browser: true });
  await switchOrganization('org');
  assert.deepEqual(await sessions(), [{ id: 's' }]);
  await endSession('s');
  await accounts();
  await switchAccount('grace');
  await anomalies();
  await refreshes();
  await lock();
  await unlock();
  assert.deepEqual(
    broker.calls.filter(([name]) => name !== 'snapshot'),
    [
      ['signUp', 'person'],
      ['submitCode', 'id', 'submission'],
      ['sendCode', 'id', 'totp'],
      ['awaitSignIn', 'id'],
      ['openSignIn', 'id'],
      ['copySignInLink', 'id'],
      ['cancelSignIn', 'id'],
      ['signOut', { browser: true }],
      ['switchOrganization', 'org'],
      ['sessions'],
      ['endSession', 's'],
      ['accounts'],
      ['switchAccount', 'grace'],
      ['anomalies'],
      ['refreshes'],
      ['lock'],
      ['unlock'],
    ],
  );
});

test('refreshSession takes what main answers', async () => {
  const broker = new FakeBroker({ ...ACTIVE, state: 'offline' });
  const store = await storeOver(broker);
  broker.replies.refresh = () => {
    broker.change({ state: 'expired', reason: 'ended' }, { quietly: true });
    return { ok: true, value: broker.now };
  };
  await store.refreshSession({ retryUnanswered: true });
  assert.equal(store.get().state, 'expired');
  assert.deepEqual(broker.calls.at(-1), ['refresh', { retryUnanswered: true }]);
});

test('handleAuthExpired asks the server before it believes that the session is over', async () => {
  const broker = new FakeBroker(ACTIVE);
  const store = await storeOver(broker);
  await store.handleAuthExpired();
  assert.deepEqual([broker.count('refresh'), store.get().state], [1, 'active']);
});

test('handleAuthExpired keeps the person when it is over, and asks no more about it', async () => {
  const broker = new FakeBroker(ACTIVE);
  const store = await storeOver(broker);
  broker.replies.refresh = () => {
    broker.change({ state: 'expired', reason: 'ended' });
    return { ok: true, value: broker.now };
  };
  await store.handleAuthExpired();
  await store.handleAuthExpired();
  assert.deepEqual([store.get().state, store.get().user, broker.count('refresh')], ['expired', ADA, 1]);
});

test('handleAuthExpired leaves the state alone when the question could not be put', async () => {
  const broker = new FakeBroker(ACTIVE);
  const store = await storeOver(broker);
  broker.replies.refresh = failure('ERR_TIMEOUT');
  await store.handleAuthExpired();
  assert.equal(store.get().state, 'active');
});

test('the problem stays while the vault opens once more, and goes when it is open', async () => {
  const problem = { code: 'ERR_KEYCHAIN_LOCKED', message: 'Unlock it.' };
  const broker = new FakeBroker({ state: 'unavailable', problem });
  const store = await storeOver(broker);
  const answer = deferred();
  broker.replies.retry = () => answer.promise;
  const retried = store.retry();
  broker.change({ state: 'opening', problem: null });
  assert.deepEqual([store.get().pending.retry, store.get().problem], [true, problem]);
  broker.change({ state: 'signedOut' });
  answer.resolve({ ok: true, value: broker.now });
  await retried;
  assert.deepEqual([store.get().pending.retry, store.get().problem], [false, null]);
});

test('a retry that main refuses shows the new problem and does not reject', async () => {
  const broker = new FakeBroker({ state: 'unavailable', problem: { code: 'ERR_VAULT_IO', message: '' } });
  const store = await storeOver(broker);
  broker.replies.retry = failure('ERR_SENDER_NOT_ALLOWED');
  await store.retry();
  assert.deepEqual([store.get().state, store.get().problem.code], ['unavailable', 'ERR_SENDER_NOT_ALLOWED']);
});

test('onRefresh hears each renewal until it stops', () => {
  const broker = new FakeBroker(ACTIVE);
  const heard = [];
  const stop = createAuthStore({ broker }).onRefresh((refresh) => heard.push(refresh.number));
  broker.refreshListener({ number: 1 });
  stop();
  assert.deepEqual([heard, broker.refreshListener], [[1], null]);
});

test('fetch is the broker’s', async () => {
  const broker = new FakeBroker(ACTIVE);
  broker.fetch = async (url) => ({
    ok: true,
    value: { status: 200, statusText: '', url, headers: [], body: new TextEncoder().encode('hello') },
  });
  const { fetch } = createAuthStore({ broker });
  assert.equal(await (await fetch('http://127.0.0.1:4711/api')).text(), 'hello');
});

test('a call before initializeAuth connects by itself', async () => {
  const broker = new FakeBroker();
  const store = createAuthStore({ broker });
  broker.replies.signIn = () => {
    broker.change(ACTIVE);
    return { ok: true, value: { status: 'complete', user: ADA } };
  };
  await store.signIn(PASSWORD);
  assert.equal(store.get().state, 'active');
});

test('without a broker a call rejects with ERR_NO_BROKER', async () => {
  await assert.rejects(createAuthStore().signOut(), { code: 'ERR_NO_BROKER' });
});

test('after dispose nothing is heard and nothing changes', async () => {
  const broker = new FakeBroker(ACTIVE);
  const store = await storeOver(broker);
  let heard = 0;
  store.subscribe(() => {
    heard += 1;
  });
  store.dispose();
  assert.equal(broker.listenerCount, 0);
  await store.signOut();
  assert.deepEqual([heard, store.get().state], [1, 'active']);
});
