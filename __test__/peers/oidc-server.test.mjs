// The OpenID Connect server that the session tests rest on: it grants, rotates, and notices every refresh too many.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { FaultProxy } from './fault-proxy.mjs';
import { OidcServer } from './oidc-server.mjs';

async function refresh(server, refreshToken) {
  const { provider, url, refreshPath } = server;
  const answer = await fetch(`${url}${refreshPath}`, {
    method: 'POST',
    body: new URLSearchParams({
      grant_type: 'refresh_token',
      client_id: provider.clientId,
      refresh_token: refreshToken,
    }),
  });
  return { status: answer.status, ...(await answer.json()) };
}

async function resource(server, accessToken) {
  const answer = await fetch(server.resource, { headers: { authorization: `Bearer ${accessToken}` } });
  return { status: answer.status, ...(await answer.json()) };
}

test('the browser comes back with tokens, and the resource knows whose they are', async (t) => {
  const server = await OidcServer.start(t);
  const tokens = await server.signIn('ada');
  assert.equal(tokens.expiresInMs, 3000);
  assert.equal(tokens.idToken.split('.').length, 3);
  const ada = { id: 'ada', email: 'ada@example.com', name: 'ada', image: null, emailVerified: true };
  assert.deepEqual(tokens.user, ada);
  const { status, user } = await resource(server, tokens.accessToken);
  assert.deepEqual([status, user.email], [200, 'ada@example.com']);
  assert.equal((await resource(server, 'forged')).status, 401);
  assert.equal((await fetch(server.resource)).status, 401);
});

test('a refresh rotates, and the grant stands however often', async (t) => {
  const server = await OidcServer.start(t);
  const tokens = await server.signIn();
  let { refreshToken } = tokens;
  for (let round = 0; round < 3; round++) {
    const answer = await refresh(server, refreshToken);
    assert.equal(answer.status, 200);
    assert.notEqual(answer.refresh_token, refreshToken);
    assert.equal((await resource(server, answer.access_token)).status, 200);
    refreshToken = answer.refresh_token;
  }
  assert.equal(await server.isAlive(tokens), true);
  assert.deepEqual(server.counts, {
    refreshes: 3,
    granted: 3,
    invalidGrants: 0,
    reuses: 0,
    revocations: 0,
  });
  assert.equal(server.grantedAtMs.length, 3);
});

test('a refresh token that comes a second time kills the grant and all its tokens', async (t) => {
  const server = await OidcServer.start(t);
  const [tokens, others] = [await server.signIn(), await server.signIn()];
  const newer = await refresh(server, tokens.refreshToken);
  const again = await refresh(server, tokens.refreshToken);
  assert.deepEqual([again.status, again.error], [400, 'invalid_grant']);
  assert.equal(await server.isAlive(tokens), false);
  assert.equal((await resource(server, newer.access_token)).status, 401);
  assert.equal((await refresh(server, newer.refresh_token)).error, 'invalid_grant');
  assert.equal(await server.isAlive(others), true);
  const { refreshes, granted, invalidGrants, reuses } = server.counts;
  assert.deepEqual(
    { refreshes, granted, invalidGrants, reuses },
    { refreshes: 3, granted: 1, invalidGrants: 2, reuses: 1 },
  );
});

test('two refreshes with one token at the very same time are counted as a reuse', async (t) => {
  const server = await OidcServer.start(t);
  const { refreshToken } = await server.signIn();
  await Promise.all([refresh(server, refreshToken), refresh(server, refreshToken)]);
  assert.deepEqual([server.counts.refreshes, server.counts.reuses], [2, 1]);
});

test('a refresh token that is good for many uses stays the same', async (t) => {
  const server = await OidcServer.start(t, { singleUse: false });
  const tokens = await server.signIn();
  assert.equal(server.provider.refreshTokenReuse, true);
  for (let round = 0; round < 3; round++)
    assert.equal((await refresh(server, tokens.refreshToken)).refresh_token, tokens.refreshToken);
  assert.deepEqual([server.counts.reuses, await server.isAlive(tokens)], [0, true]);
});

test('an access token ends when it says, or up to a second before', async (t) => {
  const server = await OidcServer.start(t, { accessTokenSeconds: 2 });
  const { accessToken } = await server.signIn();
  assert.equal((await resource(server, accessToken)).status, 200);
  await setTimeout(2000);
  assert.equal((await resource(server, accessToken)).status, 401);
});

test('a revocation by the client, and one by an administrator, end the grant', async (t) => {
  const server = await OidcServer.start(t);
  const [left, banned] = [await server.signIn(), await server.signIn()];
  const { revocation_endpoint } = await (
    await fetch(`${server.url}/.well-known/openid-configuration`)
  ).json();
  const body = new URLSearchParams({ client_id: server.provider.clientId, token: left.refreshToken });
  assert.equal((await fetch(revocation_endpoint, { method: 'POST', body })).status, 200);
  await server.revoke(banned);
  for (const tokens of [left, banned]) {
    assert.equal(await server.isAlive(tokens), false);
    assert.equal((await resource(server, tokens.accessToken)).status, 401);
    assert.equal((await refresh(server, tokens.refreshToken)).error, 'invalid_grant');
  }
  assert.deepEqual([server.counts.revocations, server.counts.reuses], [1, 0]);
});

test('behind a proxy it is the issuer under the address of the proxy', async (t) => {
  const proxy = await FaultProxy.start(t);
  const server = await OidcServer.start(t, { behind: proxy });
  assert.equal(server.provider.issuer, proxy.url);
  const document = await (await fetch(`${proxy.url}/.well-known/openid-configuration`)).json();
  const { issuer, token_endpoint } = document;
  assert.deepEqual([issuer, token_endpoint], [proxy.url, `${proxy.url}${server.refreshPath}`]);
  const { refreshToken } = await server.signIn();
  assert.equal((await refresh(server, refreshToken)).status, 200);
  assert.equal(proxy.seen(server.refreshPath), 2, 'the code and the refresh');
});
