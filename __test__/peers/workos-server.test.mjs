// The WorkOS that the session tests rest on: the vendor's emulator, and each place where it is made to answer as the
// service does.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { CHALLENGES, CLIENT_ID, REDIRECT_URI, WorkOsServer } from './workos-server.mjs';

async function post(server, path, body) {
  const answer = await fetch(`${server.url}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ client_id: CLIENT_ID, ...body }),
  });
  return { status: answer.status, ...(await answer.json()) };
}

const refresh = (server, refreshToken, organizationId) =>
  post(server, '/user_management/authenticate', {
    grant_type: 'refresh_token',
    refresh_token: refreshToken,
    ...(organizationId ? { organization_id: organizationId } : {}),
  });

const claimsOf = (token) => JSON.parse(Buffer.from(token.split('.')[1], 'base64url').toString());

async function resource(server, accessToken) {
  const answer = await fetch(server.resource, { headers: { authorization: `Bearer ${accessToken}` } });
  return { status: answer.status, ...(await answer.json()) };
}

test('the browser comes back to the private scheme with a code, and the resource knows whose the tokens are', async (t) => {
  const server = await WorkOsServer.start(t);
  const user = server.addUser({ email: 'ada@example.com' });
  const tokens = await server.signIn(user);
  assert.deepEqual(tokens.user, {
    id: user.id,
    email: 'ada@example.com',
    name: 'Ada Lovelace',
    image: null,
    emailVerified: true,
  });
  assert.deepEqual((await resource(server, tokens.accessToken)).user, { email: 'ada@example.com' });
  assert.equal((await resource(server, 'forged')).status, 401);
  const { exp, iat, sid, jti, org_id } = claimsOf(tokens.accessToken);
  assert.equal(exp - iat, 3);
  assert.equal(typeof sid, 'string');
  assert.equal(typeof jti, 'string');
  assert.equal(org_id, undefined);
});

test('a redirect URI that is not registered gets no code', async (t) => {
  const server = await WorkOsServer.start(t);
  const { email } = server.addUser();
  const at = (redirectUri) =>
    fetch(
      `${server.url}/user_management/authorize?${new URLSearchParams({
        client_id: CLIENT_ID,
        redirect_uri: redirectUri,
        response_type: 'code',
        provider: 'authkit',
        login_hint: email,
        state: 'a state',
      })}`,
      { redirect: 'manual' },
    );
  assert.equal((await at('com.example.other://callback')).status, 400);
  const good = await at(REDIRECT_URI);
  assert.equal(good.status, 302);
  assert.match(
    good.headers.get('location'),
    /^com\.example\.latchkey:\/\/callback\?code=[^&]+&state=a\+state$/,
  );
  assert.equal((await at('http://127.0.0.1:4711/callback')).status, 302, 'the loopback address on any port');
});

test('a refresh rotates within one session, and a used token is refused in the words of OAuth', async (t) => {
  const server = await WorkOsServer.start(t);
  const first = await server.signIn();
  const second = await refresh(server, first.refreshToken);
  const third = await refresh(server, second.refresh_token);
  const sids = [first.accessToken, second.access_token, third.access_token].map(
    (token) => claimsOf(token).sid,
  );
  assert.equal(new Set(sids).size, 1);
  const again = await refresh(server, first.refreshToken);
  assert.deepEqual([again.status, again.error, again.code], [400, 'invalid_grant', undefined]);
  assert.deepEqual(server.counts, { refreshes: 3, granted: 2, refused: 1, reuses: 1 });
  assert.equal(server.isAlive(first), true);
});

test('a session that was ended is not refreshed', async (t) => {
  const server = await WorkOsServer.start(t);
  const person = await server.signIn();
  server.revoke(person);
  const { status, error } = await refresh(server, person.refreshToken);
  assert.deepEqual([status, error, server.isAlive(person)], [400, 'invalid_grant', false]);
});

test('an organization is switched to by a refresh, stays, and is closed to those who are no members', async (t) => {
  const server = await WorkOsServer.start(t, { claims: { permissions: ['read'], feature_flags: ['new'] } });
  const user = server.addUser();
  const [open, closed] = ['Open', 'Closed'].map((name) => server.admin.addOrganization(name));
  server.admin.addMember(open, user, 'owner');
  const person = await server.signIn(user);
  const refused = await refresh(server, person.refreshToken, closed.id);
  assert.deepEqual([refused.status, refused.error], [400, 'organization_membership_not_found']);
  const switched = await refresh(server, person.refreshToken, open.id);
  assert.equal(switched.organization_id, open.id);
  const { org_id, role, roles, permissions, feature_flags } = claimsOf(switched.access_token);
  assert.deepEqual([org_id, role, roles], [open.id, 'owner', ['owner']]);
  assert.deepEqual([permissions, feature_flags], [['read'], ['new']]);
  const later = await refresh(server, switched.refresh_token);
  assert.equal(later.organization_id, open.id, 'as of July 2025 a refresh remembers');
});

test('a device waits until its person has agreed', async (t) => {
  const server = await WorkOsServer.start(t);
  const user = server.addUser();
  const started = await post(server, '/user_management/authorize/device', {});
  assert.equal(started.verification_uri_complete, `${server.url}/device?user_code=${started.user_code}`);
  const poll = () =>
    post(server, '/user_management/authenticate', {
      grant_type: 'urn:ietf:params:oauth:grant-type:device_code',
      device_code: started.device_code,
    });
  assert.equal((await poll()).error, 'authorization_pending');
  server.admin.approveDevice(started.user_code, user);
  assert.equal((await poll()).user.id, user.id);
});

test('an access token ends when it says', async (t) => {
  const server = await WorkOsServer.start(t, { accessTokenSeconds: 1 });
  const { accessToken } = await server.signIn();
  assert.equal((await resource(server, accessToken)).status, 200);
  const { exp } = claimsOf(accessToken);
  await setTimeout((exp + 1) * 1000 - Date.now() + 20);
  assert.equal((await resource(server, accessToken)).status, 401);
});

test('a challenge is answered in place of the emulator, and spends nothing', async (t) => {
  const server = await WorkOsServer.start(t);
  const person = await server.signIn();
  server.answerWith(CHALLENGES.mfaEnrollment);
  const challenged = await refresh(server, person.refreshToken);
  assert.deepEqual([challenged.status, challenged.code], [403, 'mfa_enrollment']);
  assert.equal((await refresh(server, person.refreshToken)).status, 200);
  assert.equal(server.counts.reuses, 0);
});

test('every request is on record, whole', async (t) => {
  const server = await WorkOsServer.start(t);
  await server.signIn();
  const [authorize, exchange] = server.requests;
  assert.deepEqual([authorize.method, authorize.path], ['GET', '/user_management/authorize']);
  assert.equal(authorize.query.code_challenge_method, 'S256');
  assert.equal(exchange.body.grant_type, 'authorization_code');
  assert.equal(exchange.headers['content-type'], 'application/json');
});
