// Answers in an order that a real server gives once in a while: a scripted server gives it every time.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { rejects } from './addon.mjs';
import { openSession, reached, startStub } from './auth-server.mjs';

const ADA = { id: 'u1', email: 'ada@example.com', name: 'Ada', image: null, emailVerified: false };
const REQUEST = { method: 'password', email: ADA.email, password: 'difference-engine' };

/** Speaks Better Auth's protocol. Sign-ins wait in `held` while it is an array; `over` ends every session. */
async function startScripted(t) {
  const script = { held: null, over: false, refuse: false, granted: 0, ended: [] };
  const answer = (response, status, body, token) => {
    if (token) response.setHeader('set-auth-token', token);
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  };
  const signIn = (response) => {
    if (script.refuse) return answer(response, 401, { code: 'INVALID_EMAIL_OR_PASSWORD' });
    const key = String(++script.granted).padStart(32, 'k');
    return answer(response, 200, { token: key, user: ADA }, `${key}.signature`);
  };
  script.url = await startStub(t, (request, response) => {
    request.resume();
    if (request.url.startsWith('/api/auth/get-session')) {
      const expiresAt = new Date(Date.now() + 3_600_000).toISOString();
      return answer(response, 200, script.over ? null : { session: { expiresAt }, user: ADA });
    }
    if (request.url === '/api/auth/sign-out') {
      script.ended.push(request.headers.authorization);
      return answer(response, 200, { success: true });
    }
    return script.held ? script.held.push(() => signIn(response)) : signIn(response);
  });
  return script;
}

/** Waits until so many sign-ins wait for their answer. */
async function held(script, count) {
  while (script.held.length < count) await new Promise((resolve) => setTimeout(resolve, 5));
}

test('two sign-ins over an expired session that are refused in reverse order leave it expired', async (t) => {
  const server = await startScripted(t);
  const session = await openSession(t, server);
  await session.signIn(REQUEST);
  server.over = true;
  await session.refresh();
  const expired = await reached(session, 'expired');
  Object.assign(server, { refuse: true, held: [] });
  const first = rejects('ERR_INVALID_CREDENTIALS', () => session.signIn(REQUEST));
  await held(server, 1);
  const second = rejects('ERR_INVALID_CREDENTIALS', () => session.signIn(REQUEST));
  await held(server, 2);
  server.held[1]();
  await second;
  server.held[0]();
  await first;
  assert.deepEqual([session.state().state, session.state().user], ['expired', expired.user]);
});

test('what a sign-in was granted after a sign-out is ended on the server', async (t) => {
  const server = await startScripted(t);
  const session = await openSession(t, server);
  server.held = [];
  const signingIn = rejects('ERR_SUPERSEDED', () => session.signIn(REQUEST));
  await held(server, 1);
  await session.signOut();
  server.held[0]();
  await signingIn;
  assert.equal(session.state().state, 'signedOut');
  const key = '1'.padStart(32, 'k');
  for (let tries = 0; server.ended.length === 0 && tries < 100; tries++) {
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  assert.deepEqual(server.ended, [`Bearer ${key}.signature`]);
});
