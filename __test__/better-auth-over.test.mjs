// When is a session really over? Every answer that a Better Auth server, or what stands before it, may give.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { assertIn, clientOf, entered, rejects, startPeer } from './better-auth-peer.mjs';
import { became } from './peer-session.mjs';

const peer = await startPeer({ after });
const GET_SESSION = '/api/auth/get-session';

const json = (status, body, headers) => () => Response.json(body, { status, headers });
const refusal = (status, code) => json(status, { code, message: 'no' });
const text = (status, body, type, headers = {}) => {
  return () => new Response(body, { status, headers: { 'content-type': type, ...headers } });
};

const OVER = {
  'get-session answers 200 null': async ({ session, person }) => {
    await peer.revokeAll(person.email);
    await session.refresh();
  },
  'the session has come to its end': async ({ session, person }) => {
    await peer.changeSessions(person.email, { expiresAt: new Date(Date.now() - 1000) });
    await session.refresh();
  },
  'the account is gone': async ({ session, person }) => {
    const { internalAdapter } = await peer.context();
    const { id } = await peer.userOf(person.email);
    await internalAdapter.deleteUserSessions(id);
    await internalAdapter.deleteUser(id);
    await session.refresh();
  },
  "401 from the application's API, and get-session says null": async ({ session, person }) => {
    await peer.revokeAll(person.email);
    assert.equal((await session.fetch(`${peer.url}/api/profile`)).status, 401);
  },
  "401 from a route of the page's client, and get-session says null": async ({ session, person }) => {
    await peer.revokeAll(person.email);
    assert.equal((await clientOf(session, peer).get('/list-sessions')).status, 401);
  },
  "null for the page's client": async ({ session, person }) => {
    await peer.revokeAll(person.email);
    assert.equal((await clientOf(session, peer).get('/get-session')).json, null);
  },
};

for (const [what, end] of Object.entries(OVER)) {
  test(`over: ${what}`, async (t) => {
    const entry = await entered(t, peer);
    const { session, person } = entry;
    await end(entry);
    const { state, reason, user } = session.state();
    assert.deepEqual(
      [state, reason, user.email],
      ['expired', 'ended', person.email],
      'the person is still known',
    );
    await rejects('ERR_SESSION_EXPIRED', () => session.accessToken());
  });
}

const NOT_OVER = {
  '401 FAILED_TO_GET_SESSION': [refusal(401, 'FAILED_TO_GET_SESSION'), 'ERR_UNEXPECTED_RESPONSE'],
  '401 UNAUTHORIZED, from something before the server': [
    refusal(401, 'UNAUTHORIZED'),
    'ERR_UNEXPECTED_RESPONSE',
  ],
  '403 SESSION_NOT_FRESH': [refusal(403, 'SESSION_NOT_FRESH'), 'ERR_UNEXPECTED_RESPONSE'],
  '403 MISSING_OR_NULL_ORIGIN': [refusal(403, 'MISSING_OR_NULL_ORIGIN'), 'ERR_UNEXPECTED_RESPONSE'],
  '403 INVALID_ORIGIN': [refusal(403, 'INVALID_ORIGIN'), 'ERR_UNEXPECTED_RESPONSE'],
  '403 EMAIL_NOT_VERIFIED': [refusal(403, 'EMAIL_NOT_VERIFIED'), 'ERR_UNEXPECTED_RESPONSE'],
  '403 of a firewall': [text(403, '<h1>Blocked</h1>', 'text/html'), 'ERR_UNEXPECTED_RESPONSE'],
  404: [text(404, '', 'text/plain'), 'ERR_UNEXPECTED_RESPONSE'],
  405: [refusal(405, 'METHOD_NOT_ALLOWED'), 'ERR_UNEXPECTED_RESPONSE'],
  '429 as the server says it': [
    json(429, { message: 'Too many requests.' }, { 'x-retry-after': '7' }),
    'ERR_RATE_LIMITED',
  ],
  '429 in plain text with X-Retry-After': [
    text(429, 'Too many requests', 'text/plain', { 'x-retry-after': '7' }),
    'ERR_RATE_LIMITED',
  ],
  500: [refusal(500, 'INTERNAL_SERVER_ERROR'), 'ERR_SERVER'],
  '502 of a proxy': [text(502, '<h1>Bad Gateway</h1>', 'text/html'), 'ERR_SERVER'],
  503: [text(503, 'null', 'application/json'), 'ERR_SERVER'],
  'a page of a network that wants a sign-in of its own': [
    text(200, '<h1>Welcome to our Wi-Fi</h1>', 'text/html'),
    'ERR_UNEXPECTED_RESPONSE',
  ],
  '200 and nothing': [text(200, '', 'application/json'), 'ERR_UNEXPECTED_RESPONSE'],
  '200 and half a session': [json(200, { session: {} }), 'ERR_UNEXPECTED_RESPONSE'],
  '200 and the word null': [json(200, 'null'), 'ERR_UNEXPECTED_RESPONSE'],
  204: [() => new Response(null, { status: 204 }), 'ERR_UNEXPECTED_RESPONSE'],
  'a connection that is cut': [() => null, 'ERR_NETWORK'],
};

for (const [what, [answer, code]] of Object.entries(NOT_OVER)) {
  test(`not over: get-session answers ${what}`, async (t) => {
    const { session, person } = await entered(t, peer);
    const before = await session.accessToken();
    t.after(() => peer.interfere('', () => undefined));
    peer.interfere(GET_SESSION, answer);
    const error = await rejects(code, () => session.refresh());
    if (code === 'ERR_RATE_LIMITED') assert.equal(error.retryAfterMs, 7000);
    assert.deepEqual([session.state().state, session.state().user.email], ['offline', person.email]);
    assert.equal(await session.accessToken(), before, 'the token is served to its end');
    peer.interfere('', () => undefined);
    await session.refresh();
    await became(session, { state: 'active' });
    assert.equal(await session.accessToken(), before);
    await assertIn(session, peer, person);
  });
}

const REFUSED_ELSEWHERE = {
  "401 from the application's API": ['/api/profile', refusal(401, 'UNAUTHORIZED')],
  "403 from the application's API": ['/api/profile', refusal(403, 'FORBIDDEN')],
  '401 from another route of the server': ['/api/auth/list-sessions', refusal(401, 'UNAUTHORIZED')],
  '403 SESSION_NOT_FRESH from another route': ['/api/auth/list-sessions', refusal(403, 'SESSION_NOT_FRESH')],
  '403 MISSING_OR_NULL_ORIGIN from another route': [
    '/api/auth/list-sessions',
    refusal(403, 'MISSING_OR_NULL_ORIGIN'),
  ],
  '403 EMAIL_NOT_VERIFIED from another route': [
    '/api/auth/list-sessions',
    refusal(403, 'EMAIL_NOT_VERIFIED'),
  ],
  '429 from another route': ['/api/auth/list-sessions', text(429, 'no', 'text/plain')],
};

for (const [what, [path, answer]] of Object.entries(REFUSED_ELSEWHERE)) {
  test(`not over: ${what}, and get-session says that it goes on`, async (t) => {
    const { session, person } = await entered(t, peer);
    const before = await session.accessToken();
    peer.answerOnce(path, answer);
    const { status } = await session.fetch(peer.url + path);
    assert.equal(status, answer().status, 'the caller gets the answer');
    assert.equal(session.state().state, 'active');
    assert.equal(await session.accessToken(), before);
    await assertIn(session, peer, person);
  });
}
