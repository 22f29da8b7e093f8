// Signing up and in on the real server, refusals, and a server that cannot answer.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { rejects } from './addon.mjs';
import {
  assertHeard,
  assertUser,
  newUser,
  openSession,
  passwordOf,
  reached,
  signedUp,
  startServer,
} from './auth-server.mjs';

const LIFETIME_S = 3600;
const server = await startServer({ after }, { expiresIn: LIFETIME_S });

test('signs up, and is then signed in', async (t) => {
  const session = await openSession(t, server);
  assert.equal(session.state().state, 'signedOut');
  const user = newUser();
  const result = await session.signUp(user);
  assert.equal(result.status, 'complete');
  assertUser(result.user, user);
  assert.deepEqual(session.state().user, result.user);
  assert.equal(session.state().state, 'active');
  assert.equal(await server.sessions(user.email), 1);
});

test('signs in, and says how it stands at each step', async (t) => {
  const { user: account } = await signedUp(t, server);
  const session = await openSession(t, server);
  const changes = [];
  session.onChange(({ state, reason, revision }) => changes.push([state, reason, revision]));
  const started = Date.now();
  const { status, user } = await session.signIn(passwordOf(account));
  assert.equal(status, 'complete');
  assertUser(user, account);
  const { expiresAtMs, ...rest } = session.state();
  const expected = {
    state: 'active',
    reason: 'signedIn',
    user,
    retryAtMs: null,
    revocationsOwed: 0,
    revision: 2,
  };
  assert.deepEqual(rest, expected);
  // The server's clock is told in whole seconds.
  const lifetimeMs = expiresAtMs - started;
  assert.ok(Math.abs(lifetimeMs - LIFETIME_S * 1000) < 5000, `${lifetimeMs} ms`);
  await assertHeard(changes, [
    ['signingIn', 'signInStarted', 1],
    ['active', 'signedIn', 2],
  ]);
});

test('refusals: each its own code, the state as before', async (t) => {
  const { user } = await signedUp(t, server);
  const session = await openSession(t, server);
  const signIn = (request) => () => session.signIn({ ...passwordOf(user), ...request });
  const signUp = (account) => () => session.signUp({ ...newUser(), ...account });
  await rejects('ERR_INVALID_CREDENTIALS', signIn({ password: 'wrong-password' }));
  await rejects('ERR_INVALID_CREDENTIALS', signIn({ email: 'nobody@example.com' }));
  await rejects('ERR_SIGN_IN_REJECTED', signIn({ email: 'not an address' }));
  await rejects('ERR_WEAK_PASSWORD', signUp({ password: 'short' }));
  await rejects('ERR_WEAK_PASSWORD', signUp({ password: 'x'.repeat(129) }));
  await rejects('ERR_USER_EXISTS', signUp({ email: user.email }));
  await rejects('ERR_SIGN_IN_REJECTED', signUp({ email: 'not an address' }));
  const { state, reason, user: nobody } = session.state();
  assert.deepEqual([state, reason, nobody], ['signedOut', 'signInFailed', null]);
  assert.equal(await server.sessions(user.email), 1, 'none but that of the sign-up');
});

test('a refused sign-in leaves a session that is active alone, a good one replaces it', async (t) => {
  const { session, user } = await signedUp(t, server);
  const before = session.state();
  const wrong = { ...passwordOf(user), password: 'wrong-password' };
  await rejects('ERR_INVALID_CREDENTIALS', () => session.signIn(wrong));
  assert.deepEqual(session.state(), before);
  const other = newUser();
  await session.signUp(other);
  assertUser(session.state().user, other);
  const profile = await session.fetch(`${server.url}/api/profile`);
  assert.equal(JSON.parse(profile.body).user.email, other.email);
});

const FAULTS = {
  error500: 'ERR_SERVER',
  html: 'ERR_SERVER',
  empty: 'ERR_UNEXPECTED_RESPONSE',
  drop: 'ERR_NETWORK',
};
for (const [mode, code] of Object.entries(FAULTS)) {
  test(`a server that answers '${mode}': ${code}, signed out as before, and works afterwards`, async (t) => {
    const session = await openSession(t, server);
    const user = newUser();
    t.after(() => server.mode('up'));
    await server.mode(mode);
    await rejects(code, () => session.signUp(user));
    await rejects(code, () => session.signIn(passwordOf(user)));
    assert.deepEqual([session.state().state, session.state().user], ['signedOut', null]);
    await server.mode('up');
    await session.signUp(user);
    assert.equal(session.state().state, 'active');
  });
}

test('a server that is not there: ERR_NETWORK', async (t) => {
  const session = await openSession(t, { url: 'http://127.0.0.1:9' });
  await rejects('ERR_NETWORK', () => session.signIn(passwordOf(newUser())));
  assert.equal(session.state().state, 'signedOut');
});

test('signed in although the server fails right afterwards, and made good by itself', async (t) => {
  const session = await openSession(t, server);
  const user = newUser();
  t.after(() => server.mode('up'));
  await server.mode('error500', '/api/auth/get-session');
  assertUser((await session.signUp(user)).user, user);
  assert.equal((await session.fetch(`${server.url}/api/profile`)).status, 200);
  await reached(session, 'offline');
  await server.mode('up');
  assert.ok((await reached(session, 'active')).expiresAtMs > Date.now());
});

test('too many tries: ERR_RATE_LIMITED says when to try again', async (t) => {
  const limited = await startServer(t, { testControls: false });
  const session = await openSession(t, limited);
  const wrong = passwordOf(newUser());
  for (let tries = 0; tries < 3; tries++)
    await rejects('ERR_INVALID_CREDENTIALS', () => session.signIn(wrong));
  const error = await rejects('ERR_RATE_LIMITED', () => session.signIn(wrong));
  assert.ok(error.retryAfterMs >= 1000 && error.retryAfterMs <= 10_000, `${error.retryAfterMs} ms`);
  assert.equal(session.state().state, 'signedOut');
});

test('a sign-out in the middle of a sign-in wins', async (t) => {
  const { user } = await signedUp(t, server);
  const session = await openSession(t, server);
  server.once('request', '/api/auth/sign-in', () => session.signOut());
  await rejects('ERR_SUPERSEDED', () => session.signIn(passwordOf(user)));
  assert.deepEqual([session.state().state, session.state().user], ['signedOut', null]);
});
