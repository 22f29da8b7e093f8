// What becomes of a session when a refresh fails, in each way that networks and servers have: a refresh token that is good
// for one use and may be spent is never sent again by itself, and everything else comes back by itself. No fault loses a
// token that was good, and none leaves a caller waiting.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { rejects } from './addon.mjs';
import { restarting } from './auth-server.mjs';
import { startChild } from './child.mjs';
import {
  assertLetIn,
  became,
  endedOnServer,
  entered,
  openedAgain,
  outcome,
  PEERS,
  SINGLE_USE,
  tokenIsOver,
} from './peer-session.mjs';
import { FaultProxy } from './peers/fault-proxy.mjs';
import { RecipeServer } from './peers/recipe-server.mjs';

const RATE_LIMIT_S = 2;
const HANG_DEADLINE_MS = 35_000;
const DEADLINE_MS = 5000;
/** Rows wait far more than they work. */
const concurrency = 6;

/** How a refresh fails by each fault: with which code, and of what kind the trouble is. */
const FAULTS = {
  refuse: ['ERR_NETWORK', 'network'],
  drop: ['ERR_NETWORK', 'network'],
  lost: ['ERR_NETWORK', 'network'],
  hang: ['ERR_TIMEOUT', 'network'],
  truncated: ['ERR_NETWORK', 'network'],
  garbage: ['ERR_UNEXPECTED_RESPONSE', 'server'],
  empty200: ['ERR_UNEXPECTED_RESPONSE', 'server'],
  html200: ['ERR_UNEXPECTED_RESPONSE', 'server'],
  html502: ['ERR_SERVER', 'server'],
  503: ['ERR_SERVER', 'server'],
  429: ['ERR_RATE_LIMITED', 'rateLimited'],
};
/** After these the refresh token is certainly not spent: nothing was sent, or the server says that it did nothing. */
const CERTAIN = ['refuse', '503', '429'];

/** A server behind a proxy with somebody signed in; `restart` starts the application again. */
async function signedInApp(t, Peer, options) {
  const proxy = await FaultProxy.start(t);
  const server = await Peer.start(t, { behind: proxy, accessTokenSeconds: 4, ...options });
  const restarts = restarting(t);
  const restart = () => restarts(server, { provider: server.provider });
  const session = await restart();
  const who = await server.enter(session);
  const { user, expiresAtMs } = session.state();
  return { proxy, server, restart, session, who, user, expiresAtMs, token: await session.accessToken() };
}

/** Lets the next refresh fail under the eyes of 20 callers, who are answered in time; the token at hand goes on. */
async function failRefresh({ proxy, server, session }, mode, forward) {
  const match = server.refreshPath;
  const token = await session.accessToken();
  await proxy.fail(mode, { match, count: 1, forward, retryAfterSeconds: RATE_LIMIT_S });
  const startedAt = performance.now();
  const waiting = Array.from({ length: 20 }, () => outcome(session.refresh()));
  const servedMeanwhile = await session.accessToken();
  const outcomes = new Set(await Promise.all(waiting));
  const tookMs = performance.now() - startedAt;
  // On a busy machine the refresh may have failed before the last of them called: who then asks a server that is well again
  // is served, and the next ones are to fail together.
  if (outcomes.delete('done')) {
    assert.deepEqual(outcomes, new Set([FAULTS[mode][0]]));
    await failRefresh({ proxy, server, session }, mode, forward);
    return;
  }
  // Or finds a session in doubt.
  if (FAULTS[mode][0] !== 'ERR_REFRESH_UNANSWERED') outcomes.delete('ERR_REFRESH_UNANSWERED');
  assert.equal(servedMeanwhile, token, 'the token is served meanwhile');
  assert.deepEqual(outcomes, new Set([FAULTS[mode][0]]));
  assert.ok(tookMs < (mode === 'hang' ? HANG_DEADLINE_MS : DEADLINE_MS), `answered after ${tookMs} ms`);
  if (mode !== 'hang') assert.equal(await session.accessToken(), token, 'the token is served afterwards');
}

function assertOffline(session, { reason, user }) {
  const { state, retryAtMs, ...snapshot } = session.state();
  const expected = { state: 'offline', reason, user };
  assert.deepEqual({ state, reason: snapshot.reason, user: snapshot.user }, expected);
  return retryAtMs;
}

const comesBack = [
  ...SINGLE_USE.flatMap((kind) => CERTAIN.map((mode) => [kind, {}, mode])),
  ...Object.keys(FAULTS).flatMap((mode) => [
    ['oidc', { singleUse: false }, mode],
    ['token-endpoint', { singleUse: false }, mode],
    ['better-auth', {}, mode],
  ]),
];

describe('a refresh that fails', { concurrency: 4 }, () => {
  describe('a refresh token of one use that may be spent', { concurrency }, () => {
    for (const kind of SINGLE_USE) {
      for (const mode of Object.keys(FAULTS).filter((name) => !CERTAIN.includes(name))) {
        for (const forward of mode === 'drop' || mode === 'lost' ? [undefined] : [true, false]) {
          const isSpent = forward ?? mode === 'lost';
          const name = `${kind}, ${mode}, ${isSpent ? 'the server did it' : 'the server did nothing'}`;
          test(`${name}: unanswered, and not sent again`, async (t) => {
            const app = await signedInApp(t, PEERS[kind]);
            const { proxy, server, session, restart, user } = app;
            const sentBefore = proxy.seen(server.refreshPath);
            await failRefresh(app, mode, forward);
            assert.equal(assertOffline(session, { reason: 'unanswered', user }), null, 'no retry is due');

            await tokenIsOver(app.expiresAtMs);
            await rejects('ERR_REFRESH_UNANSWERED', () => session.accessToken());
            await rejects('ERR_REFRESH_UNANSWERED', () => session.refresh());
            await rejects('ERR_REFRESH_UNANSWERED', () => session.fetch(server.resource));
            assertOffline(session, { reason: 'unanswered', user });

            const again = await restart();
            await became(again, { state: 'offline', reason: 'unanswered' });
            assert.deepEqual(again.state().user, user);
            await rejects('ERR_REFRESH_UNANSWERED', () => again.accessToken());
            assert.equal(proxy.seen(server.refreshPath) - sentBefore, 1, 'sent once');
            assert.equal(await server.isAlive(app.who), true);

            // The person: who knows that the server did nothing tries again, who does not signs in.
            if (isSpent) await server.enter(again);
            else await again.refresh({ retryUnanswered: true });
            assert.equal(again.state().state, 'active');
            await assertLetIn(again, server);
            const afterwards = await restart();
            await became(afterwards, { state: 'active' });
            await assertLetIn(afterwards, server);
            assert.equal(server.counts.reuses, 0);
          });
        }
      }
    }
  });

  describe('a refresh that can be repeated', { concurrency }, () => {
    for (const [kind, options, mode] of comesBack) {
      const name = `${kind}${options.singleUse === false ? ' with tokens of many uses' : ''}, ${mode}`;
      const [, reason] = FAULTS[mode];
      test(`${name}: offline, and back by itself`, async (t) => {
        // Longer than anything here takes: a server that prolongs what it is asked about does not wait for ever.
        const app = await signedInApp(t, PEERS[kind], { accessTokenSeconds: 90, ...options });
        const { proxy, server, session, restart, user } = app;
        await failRefresh(app, mode);
        const waitMs = assertOffline(session, { reason, user }) - Date.now();
        // A refusal may come before the last of the callers calls, who then tries again at once: a second failure.
        const [least, most] = mode === '429' ? [1000 * (RATE_LIMIT_S - 1), 1000 * RATE_LIMIT_S] : [0, 2000];
        assert.ok(waitMs > least && waitMs <= most, `tries again in ${waitMs} ms`);
        if (mode === 'refuse') await proxy.heal();
        assert.equal((await became(session, { state: 'active' })).retryAtMs, null);
        await assertLetIn(session, server);

        // Without the server it starts offline, with its user; and goes on when the server is there.
        await proxy.fail('refuse');
        const again = await restart();
        assert.deepEqual(again.state().user, user, 'known at once');
        await became(again, { state: 'offline', reason: 'network' });
        assert.deepEqual(again.state().user, user);
        assert.equal(typeof (await again.accessToken()), 'string', 'its token is good for a while yet');
        await proxy.heal();
        await became(again, { state: 'active' });
        await assertLetIn(again, server);
        assert.deepEqual([server.counts.reuses, await server.isAlive(app.who)], [0, true]);
      });
    }
  });

  describe('an OpenID Connect server whose discovery document cannot be had', { concurrency }, () => {
    for (const mode of [
      'drop',
      'lost',
      'truncated',
      'garbage',
      'empty200',
      'html200',
      'html502',
      '503',
      '429',
    ]) {
      test(`${mode}: offline, no refresh token is sent, and back by itself`, async (t) => {
        const { proxy, server, session, token, user, who } = await signedInApp(t, PEERS.oidc);
        const match = '/.well-known/openid-configuration';
        await proxy.fail(mode, { match, count: 1, retryAfterSeconds: 1 });
        assert.notEqual(await outcome(session.refresh()), 'done');
        const { state, reason, retryAtMs, user: kept } = session.state();
        assert.deepEqual({ state, kept }, { state: 'offline', kept: user });
        assert.match(reason, /^(network|server|rateLimited)$/);
        assert.ok(retryAtMs > 0);
        assert.equal(await session.accessToken(), token);
        assert.equal(server.counts.refreshes, 0);
        await became(session, { state: 'active' });
        await assertLetIn(session, server);
        const { refreshes, reuses } = server.counts;
        assert.deepEqual([refreshes, reuses, await server.isAlive(who)], [1, 0, true]);
      });
    }
  });

  describe('who resolves what was not answered', { concurrency }, () => {
    for (const kind of SINGLE_USE) {
      test(`${kind}: a person who sends a spent token again has it from the server: the session is over`, async (t) => {
        const app = await signedInApp(t, PEERS[kind]);
        const { server, session, user } = app;
        await failRefresh(app, 'lost');
        await session.refresh({ retryUnanswered: true });
        const { state, reason, user: kept } = session.state();
        assert.deepEqual({ state, reason, kept }, { state: 'expired', reason: 'ended', kept: user });
        assert.equal(server.counts.reuses, 1);
        await server.enter(session);
        await assertLetIn(session, server);
      });

      test(`${kind}: a person who tries again is heard while others keep asking`, async (t) => {
        const app = await signedInApp(t, PEERS[kind]);
        const { server, session } = app;
        await failRefresh(app, 'drop');
        await tokenIsOver(app.expiresAtMs);
        const polling = setInterval(() => outcome(session.accessToken()), 1);
        try {
          await setTimeout(50);
          await session.refresh({ retryUnanswered: true });
        } finally {
          clearInterval(polling);
        }
        assert.equal(session.state().state, 'active');
        assert.deepEqual([server.counts.refreshes, server.counts.reuses], [1, 0]);
      });

      test(`${kind}: a person who tries again while the server is away is still not answered`, async (t) => {
        const app = await signedInApp(t, PEERS[kind]);
        const { proxy, server, session, user } = app;
        await failRefresh(app, 'drop');
        await proxy.fail('refuse');
        await rejects('ERR_NETWORK', () => session.refresh({ retryUnanswered: true }));
        assertOffline(session, { reason: 'unanswered', user });
        await proxy.heal();
        await setTimeout(1500);
        assert.equal(server.counts.refreshes, 0, 'nothing is repeated by itself');
        await session.refresh({ retryUnanswered: true });
        await assertLetIn(session, server);
        assert.equal(server.counts.reuses, 0);
      });

      test(`${kind}: what the person did in another process is taken over in this one`, async (t) => {
        const proxy = await FaultProxy.start(t);
        const server = await PEERS[kind].start(t, { behind: proxy });
        const { session, vaultOptions } = await entered(t, server);
        await proxy.fail('drop', { match: server.refreshPath, count: 1 });
        await rejects('ERR_NETWORK', () => session.refresh());
        assert.equal(session.state().reason, 'unanswered');
        const work = async ({ addon }, [options, provider]) => {
          const vault = await addon.Vault.open(options);
          const other = await addon.AuthSession.open({ vault, provider });
          while (other.state().state === 'restoring') await new Promise((resolve) => setTimeout(resolve, 5));
          const found = `${other.state().state} ${other.state().reason}`;
          await other.refresh({ retryUnanswered: true });
          return [found, other.state().state];
        };
        const child = startChild(t, work, [vaultOptions, server.provider]);
        assert.deepEqual(await child.result(), ['offline unanswered', 'active']);
        await became(session, { state: 'active', reason: 'elsewhere' });
        await assertLetIn(session, server);
        assert.deepEqual([server.counts.refreshes, server.counts.reuses], [1, 0]);
      });

      test(`${kind}: a process killed between the server's answer and the vault leaves it unanswered`, async (t) => {
        const proxy = await FaultProxy.start(t);
        const server = await PEERS[kind].start(t, { behind: proxy });
        const { session, vault, vaultOptions, who } = await entered(t, server);
        session.close();
        await vault.close();
        await proxy.fail('hang', { match: server.refreshPath });
        const work = async ({ addon }, [options, provider]) => {
          const opened = await addon.Vault.open(options);
          await (await addon.AuthSession.open({ vault: opened, provider })).refresh();
        };
        const child = startChild(t, work, [vaultOptions, server.provider]);
        const deadline = Date.now() + 10_000;
        while (server.counts.granted === 0) {
          assert.ok(Date.now() < deadline, 'the server was not asked');
          await setTimeout(5);
        }
        child.kill('SIGKILL');
        await child.exited;
        await proxy.heal();
        for (let start = 0; start < 3; start++) {
          const again = await openedAgain(t, server, vaultOptions);
          await became(again, { state: 'offline', reason: 'unanswered' });
        }
        assert.deepEqual([server.counts.refreshes, server.counts.reuses], [1, 0]);
        assert.equal(await server.isAlive(who), true);
      });
    }

    for (const kind of SINGLE_USE) {
      test(`${kind}: a token that lives on is served to its end, also after a restart`, async (t) => {
        const app = await signedInApp(t, PEERS[kind], { accessTokenSeconds: 90 });
        const { server, session, restart, token } = app;
        await failRefresh(app, 'lost');
        await rejects('ERR_REFRESH_UNANSWERED', () => session.refresh());
        await assertLetIn(session, server);
        const again = await restart();
        await became(again, { state: 'offline', reason: 'unanswered' });
        assert.equal(await again.accessToken(), token);
        await assertLetIn(again, server);
        await rejects('ERR_REFRESH_UNANSWERED', () => again.refresh());
        assert.equal(server.counts.refreshes, 1);
      });

      test(`${kind}: signing out ends what was not answered, here and on the server`, async (t) => {
        const app = await signedInApp(t, PEERS[kind]);
        const { server, session, restart, who } = app;
        await failRefresh(app, 'lost');
        await session.signOut();
        assert.deepEqual([session.state().state, session.state().user], ['signedOut', null]);
        await endedOnServer(server, who);
        const again = await restart();
        assert.deepEqual([again.state().state, again.state().user], ['signedOut', null]);
        assert.deepEqual([server.counts.refreshes, server.counts.reuses], [1, 0]);
        await server.enter(again);
        await again.refresh();
        await assertLetIn(again, server);
      });
    }

    test('a token without a known end is served on while the refresh is unanswered', async (t) => {
      const app = await signedInApp(t, RecipeServer, { lifetime: 'unsaid' });
      const { session, server, proxy } = app;
      await session.refresh();
      assert.equal(session.state().expiresAtMs, null);
      await proxy.fail('lost', { match: server.refreshPath, count: 1 });
      await rejects('ERR_NETWORK', () => session.refresh());
      assertOffline(session, { reason: 'unanswered', user: app.user });
      await assertLetIn(session, server);
      assert.deepEqual([server.counts.refreshes, server.counts.reuses], [2, 0]);
    });
  });
});
