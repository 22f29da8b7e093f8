// The person's sessions on a real Better Auth server, how long they live, and what a stale one may not do.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import {
  assertIn,
  assertNoSecret,
  byEmail,
  clientOf,
  entered,
  rejects,
  sessionOn,
  startPeer,
} from './better-auth-peer.mjs';

const peer = await startPeer({ after });
const DAY_MS = 24 * 60 * 60 * 1000;

test('the list of sessions holds no token, and says which one asks', async (t) => {
  const { session, person } = await entered(t, peer);
  const other = await sessionOn(t, peer);
  await other.signIn(byEmail(person));
  const sessions = await session.sessions();
  assert.equal(sessions.length, 2);
  assertNoSecret(peer, JSON.stringify(sessions), 'the list');
  assert.deepEqual(sessions.map(({ current }) => current).sort(), [false, true]);
  for (const { id, createdAtMs, activeAtMs, expiresAtMs, ipAddress } of sessions) {
    assert.equal(typeof id, 'string');
    assert.ok(Math.abs(createdAtMs - Date.now()) < 60_000);
    assert.ok(activeAtMs >= createdAtMs);
    assert.ok(expiresAtMs > Date.now() + DAY_MS);
    assert.equal(ipAddress, '127.0.0.1');
  }
});

test('another session is ended by its identifier, and one that is gone is no error', async (t) => {
  const { session, person } = await entered(t, peer);
  const other = await sessionOn(t, peer);
  await other.signIn(byEmail(person));
  const { id } = (await session.sessions()).find(({ current }) => !current);
  await session.endSession(id);
  await session.endSession(id);
  await session.endSession('nobody');
  assert.equal((await peer.sessionsOf(person.email)).length, 1);
  await assertIn(session, peer, person);
  await other.refresh();
  assert.equal(other.state().state, 'expired');
});

test('a list is refused because the session is over: that is confirmed, and the session then over', async (t) => {
  const { session, person } = await entered(t, peer);
  await peer.revokeAll(person.email);
  peer.clearLog();
  await rejects('ERR_SESSION_EXPIRED', () => session.sessions());
  assert.deepEqual(peer.requests, ['GET /api/auth/list-sessions 401', 'GET /api/auth/get-session 200']);
  assert.equal(session.state().state, 'expired');
});

test('a list is refused by a session that goes on: it stands', async (t) => {
  const { session, person } = await entered(t, peer);
  const refusal = { code: 'UNAUTHORIZED', message: 'no' };
  peer.answerOnce('/api/auth/list-sessions', () => Response.json(refusal, { status: 401 }));
  await rejects('ERR_UNEXPECTED_RESPONSE', () => session.sessions());
  assert.equal(session.state().state, 'active');
  await assertIn(session, peer, person);
});

test('a session that is not fresh: ERR_STEP_UP_REQUIRED, and signing in again makes a fresh one without losing it', {
  timeout: 30_000,
}, async (t) => {
  const { session, person } = await entered(t, peer);
  await peer.changeSessions(person.email, { createdAt: new Date(Date.now() - 2 * DAY_MS) });
  const stale = await rejects('ERR_STEP_UP_REQUIRED', () => session.sessions());
  assert.match(stale.message, /SESSION_NOT_FRESH/);
  await rejects('ERR_STEP_UP_REQUIRED', () => session.endSession('any'));
  // The same as the page's client sees it: an answer, and nothing more.
  const { status, json } = await clientOf(session, peer).get('/list-sessions');
  assert.deepEqual([status, json.code], [403, 'SESSION_NOT_FRESH']);
  assert.equal(session.state().state, 'active');
  await rejects('ERR_NOT_SUPPORTED', () => session.signIn({ method: 'stepUp' }));
  await rejects('ERR_INVALID_CREDENTIALS', () => session.signIn(byEmail({ ...person, password: 'wrong' })));
  assert.deepEqual([session.state().state, session.state().user.email], ['active', person.email]);
  await session.signIn(byEmail(person));
  // The server is told to end the stale one in the background.
  let sessions = await session.sessions();
  while (sessions.length > 1) {
    await setTimeout(20);
    sessions = await session.sessions();
  }
  assert.equal(sessions[0].current, true, 'the stale one was ended, and not the fresh one');
});

test('the session slides when the server says so, with deferSessionRefresh by a second question', async (t) => {
  for (const deferSessionRefresh of [false, true]) {
    const sliding = await startPeer(t, { session: { deferSessionRefresh } });
    const { session, person } = await entered(t, sliding);
    sliding.clearLog();
    await session.refresh();
    assert.deepEqual(sliding.requests, ['GET /api/auth/get-session 200'], 'it is not due');
    await sliding.changeSessions(person.email, { expiresAt: new Date(Date.now() + DAY_MS) });
    sliding.clearLog();
    await session.refresh();
    const expected = ['GET /api/auth/get-session 200', 'POST /api/auth/get-session 200'];
    assert.deepEqual(sliding.requests, deferSessionRefresh ? expected : expected.slice(0, 1));
    assert.ok(session.state().expiresAtMs > Date.now() + 6 * DAY_MS);
    await assertIn(session, sliding, person);
  }
});

test('deferSessionRefresh: a second question that fails costs nothing', async (t) => {
  const deferring = await startPeer(t, { session: { deferSessionRefresh: true } });
  const { session, person } = await entered(t, deferring);
  await deferring.changeSessions(person.email, { expiresAt: new Date(Date.now() + DAY_MS) });
  const real = 'GET /api/auth/get-session 200';
  let asked = 0;
  deferring.interfere('/api/auth/get-session', () =>
    ++asked === 2 ? new Response(null, { status: 503 }) : undefined,
  );
  deferring.clearLog();
  const { state, expiresAtMs } = await session.refresh();
  assert.deepEqual(deferring.requests, [real, 'POST /api/auth/get-session 503']);
  assert.equal(state, 'active');
  assert.ok(expiresAtMs < Date.now() + 2 * DAY_MS);
  await session.refresh();
  assert.ok(session.state().expiresAtMs > Date.now() + 6 * DAY_MS);
});

test('rememberMe: false never slides, with deferSessionRefresh neither', async (t) => {
  const deferring = await startPeer(t, { session: { deferSessionRefresh: true, updateAge: 0 } });
  const { person } = await entered(t, deferring);
  const session = await sessionOn(t, deferring);
  await session.signIn(byEmail(person, { rememberMe: false }));
  const before = session.state().expiresAtMs;
  deferring.clearLog();
  await session.refresh();
  assert.deepEqual(deferring.requests, ['GET /api/auth/get-session 200']);
  assert.ok(Math.abs(session.state().expiresAtMs - before) < 2000);
});

test('the header is kept and not the body: a server that takes signed tokens only lets in', async (t) => {
  const { session, person } = await entered(t, peer);
  const token = await session.accessToken();
  const [key] = token.split('.');
  assert.ok(token.length > key.length);
  const ask = (bearer) =>
    fetch(`${peer.baseUrl}/get-session`, { headers: { authorization: `Bearer ${bearer}` } }).then((answer) =>
      answer.json(),
    );
  assert.equal(await ask(key), null, 'the raw half opens nothing');
  assert.equal((await ask(token)).user.email, person.email);
});

test('signing out succeeds on the server whatever the token, so it is over here at once and there for certain', async (t) => {
  const garbage = await fetch(`${peer.baseUrl}/sign-out`, {
    method: 'POST',
    headers: {
      authorization: 'Bearer garbage.garbage',
      'content-type': 'application/json',
      origin: peer.url,
    },
    body: '{}',
  });
  assert.deepEqual(await garbage.json(), { success: true });
  const { session, person } = await entered(t, peer);
  await session.signOut();
  assert.equal((await peer.sessionsOf(person.email)).length, 0);
});

test('an account that exists by its user name, names that cannot be', async (t) => {
  const { person } = await entered(t, peer);
  const session = await sessionOn(t, peer);
  const { username, password } = person;
  await rejects('ERR_USER_EXISTS', () => session.signUp({ ...person, email: `other-${person.email}` }));
  const signIn = (more) => () => session.signIn({ method: 'password', username, password, ...more });
  await rejects('ERR_INVALID_CREDENTIALS', signIn({ password: 'wrong-password' }));
  await rejects('ERR_INVALID_CREDENTIALS', signIn({ username: 'nobody_here' }));
  const refused = await rejects('ERR_SIGN_IN_REJECTED', signIn({ username: 'x' }));
  assert.match(refused.message, /422, USERNAME_TOO_SHORT/);
  assert.equal((await signIn({ username: username.toUpperCase() })()).status, 'complete');
});

test('an address that must be verified first', async (t) => {
  const strict = await startPeer(t, { requireEmailVerification: true });
  const session = await sessionOn(t, strict);
  const person = { email: 'ada@example.com', password: 'difference-engine', name: 'Ada' };
  await rejects('ERR_EMAIL_NOT_VERIFIED', () => session.signUp(person));
  await rejects('ERR_EMAIL_NOT_VERIFIED', () => session.signIn(byEmail(person)));
  assert.equal(session.state().state, 'signedOut');
});
