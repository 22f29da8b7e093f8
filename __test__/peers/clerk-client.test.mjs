// The fake Clerk is what the official client takes for Clerk.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OfficialClient } from './clerk-official-client.mjs';
import { ClerkServer, CODES, PASSWORD } from './clerk-server.mjs';

const claimsOf = (token) => JSON.parse(Buffer.from(token.split('.')[1], 'base64url'));

async function started(t, options) {
  const server = await ClerkServer.start(t, { accessTokenSeconds: 60, ...options });
  const client = await OfficialClient.start(t, server);
  assert.equal(await client.tell('load'), 0);
  return { server, client };
}

async function signedIn(t, { person: fields, ...options } = {}) {
  const { server, client } = await started(t, options);
  const person = server.addPerson(fields);
  const { status, createdSessionId } = await client.tell('password', person.email, PASSWORD);
  assert.equal(status, 'complete');
  assert.equal(await client.tell('activate'), createdSessionId);
  return { server, client, person, sessionId: createdSessionId };
}

test('the official client signs in with a password, renews, and signs out', async (t) => {
  const { server, client, sessionId } = await signedIn(t);
  const token = await client.tell('token', { skipCache: true });
  assert.equal(claimsOf(token).sid, sessionId);
  assert.equal(server.isAlive({ sessionId }), true);
  assert.equal(await client.tell('signOut'), null);
  assert.equal(server.isAlive({ sessionId }), false);
  assert.equal(server.instance.olderRotations, 0);
});

test('the official client hears a wrong password and a wrong code', async (t) => {
  const { server, client } = await started(t);
  const { email } = server.addPerson();
  assert.deepEqual(await client.tell('password', email, 'no'), {
    refused: 'form_password_incorrect',
    status: 422,
  });
  await client.tell('identify', email);
  await client.tell('prepareFirst', 'email_code');
  const refused = { refused: 'form_code_incorrect', status: 422 };
  assert.deepEqual(await client.tell('attemptFirst', 'email_code', '0'), refused);
  const { status } = await client.tell('attemptFirst', 'email_code', CODES.email_code);
  assert.equal(status, 'complete');
});

for (const strategy of ['totp', 'phone_code', 'backup_code']) {
  test(`the official client passes a second factor: ${strategy}`, async (t) => {
    const { server, client } = await started(t);
    const { email } = server.addPerson({ secondFactors: ['totp', 'phone_code', 'backup_code'] });
    assert.equal((await client.tell('password', email, PASSWORD)).status, 'needs_second_factor');
    if (strategy === 'phone_code') await client.tell('prepareSecond', strategy);
    assert.equal((await client.tell('attemptSecond', strategy, CODES[strategy])).status, 'complete');
  });
}

test('the official client signs in through a browser', async (t) => {
  const { server, client } = await started(t);
  const { email } = server.addPerson();
  client.browser = (url) => server.approveInBrowser(url, { email });
  const sessionId = await client.tell('oauth', 'oauth_google', 'https://app.example.test/sso-callback');
  assert.equal(server.isAlive({ sessionId }), true);
  assert.equal(server.instance.olderRotations, 0);
});

test('the official client switches organizations and takes a token of a template', async (t) => {
  const { client } = await signedIn(t, { person: { organizations: ['org_acme'] } });
  assert.equal(await client.tell('organization', 'org_acme'), 'org_acme');
  assert.equal(claimsOf(await client.tell('token', { skipCache: true })).o.id, 'org_acme');
  assert.equal(claimsOf(await client.tell('token', { template: 'hasura' })).template, 'hasura');
});

test('the official client proves its person anew', async (t) => {
  const { client, server } = await signedIn(t);
  assert.equal((await client.tell('verify', 'first_factor')).status, 'needs_first_factor');
  const password = { strategy: 'password', password: PASSWORD };
  assert.equal(await client.tell('verifyFirst', password), 'complete');
  assert.deepEqual(claimsOf(await client.tell('token', { skipCache: true })).fva, [0, -1]);
  assert.equal(server.instance.olderRotations, 0);
});

test('the official client shows its last token where the server asks for it', async (t) => {
  const { server, client } = await signedIn(t, { demandsExpiredToken: true });
  assert.equal(typeof (await client.tell('token', { skipCache: true })), 'string');
  const [first, second] = server.requests.slice(-2);
  assert.deepEqual([first.query.expired_token, typeof second.query.expired_token], [undefined, 'string']);
});

test('the official client takes a session that was revoked for over', async (t) => {
  const { server, client, sessionId } = await signedIn(t);
  server.revoke({ sessionId });
  await client.tell('token', { skipCache: true });
  assert.equal(await client.tell('session'), null);
});
