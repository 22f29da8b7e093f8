// What a session tells of its refreshes: which there were, how many waited for each, and what came of it.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { rejects } from './addon.mjs';
import { assertHeard, openSession, reached, signedUp, startServer } from './auth-server.mjs';
import { entered, tokenIsOver } from './peer-session.mjs';
import { FaultProxy } from './peers/fault-proxy.mjs';
import { RecipeServer } from './peers/recipe-server.mjs';

const server = await startServer({ after });

/** Waits until the newest refresh has ended. */
async function landed(session) {
  while (session.refreshes().at(-1)?.endedAtMs === null) await new Promise(setImmediate);
  return session.refreshes();
}

test('all calls that wait for one refresh are counted in it, those of one tick too', async (t) => {
  const proxy = await FaultProxy.start(t);
  const peer = await RecipeServer.start(t, { behind: proxy });
  const { session } = await entered(t, peer);
  const before = session.state();
  assert.ok(before.expiresAtMs > Date.now());
  assert.deepEqual(session.refreshes(), []);
  const heard = [];
  session.onRefresh((refresh) => heard.push(refresh));

  await tokenIsOver(before.expiresAtMs);
  proxy.delay(peer.refreshPath, () => ({ beforeMs: 500, afterMs: 0 }));
  const calls = Array.from({ length: 100 }, () => session.accessToken());
  calls.push(session.refresh(), session.fetch(peer.resource));
  await Promise.all(calls);

  const [refresh, ...others] = await landed(session);
  assert.deepEqual(others, []);
  const { startedAtMs, endedAtMs, ...rest } = refresh;
  assert.deepEqual(rest, {
    number: 1,
    waiters: 102,
    outcome: 'renewed',
    code: null,
    tokenExpiresAtMs: session.state().expiresAtMs,
  });
  assert.ok(startedAtMs <= endedAtMs && endedAtMs <= Date.now());
  assert.ok(rest.tokenExpiresAtMs > before.expiresAtMs);
  const begun = { endedAtMs: null, waiters: 0, outcome: null, tokenExpiresAtMs: before.expiresAtMs };
  await assertHeard(heard, [{ ...refresh, ...begun }, refresh]);
});

test('a server that says that the token at hand goes on has confirmed it', async (t) => {
  const { session } = await signedUp(t, server);
  await session.refresh();
  const { outcome, code, waiters, tokenExpiresAtMs } = session.refreshes().at(-1);
  assert.deepEqual([outcome, code, waiters], ['confirmed', null, 1]);
  assert.equal(tokenExpiresAtMs, session.state().expiresAtMs, 'the token is the session');
});

test('a refresh that fails says how and with which code, and the next one has the next number', async (t) => {
  const { session } = await signedUp(t, server);
  t.after(() => server.mode('up'));
  await session.refresh();
  const before = session.refreshes().at(-1).number;
  await server.mode('error500');
  await rejects('ERR_SERVER', () => session.refresh());
  const failed = session.refreshes().at(-1);
  assert.deepEqual([failed.outcome, failed.code, failed.number], ['offline', 'ERR_SERVER', before + 1]);
  await server.mode('up');
  await reached(session, 'active');
  assert.deepEqual((await landed(session)).at(-1).outcome, 'confirmed');
});

test('signed out there is no token, and no refresh', async (t) => {
  const session = await openSession(t, server);
  assert.equal(session.state().expiresAtMs, null);
  await rejects('ERR_NOT_SIGNED_IN', () => session.refresh());
  assert.deepEqual(session.refreshes(), []);
});

test('a listener that was taken off hears no refresh, and one must be a function', async (t) => {
  const { session } = await signedUp(t, server);
  const heard = [];
  const stop = session.onRefresh((refresh) => heard.push(refresh));
  stop();
  await session.refresh();
  await assertHeard(heard, []);
  assert.throws(() => session.onRefresh(1), { code: 'ERR_INVALID_ARGUMENT' });
});
