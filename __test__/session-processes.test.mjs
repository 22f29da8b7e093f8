// Several processes of one application, one session: a token is refreshed by one of them, and all go on with the new one.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { startChild } from './child.mjs';
import {
  assertLetIn,
  assertOncePerExpiry,
  became,
  endedOnServer,
  entered,
  LONG,
  outcome,
  PEERS,
} from './peer-session.mjs';
import { FaultProxy } from './peers/fault-proxy.mjs';

const PROCESSES = 4;
const CALLERS = 50;
const STORM_MS = LONG ? 30_000 : 7000;
const ROUNDS = LONG ? 200 : 20;

/** Opens the session and waits to be told; then has callers every 50 ms until the time is over. */
async function callThrough({ addon, say, hear }, { vaultOptions, provider, resource, callers, durationMs }) {
  const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
  const vault = await addon.Vault.open(vaultOptions);
  const session = await addon.AuthSession.open({ vault, provider });
  while (session.state().state === 'restoring') await pause(5);
  await say(session.state().state);
  await hear();
  const failed = {};
  const count = (what) => (failed[what] = (failed[what] ?? 0) + 1);
  const call = () => session.accessToken().catch((error) => count(error.code));
  const request = () =>
    session.fetch(resource).then(
      ({ status }) => status !== 200 && count(status),
      (error) => count(error.code),
    );
  const endsAtMs = Date.now() + durationMs;
  while (Date.now() < endsAtMs) {
    await Promise.all([...Array.from({ length: callers }, call), request()]);
    await pause(50);
  }
  await call();
  const { status } = await session.fetch(resource);
  return { failed, state: session.state().state, status };
}

for (const [kind, Peer] of Object.entries(PEERS)) {
  test(`${kind}: ${PROCESSES} processes with ${CALLERS} callers each cause one refresh for each expiry, and all are let in`, {
    timeout: 120_000,
  }, async (t) => {
    const server = await Peer.start(t);
    const { session, who, vaultOptions } = await entered(t, server);
    const { provider, resource } = server;
    const argument = { vaultOptions, provider, resource, callers: CALLERS, durationMs: STORM_MS };
    const children = Array.from({ length: PROCESSES }, () => startChild(t, callThrough, argument));
    for (const child of children) assert.equal(await child.heard(), 'active');
    const startedAtMs = Date.now();
    for (const child of children) child.tell('go');
    for (const child of children)
      assert.deepEqual(await child.result(), { failed: {}, state: 'active', status: 200 });
    assertOncePerExpiry(server, startedAtMs, STORM_MS);
    t.diagnostic(`${server.counts.refreshes} refreshes, those of the starts included`);
    assert.equal(await server.isAlive(who), true);
    await assertLetIn(session, server);
    assert.equal(session.state().state, 'active');
  });
}

/** Does what it is told, on its own session, and says what came of it. */
async function obey({ addon, say, hear }, { vaultOptions, provider, resource }) {
  const vault = await addon.Vault.open(vaultOptions);
  const session = await addon.AuthSession.open({ vault, provider });
  await say('ready');
  for (;;) {
    const order = await hear();
    try {
      if (order === 'fetch') await say((await session.fetch(resource)).status);
      else if (order === 'state') await say(session.state());
      else await say(await session[order]().then(() => 'done'));
    } catch (error) {
      await say(error.code);
    }
  }
}

/** A process that obeys, and a function that has it do something. */
async function startObedient(t, server, vaultOptions) {
  const { provider, resource } = server;
  const child = startChild(t, obey, { vaultOptions, provider, resource });
  assert.equal(await child.heard(), 'ready');
  return (order) => {
    child.tell(order);
    return child.heard();
  };
}

for (const [kind, Peer] of Object.entries(PEERS)) {
  test(`${kind}: what one process renewed the others use, and a sign-out there is one here`, {
    timeout: 60_000,
  }, async (t) => {
    const server = await Peer.start(t, { accessTokenSeconds: 60 });
    const { session, who, vaultOptions } = await entered(t, server);
    const other = await startObedient(t, server, vaultOptions);
    assert.equal(await other('fetch'), 200);
    const before = server.counts.refreshes;
    assert.equal(await other('refresh'), 'done');
    await assertLetIn(session, server);
    assert.equal(server.counts.refreshes - before, 1);
    await other('signOut');
    const left = await became(session, { state: 'signedOut', reason: 'elsewhere' });
    assert.equal(left.user, null);
    assert.equal(await outcome(session.accessToken()), 'ERR_NOT_SIGNED_IN');
    await endedOnServer(server, who);
    const next = await server.enter(session);
    assert.equal(await other('fetch'), 200);
    assert.equal((await other('state')).user.email, session.state().user.email);
    assert.equal(await server.isAlive(next), true);
    assert.equal(server.counts.reuses, 0);
  });

  test(`${kind}: a lock in one process holds in all, and so does the unlock`, {
    timeout: 60_000,
  }, async (t) => {
    const server = await Peer.start(t, { accessTokenSeconds: 60 });
    const { session, vaultOptions } = await entered(t, server);
    const other = await startObedient(t, server, vaultOptions);
    assert.equal(await other('lock'), 'done');
    assert.equal(await outcome(session.accessToken()), 'ERR_SESSION_LOCKED');
    assert.equal(await outcome(session.fetch(server.resource)), 'ERR_SESSION_LOCKED');
    await became(session, { state: 'locked' });
    await session.unlock();
    assert.equal(await other('fetch'), 200);
    await assertLetIn(session, server);
  });

  test(`${kind}: a sign-out that the server could not hear is told by the next process that can reach it`, {
    timeout: 60_000,
  }, async (t) => {
    const proxy = await FaultProxy.start(t);
    const server = await Peer.start(t, { accessTokenSeconds: 60, behind: proxy });
    const { session, who, vault, vaultOptions } = await entered(t, server);
    await proxy.fail('refuse');
    await session.signOut();
    assert.deepEqual([session.state().state, session.state().user], ['signedOut', null]);
    session.close();
    await vault.close();
    assert.equal(await server.isAlive(who), true);
    await proxy.heal();
    const other = await startObedient(t, server, vaultOptions);
    await endedOnServer(server, who);
    assert.equal((await other('state')).state, 'signedOut');
    assert.equal(server.counts.reuses, 0);
  });

  test(`${kind}: a sign-out beats the refresh of another process, ${ROUNDS} times`, {
    timeout: LONG ? 600_000 : 60_000,
  }, async (t) => {
    const proxy = await FaultProxy.start(t);
    const server = await Peer.start(t, { accessTokenSeconds: 60, behind: proxy });
    const { session, who, vaultOptions } = await entered(t, server);
    const other = await startObedient(t, server, vaultOptions);
    assert.equal(await other('fetch'), 200);
    const some = (ms) => Math.random() * ms;
    proxy.delay(server.refreshPath, () => ({ beforeMs: some(8), afterMs: some(8) }));
    const tally = {};
    let person = who;
    for (let round = 0; round < ROUNDS; round++) {
      const refreshing = other('refresh');
      await setTimeout(some(20));
      await session.signOut();
      const how = await refreshing;
      tally[how] = (tally[how] ?? 0) + 1;
      assert.match(how, /^(done|ERR_SUPERSEDED|ERR_NOT_SIGNED_IN)$/);
      assert.deepEqual([session.state().state, session.state().user], ['signedOut', null]);
      assert.equal(await other('accessToken'), 'ERR_NOT_SIGNED_IN');
      assert.equal((await other('state')).state, 'signedOut');
      await endedOnServer(server, person);
      person = await server.enter(session);
      assert.equal(await other('fetch'), 200);
    }
    t.diagnostic(JSON.stringify(tally));
    assert.equal(server.counts.reuses, 0);
  });
}

test('a sign-out never waits for one that the server could not hear', { timeout: 60_000 }, async (t) => {
  const proxy = await FaultProxy.start(t);
  const server = await PEERS['token-endpoint'].start(t, { accessTokenSeconds: 60, behind: proxy });
  const { session, who } = await entered(t, server);
  await proxy.fail('503', { match: new URL(server.provider.signOutUrl).pathname });
  await session.signOut();
  const second = await server.enter(session);
  const startedAt = performance.now();
  await session.signOut();
  const tookMs = performance.now() - startedAt;
  assert.ok(tookMs < 7000, `signed out after ${tookMs} ms`);
  assert.equal(session.state().state, 'signedOut');
  await proxy.heal();
  for (const person of [who, second]) await endedOnServer(server, person);
});

// Nobody waits for a frozen process longer than an exchange with a server can take, which is long for a test.
if (LONG) {
  test('a process that freezes while it refreshes holds the others up for a time only', {
    timeout: 120_000,
  }, async (t) => {
    const proxy = await FaultProxy.start(t);
    const server = await PEERS['token-endpoint'].start(t, { accessTokenSeconds: 300, behind: proxy });
    const { session, vaultOptions } = await entered(t, server);
    const { user } = session.state();
    const token = await session.accessToken();
    await proxy.fail('hang', { match: server.refreshPath });
    const { provider, resource } = server;
    const frozen = startChild(t, obey, { vaultOptions, provider, resource });
    while (server.counts.granted === 0) await setTimeout(5); // its start refreshes
    frozen.kill('SIGSTOP');
    await proxy.heal();
    assert.equal(await outcome(session.refresh()), 'ERR_VAULT_BUSY');
    const busy = session.state();
    assert.deepEqual([busy.state, busy.reason, busy.user], ['offline', 'busy', user]);
    assert.ok(busy.retryAtMs > 0);
    assert.equal(await session.accessToken(), token);
    frozen.kill('SIGKILL');
    await became(session, { state: 'offline', reason: 'unanswered' });
    assert.equal(await session.accessToken(), token);
    assert.deepEqual([server.counts.refreshes, server.counts.reuses], [1, 0]);
  });
}
