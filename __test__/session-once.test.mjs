// However many callers there are, and however they come: one refresh for each token, and nobody is turned away.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import {
  assertLetIn,
  assertOncePerExpiry,
  became,
  EITHER_USE,
  entered,
  LIFETIME_MS,
  LONG,
  openedAgain,
  outcome,
  PEERS,
  SERVED_MS,
} from './peer-session.mjs';
import { FaultProxy } from './peers/fault-proxy.mjs';
import { RecipeServer } from './peers/recipe-server.mjs';

const STORM_MS = LONG ? 30_000 : 6000;

/** The token is still alive then, but not for long enough to be sent. */
const tokenIsDue = () => setTimeout(SERVED_MS + 200);

for (const [kind, Peer] of Object.entries(PEERS)) {
  test(`${kind}: 1,000 callers at once on a token that is due cause one refresh`, async (t) => {
    const server = await Peer.start(t);
    const { session, who } = await entered(t, server);
    await tokenIsDue();
    const before = server.counts.refreshes;
    const tokens = await Promise.all(Array.from({ length: 1000 }, () => session.accessToken()));
    assert.equal(server.counts.refreshes - before, 1);
    assert.equal(new Set(tokens).size, 1, 'all have the same token');
    await assertLetIn(session, server);
    assert.deepEqual([server.counts.reuses, await server.isAlive(who)], [0, true]);
  });

  test(`${kind}: 100 requests at once on a token that is due cause one refresh, and all are let in`, async (t) => {
    const server = await Peer.start(t);
    const { session } = await entered(t, server);
    await tokenIsDue();
    const before = server.counts.refreshes;
    const answers = await Promise.all(Array.from({ length: 100 }, () => session.fetch(server.resource)));
    assert.equal(server.counts.refreshes - before, 1);
    assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([200]));
  });

  test(`${kind}: 40 callers every 20 ms for ${STORM_MS / 1000} s: one refresh for each expiry, and none is turned away`, async (t) => {
    const server = await Peer.start(t);
    const { session, who } = await entered(t, server);
    const outcomes = [];
    const statuses = [];
    const startedAtMs = Date.now();
    while (Date.now() < startedAtMs + STORM_MS) {
      for (let caller = 0; caller < 40; caller++) outcomes.push(outcome(session.accessToken()));
      statuses.push(session.fetch(server.resource).then(({ status }) => status));
      await setTimeout(20);
    }
    assert.deepEqual(new Set(await Promise.all(outcomes)), new Set(['done']));
    assert.deepEqual(new Set(await Promise.all(statuses)), new Set([200]));
    assertOncePerExpiry(server, startedAtMs, STORM_MS);
    t.diagnostic(`${outcomes.length} callers, ${server.counts.refreshes} refreshes`);
    assert.deepEqual([session.state().state, await server.isAlive(who)], ['active', true]);
  });
}

test('callers who come while a refresh is under way wait for it, and cause no other', async (t) => {
  const proxy = await FaultProxy.start(t);
  const server = await RecipeServer.start(t, { behind: proxy });
  const { session } = await entered(t, server);
  proxy.delay(server.refreshPath, () => ({ beforeMs: 150, afterMs: 150 }));
  const calls = [];
  for (let wave = 0; wave < 10; wave++) {
    for (let caller = 0; caller < 20; caller++) calls.push(session.refresh());
    await setTimeout(25);
  }
  assert.equal(server.counts.refreshes, 1);
  assert.deepEqual(new Set((await Promise.all(calls)).map(({ reason }) => reason)), new Set(['refreshed']));
});

test('nobody calls: nothing is refreshed, and the next caller is served by one refresh', async (t) => {
  const server = await RecipeServer.start(t);
  const { session } = await entered(t, server);
  await setTimeout(2 * LIFETIME_MS);
  assert.equal(server.counts.refreshes, 0);
  assert.equal(session.state().state, 'active');
  await assertLetIn(session, server);
  assert.equal(server.counts.refreshes, 1);
});

test('a request that is given up leaves the refresh it waited for to the others', async (t) => {
  const proxy = await FaultProxy.start(t);
  const server = await RecipeServer.start(t, { behind: proxy });
  const { session } = await entered(t, server);
  await tokenIsDue();
  proxy.delay(server.refreshPath, () => ({ afterMs: 300 }));
  const givenUp = outcome(session.fetch(server.resource, { timeoutMs: 50 }));
  const others = Array.from({ length: 20 }, () => session.fetch(server.resource));
  assert.deepEqual(new Set((await Promise.all(others)).map(({ status }) => status)), new Set([200]));
  assert.equal(server.counts.refreshes, 1);
  assert.match(await givenUp, /^(done|ERR_TIMEOUT)$/);
});

test('a token whose end nobody knows is refreshed when it is refused, once for 50 requests', async (t) => {
  const server = await RecipeServer.start(t, { lifetime: 'unsaid' });
  const { session } = await entered(t, server);
  // The answer to a refresh says nothing of a lifetime either.
  await session.refresh();
  assert.equal(session.state().expiresAtMs, null);
  await setTimeout(LIFETIME_MS);
  const answers = await Promise.all(Array.from({ length: 50 }, () => session.fetch(server.resource)));
  assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([200]));
  assert.deepEqual([server.counts.refreshes, server.counts.reuses], [2, 0]);
});

for (const kind of EITHER_USE) {
  test(`${kind}: a refresh token that no new one replaces is used again, also after a restart`, async (t) => {
    const server = await PEERS[kind].start(t, { singleUse: false });
    const provider = { ...server.provider, refreshTokenReuse: false };
    const { session, vaultOptions } = await entered(t, server, { provider });
    for (let round = 1; round <= 3; round++) {
      await session.refresh();
      await assertLetIn(session, server);
      assert.equal(server.counts.granted, round);
    }
    session.close();
    const again = await openedAgain(t, server, vaultOptions, { provider });
    await became(again, { state: 'active', reason: 'restored' });
    assert.equal(server.counts.granted, 4);
  });
}

// Takes as long as such a token lives.
if (LONG) {
  test('a token that lives longer is refreshed ahead of its end, and served meanwhile', async (t) => {
    const proxy = await FaultProxy.start(t);
    const server = await RecipeServer.start(t, { behind: proxy, accessTokenSeconds: 60 });
    const { session } = await entered(t, server);
    const token = await session.accessToken();
    proxy.delay(server.refreshPath, () => ({ afterMs: 2000 }));
    const startedAtMs = Date.now();
    let longestMs = 0;
    while ((await session.accessToken()) === token) {
      const calledAt = performance.now();
      await session.accessToken();
      longestMs = Math.max(longestMs, performance.now() - calledAt);
      await setTimeout(50);
    }
    const servedMs = Date.now() - startedAtMs;
    assert.ok(servedMs > 40_000 && servedMs < 55_000, `served for ${servedMs} ms`);
    assert.ok(longestMs < 500, `a caller waited ${longestMs} ms`);
    assert.equal(server.counts.refreshes, 1);
    await assertLetIn(session, server);
  });
}

for (const [kind, Peer] of Object.entries(PEERS)) {
  test(`${kind}: a session that the server ended is over for all callers by one question`, async (t) => {
    const server = await Peer.start(t);
    const { session, who } = await entered(t, server);
    const { user } = session.state();
    await server.revoke(who);
    await tokenIsDue();
    const before = server.counts.refreshes;
    const outcomes = await Promise.all(Array.from({ length: 200 }, () => outcome(session.accessToken())));
    assert.deepEqual(new Set(outcomes), new Set(['ERR_SESSION_EXPIRED']));
    const expired = await became(session, { state: 'expired', reason: 'ended' });
    assert.deepEqual(expired.user, user);
    assert.equal(server.counts.refreshes - before, 1);
  });
}
