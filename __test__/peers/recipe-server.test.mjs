// The recipe's server that the session tests rest on: sign-in, refresh tokens of one use, sign-out.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { FaultProxy } from './fault-proxy.mjs';
import { PASSWORD, RecipeServer } from './recipe-server.mjs';

async function post(url, body) {
  const headers = { 'content-type': 'application/json' };
  const answer = await fetch(url, { method: 'POST', headers, body: JSON.stringify(body) });
  return { status: answer.status, ...(await answer.json()) };
}

const refresh = (server, refreshToken) => post(server.provider.refreshUrl, { refreshToken });

async function profile(server, accessToken) {
  const answer = await fetch(server.resource, { headers: { authorization: `Bearer ${accessToken}` } });
  return { status: answer.status, ...(await answer.json()) };
}

test('a password gives tokens and a user, a wrong one does not', async (t) => {
  const server = await RecipeServer.start(t);
  const { signInUrl } = server.provider;
  const answer = await post(signInUrl, { email: 'ada@example.com', password: PASSWORD });
  assert.deepEqual([answer.status, answer.expiresIn, answer.user.email], [200, 3, 'ada@example.com']);
  assert.deepEqual((await profile(server, answer.accessToken)).user, answer.user);
  assert.equal((await post(signInUrl, { email: 'ada@example.com', password: 'wrong' })).status, 401);
  assert.equal((await profile(server, 'forged')).status, 401);
  assert.equal((await fetch(signInUrl, { method: 'POST', body: 'no JSON' })).status, 401);
  assert.equal((await fetch(`${server.url}/elsewhere`)).status, 404);
});

test('a refresh rotates; a spent token that comes again ends the session', async (t) => {
  const server = await RecipeServer.start(t);
  const tokens = await server.signIn();
  const second = await refresh(server, tokens.refreshToken);
  const third = await refresh(server, second.refreshToken);
  assert.deepEqual([second.status, third.status, second.user], [200, 200, undefined]);
  assert.equal((await profile(server, third.accessToken)).status, 200);
  assert.equal(server.isAlive(tokens), true);
  assert.equal((await refresh(server, tokens.refreshToken)).status, 401);
  assert.equal(server.isAlive(third), false);
  assert.equal((await profile(server, third.accessToken)).status, 401);
  assert.equal((await refresh(server, third.refreshToken)).status, 401);
  assert.deepEqual(server.counts, { refreshes: 4, granted: 2, refused: 2, reuses: 1, signOuts: 0 });
  assert.equal(server.grantedAtMs.length, 2);
});

test('a refresh token that is good for many uses is not given out again', async (t) => {
  const server = await RecipeServer.start(t, { singleUse: false });
  const tokens = await server.signIn();
  for (let round = 0; round < 3; round++) {
    const answer = await refresh(server, tokens.refreshToken);
    assert.deepEqual([answer.status, answer.refreshToken], [200, undefined]);
    assert.equal((await profile(server, answer.accessToken)).status, 200);
  }
  assert.deepEqual([server.counts.reuses, server.isAlive(tokens)], [0, true]);
});

test('signing out, and an administrator, end a session', async (t) => {
  const server = await RecipeServer.start(t);
  const [left, banned] = [await server.signIn(), await server.signIn()];
  const { signOutUrl } = server.provider;
  assert.equal((await post(signOutUrl, { refreshToken: left.refreshToken })).success, true);
  server.revoke(banned);
  for (const tokens of [left, banned]) {
    assert.equal(server.isAlive(tokens), false);
    assert.equal((await profile(server, tokens.accessToken)).status, 401);
    assert.equal((await refresh(server, tokens.refreshToken)).status, 401);
  }
  assert.deepEqual([server.counts.signOuts, server.counts.reuses], [1, 0]);
});

test('an access token lives as long as is said: in the answer, in the token, or not at all', async (t) => {
  const claims = (token) => JSON.parse(Buffer.from(token.split('.')[1], 'base64url'));
  const inAnswer = await RecipeServer.start(t, { accessTokenSeconds: 1 });
  const { accessToken } = await inAnswer.signIn();
  assert.equal((await profile(inAnswer, accessToken)).status, 200);
  await setTimeout(1000);
  assert.equal((await profile(inAnswer, accessToken)).status, 401);

  const inToken = await RecipeServer.start(t, { lifetime: 'jwt' });
  const signedIn = await post(inToken.provider.signInUrl, { email: 'ada@example.com', password: PASSWORD });
  const { iat, exp } = claims(signedIn.accessToken);
  assert.deepEqual([Math.round((exp - iat) * 1000), signedIn.expiresIn], [3000, undefined]);
  assert.equal((await profile(inToken, signedIn.accessToken)).status, 200);

  const unsaid = await RecipeServer.start(t, { lifetime: 'unsaid' });
  const { refreshToken } = await unsaid.signIn();
  assert.deepEqual(Object.keys(await refresh(unsaid, refreshToken)), [
    'status',
    'accessToken',
    'refreshToken',
  ]);
});

test("with a shifted clock the server's Date and its tokens agree", async (t) => {
  const server = await RecipeServer.start(t, { clockShiftMs: 3_600_000, lifetime: 'jwt' });
  const { accessToken } = await server.signIn();
  const answer = await fetch(server.resource, { headers: { authorization: `Bearer ${accessToken}` } });
  assert.equal(answer.status, 200);
  const aheadMs = () => Date.parse(answer.headers.get('date')) - Date.now();
  assert.ok(Math.abs(aheadMs() - 3_600_000) < 5000, `${aheadMs()} ms ahead`);
  const { iat } = JSON.parse(Buffer.from(accessToken.split('.')[1], 'base64url'));
  assert.ok(Math.abs(iat * 1000 - Date.now() - 3_600_000) < 5000);
  server.shiftClock(-3_600_000);
  const behind = await fetch(server.resource);
  assert.ok(Date.parse(behind.headers.get('date')) < Date.now());
});

test('behind a proxy its clients are given the address of the proxy', async (t) => {
  const proxy = await FaultProxy.start(t);
  const server = await RecipeServer.start(t, { behind: proxy });
  const { refreshToken } = await server.signIn();
  assert.ok(server.provider.refreshUrl.startsWith(proxy.url));
  assert.equal((await refresh(server, refreshToken)).status, 200);
  assert.equal(proxy.seen(server.refreshPath), 1);
});
