// A server whose clock is not the machine's: tokens are refreshed when they are due, neither in a storm nor too late.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { openSession } from './auth-server.mjs';
import { assertLetIn, assertOncePerExpiry, LONG, outcome } from './peer-session.mjs';
import { PASSWORD, RecipeServer } from './peers/recipe-server.mjs';

const HOUR_MS = 3_600_000;
const STORM_MS = LONG ? 30_000 : 6000;

/** Somebody signs in at the server itself, so that its first answer has its Date too. */
async function signedIn(t, server) {
  const session = await openSession(t, server, { provider: server.provider });
  await session.signIn({ method: 'password', email: 'ada@example.com', password: PASSWORD });
  return session;
}

/** 40 callers every 20 ms, and a request each time; none may be turned away. */
async function storm(session, server, durationMs) {
  const calls = [];
  const endsAtMs = Date.now() + durationMs;
  while (Date.now() < endsAtMs) {
    for (let caller = 0; caller < 40; caller++) calls.push(outcome(session.accessToken()));
    calls.push(session.fetch(server.resource).then(({ status }) => (status === 200 ? 'done' : status)));
    await setTimeout(20);
  }
  assert.deepEqual(new Set(await Promise.all(calls)), new Set(['done']));
}

for (const [name, clockShiftMs] of [
  ['an hour ahead', HOUR_MS],
  ['an hour behind', -HOUR_MS],
]) {
  for (const lifetime of ['expiresIn', 'jwt']) {
    test(`the server's clock ${name}, the lifetime from ${lifetime}: one refresh for each expiry`, async (t) => {
      const server = await RecipeServer.start(t, { clockShiftMs, lifetime });
      const session = await signedIn(t, server);
      const startedAtMs = Date.now();
      await storm(session, server, STORM_MS);
      assertOncePerExpiry(server, startedAtMs, STORM_MS);
      assert.equal(session.state().state, 'active');
    });
  }
}

test("the server's clock jumps back and forth: no storm, and no session ends", async (t) => {
  const server = await RecipeServer.start(t, { lifetime: 'jwt', accessTokenSeconds: 3 });
  const session = await signedIn(t, server);
  const states = [];
  session.onChange(({ state, reason }) => states.push(`${state} ${reason}`));
  for (const jumpMs of [HOUR_MS, -HOUR_MS, 24 * HOUR_MS, 0]) {
    server.shiftClock(jumpMs);
    const before = server.counts.refreshes;
    const calls = [];
    for (let round = 0; round < 50; round++) {
      for (let caller = 0; caller < 10; caller++) calls.push(outcome(session.accessToken()));
      await setTimeout(20);
    }
    assert.deepEqual(new Set(await Promise.all(calls)), new Set(['done']));
    // The server may have come to think that the token is over, which a request finds out.
    await assertLetIn(session, server);
    const refreshes = server.counts.refreshes - before;
    assert.ok(refreshes <= 2, `${refreshes} refreshes after a jump to ${jumpMs}`);
  }
  assert.deepEqual(
    states.filter((line) => line !== 'active refreshed'),
    [],
  );
  assert.equal(server.counts.reuses, 0);
});
