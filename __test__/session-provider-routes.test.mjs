// The provider's own client in a page, over fetch: its calls are followed, and handles stand in for tokens.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { assertUser, newUser, openSession, signedUp, startServer } from './auth-server.mjs';

const server = await startServer({ after });
const HANDLE = /^latchkey:[A-Za-z0-9_-]{22}$/;

/** Calls routes of Better Auth as its client does, and watches every answer for tokens. */
function clientOf(session) {
  const call = async (method, route, body) => {
    const answer = await session.fetch(`${server.url}/api/auth${route}`, {
      method,
      ...(body && { body: JSON.stringify(body), headers: [['content-type', 'application/json']] }),
    });
    const shown = `${JSON.stringify(answer.headers)} ${answer.body}`;
    for (const token of server.tokens) {
      const [key, signature] = token.split('.');
      for (const part of [key, signature, encodeURIComponent(signature)]) {
        assert.equal(shown.includes(part), false, `${method} ${route} shows a token: ${shown}`);
      }
    }
    const names = answer.headers.map(([name]) => name);
    for (const name of ['set-cookie', 'set-auth-token']) assert.equal(names.includes(name), false, route);
    const length = new Map(answer.headers).get('content-length');
    if (length !== undefined) assert.equal(Number(length), answer.body.length, 'content-length');
    return { status: answer.status, json: answer.body.length > 0 ? JSON.parse(answer.body) : undefined };
  };
  return { get: (route) => call('GET', route), post: (route, body) => call('POST', route, body) };
}

test('sign-up and sign-in over fetch are adopted', async (t) => {
  const user = newUser();
  const session = await openSession(t, server);
  const signedUpAnswer = await clientOf(session).post('/sign-up/email', user);
  assert.equal(signedUpAnswer.status, 200);
  assert.match(signedUpAnswer.json.token, HANDLE);
  assertUser(session.state().user, user);
  assert.equal(session.state().state, 'active');
  assert.ok((await session.refresh()).expiresAtMs > Date.now());

  const another = await openSession(t, server);
  const signedInAnswer = await clientOf(another).post('/sign-in/email', user);
  assert.match(signedInAnswer.json.token, HANDLE);
  assert.equal(another.state().state, 'active');
  assert.equal((await another.fetch(`${server.url}/api/profile`)).status, 200);
});

test('a refused sign-in over fetch is an answer, and the session stands', async (t) => {
  const { session, user } = await signedUp(t, server);
  const known = session.state().user;
  const answer = await clientOf(session).post('/sign-in/email', { ...user, password: 'wrong-password' });
  assert.deepEqual([answer.status, answer.json.code], [401, 'INVALID_EMAIL_OR_PASSWORD']);
  assert.deepEqual([session.state().state, session.state().user], ['active', known]);
});

test('get-session shows user and session, with a handle for the token', async (t) => {
  const { session, user } = await signedUp(t, server);
  const { json } = await clientOf(session).get('/get-session');
  assert.equal(json.user.email, user.email);
  assert.match(json.session.token, HANDLE);
  assert.deepEqual((await clientOf(session).get('/get-session')).json.session.token, json.session.token);
});

test('list-sessions shows handles, and revoke-session takes them', async (t) => {
  const { session, user } = await signedUp(t, server);
  const other = await openSession(t, server);
  await other.signIn({ method: 'password', email: user.email, password: user.password });
  const client = clientOf(session);
  const { json: sessions } = await client.get('/list-sessions');
  assert.equal(sessions.length, 2);
  for (const { token } of sessions) assert.match(token, HANDLE);
  const own = (await client.get('/get-session')).json.session.token;
  const { token: foreign } = sessions.find(({ token }) => token !== own);
  assert.equal(sessions.filter(({ token }) => token === own).length, 1, 'the same token has the same handle');
  assert.equal((await client.post('/revoke-session', { token: foreign })).status, 200);
  assert.equal(await server.sessions(user.email), 1);
  assert.equal((await session.refresh()).state, 'active');
  await other.refresh();
  assert.equal(other.state().state, 'expired');
});

test('a handle that nobody gave is sent as it is, and opens nothing', async (t) => {
  const { session, user } = await signedUp(t, server);
  await clientOf(session).post('/revoke-session', { token: 'latchkey:AAAAAAAAAAAAAAAAAAAAAA' });
  assert.equal(await server.sessions(user.email), 1);
});

test('a changed password that revokes the others brings a new token, which is adopted', async (t) => {
  const { session, user } = await signedUp(t, server);
  const before = await session.accessToken();
  const { status, json } = await clientOf(session).post('/change-password', {
    currentPassword: user.password,
    newPassword: 'analytical-engine',
    revokeOtherSessions: true,
  });
  assert.equal(status, 200);
  assert.match(json.token, HANDLE);
  assert.notEqual(await session.accessToken(), before);
  assert.equal((await session.refresh()).state, 'active');
});

test('a new name over fetch is in the next snapshot', async (t) => {
  const { session } = await signedUp(t, server);
  assert.equal((await clientOf(session).post('/update-user', { name: 'Countess' })).status, 200);
  await clientOf(session).get('/get-session');
  assert.equal(session.state().user.name, 'Countess');
});

test('get-session after the session was revoked: null, and expired', async (t) => {
  const { session, user } = await signedUp(t, server);
  await server.revoke(user.email);
  const { status, json } = await clientOf(session).get('/get-session');
  assert.deepEqual([status, json], [200, null]);
  assert.equal(session.state().state, 'expired');
});

test('sign-out over fetch is a sign-out', async (t) => {
  const { session, user } = await signedUp(t, server);
  assert.equal((await clientOf(session).post('/sign-out', {})).status, 200);
  assert.deepEqual([session.state().state, session.state().user], ['signedOut', null]);
  assert.equal(await server.sessions(user.email), 0);
});

test('a sign-out in the middle of a sign-in over fetch wins', async (t) => {
  const { user } = await signedUp(t, server);
  const session = await openSession(t, server);
  let leaving;
  server.once('request', '/api/auth/sign-in', () => (leaving = session.signOut()));
  await clientOf(session)
    .post('/sign-in/email', user)
    .catch((error) => assert.equal(error.code, 'ERR_SUPERSEDED'));
  await leaving;
  assert.equal(session.state().state, 'signedOut');
});
