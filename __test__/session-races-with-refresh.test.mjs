// Signing out, changing the account and locking while a refresh is under way, at every moment of it: what the refresh
// brings never undoes what the person did.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { AuthSession, rejects } from './addon.mjs';
import { openSession } from './auth-server.mjs';
import { assertLetIn, became, endedOnServer, entered, LONG, outcome, PEERS } from './peer-session.mjs';
import { FaultProxy } from './peers/fault-proxy.mjs';
import { openVault } from './vault-folder.mjs';

/**
 * A browser has to sign in for each round with OpenID Connect, a password to be hashed with Better Auth, and the emulator of
 * WorkOS takes 1,000 requests a minute.
 */
const ROUNDS = LONG
  ? { oidc: 1000, 'token-endpoint': 1000, 'better-auth': 1000, workos: 200, clerk: 1000 }
  : { oidc: 30, 'token-endpoint': 100, 'better-auth': 15, workos: 30, clerk: 50 };
const timeout = LONG ? 1_800_000 : 120_000;

/** As long as a refresh takes at most on the slow servers here, and a bit. */
const REFRESH_MS = 14;

const some = (ms) => Math.random() * ms;

/** Somebody signed in on a server that takes its time to refresh, now before and now after it has done it. */
async function startSlow(t, Peer) {
  const proxy = await FaultProxy.start(t);
  const server = await Peer.start(t, { accessTokenSeconds: 60, behind: proxy });
  proxy.delay(server.refreshPath, () => ({ beforeMs: some(6), afterMs: some(6) }));
  return { proxy, server, ...(await entered(t, server)) };
}

/** Counts how the refreshes ended, so that a race that no longer is one shows. */
class Tally {
  #ends = {};

  add(end, allowed) {
    assert.ok(['done', ...allowed].includes(end), end);
    this.#ends[end] = (this.#ends[end] ?? 0) + 1;
  }

  report(t) {
    t.diagnostic(JSON.stringify(this.#ends));
  }

  /** Whether a refresh was under way when the person acted, at least once. */
  get wasARace() {
    return this.#ends.ERR_SUPERSEDED > 0;
  }
}

/** Asserts that whoever opens this vault now finds nobody signed in. */
async function assertNobodyIn(vault, { provider }) {
  const session = await AuthSession.open({ vault, provider });
  const { state, user } = session.state();
  session.close();
  assert.deepEqual({ state, user }, { state: 'signedOut', user: null });
}

for (const [kind, Peer] of Object.entries(PEERS)) {
  test(`${kind}: signing out during a refresh, ${ROUNDS[kind]} times: no token comes back`, {
    timeout,
  }, async (t) => {
    const { server, session, who, vaultOptions } = await startSlow(t, Peer);
    const elsewhere = await openVault(t, vaultOptions);
    const tally = new Tally();
    let person = who;
    for (let round = 0; round < ROUNDS[kind]; round++) {
      if (round > 0) person = await server.enter(session);
      const refreshing = outcome(session.refresh());
      await setTimeout(some(REFRESH_MS));
      const leaving = session.signOut();
      assert.deepEqual([session.state().state, session.state().user], ['signedOut', null]);
      await rejects('ERR_NOT_SIGNED_IN', () => session.accessToken());
      await leaving;
      await assertNobodyIn(elsewhere, server);
      tally.add(await refreshing, ['ERR_SUPERSEDED', 'ERR_NOT_SIGNED_IN']);
      assert.deepEqual([session.state().state, session.state().user], ['signedOut', null]);
      await rejects('ERR_NOT_SIGNED_IN', () => session.accessToken());
      await assertNobodyIn(elsewhere, server);
      await endedOnServer(server, person);
    }
    tally.report(t);
    assert.ok(tally.wasARace);
    assert.equal(server.counts.reuses, 0);
  });

  test(`${kind}: somebody else signing in during a refresh, ${ROUNDS[kind]} times: the first does not come back`, {
    timeout,
  }, async (t) => {
    const { server, session, who, vaultOptions } = await startSlow(t, Peer);
    const elsewhere = await openVault(t, vaultOptions);
    const tally = new Tally();
    let enteringMs = 0;
    let person = who;
    for (let round = 0; round < ROUNDS[kind]; round++) {
      const replaced = person;
      const first = session.state().user;
      // The refresh begins before the sign-in or at any moment of it, which with some servers takes longer than a refresh.
      const begins = some(REFRESH_MS + enteringMs) - REFRESH_MS;
      const refresh = async () => {
        await setTimeout(Math.max(0, begins));
        await session.refresh();
      };
      const enter = async () => {
        await setTimeout(Math.max(0, -begins));
        const startedAt = performance.now();
        person = await server.enter(session);
        enteringMs = performance.now() - startedAt;
      };
      const [refreshing, entering] = [outcome(refresh()), enter()];
      await entering;
      const second = session.state().user;
      assert.notEqual(second.email, first.email);
      tally.add(await refreshing, ['ERR_SUPERSEDED']);
      assert.deepEqual([session.state().state, session.state().user], ['active', second]);
      await assertLetIn(session, server);
      const other = await AuthSession.open({ vault: elsewhere, provider: server.provider });
      if (other.state().user?.id !== second.id) {
        // Seen once in many thousand rounds: this tells who it was, and whether the vault says so again.
        const again = await AuthSession.open({ vault: elsewhere, provider: server.provider });
        const seen = { round, first, other: other.state(), again: again.state() };
        t.diagnostic(JSON.stringify({ ...seen, refreshes: session.refreshes().slice(-4) }));
        again.close();
      }
      assert.deepEqual(other.state().user, second);
      other.close();
      // Tokens that an application brings along are its own to end.
      if (kind === 'better-auth' || kind === 'clerk') await endedOnServer(server, replaced);
    }
    tally.report(t);
    assert.equal(server.counts.reuses, 0);
  });

  test(`${kind}: switching to another account during a refresh, ${ROUNDS[kind]} times: each keeps its own`, {
    timeout,
  }, async (t) => {
    const { server, vault } = await startSlow(t, Peer);
    const open = (account) => openSession(t, server, { vault, provider: server.provider, account });
    const sessions = { work: await open('work'), home: await open('home') };
    const users = {};
    for (const [account, session] of Object.entries(sessions)) {
      await server.enter(session);
      users[account] = session.state().user;
    }
    const tally = new Tally();
    for (let round = 0; round < ROUNDS[kind]; round++) {
      const [from, to] = round % 2 === 0 ? ['work', 'home'] : ['home', 'work'];
      const refreshing = outcome(sessions[from].refresh());
      await setTimeout(some(REFRESH_MS));
      await assertLetIn(sessions[to], server);
      // Half of the time the application closes what it leaves.
      if (round % 4 < 2) {
        sessions[from].close();
        sessions[from] = await open(from);
        assert.deepEqual(sessions[from].state().user, users[from]);
      }
      tally.add(await refreshing, ['ERR_SESSION_CLOSED', 'ERR_SUPERSEDED']);
      for (const account of ['work', 'home']) {
        await became(sessions[account], { state: 'active' });
        assert.deepEqual(sessions[account].state().user, users[account]);
        await assertLetIn(sessions[account], server);
      }
    }
    tally.report(t);
    assert.equal(server.counts.reuses, 0);
    await sessions.work.signOut();
    await rejects('ERR_NOT_SIGNED_IN', () => sessions.work.accessToken());
    await assertLetIn(sessions.home, server);
  });

  test(`${kind}: closing session and vault during a refresh, ${ROUNDS[kind]} times: what the server gave is kept`, {
    timeout,
  }, async (t) => {
    const { server, who, vaultOptions, ...opened } = await startSlow(t, Peer);
    let { session, vault } = opened;
    const tally = new Tally();
    for (let round = 0; round < ROUNDS[kind]; round++) {
      const refreshing = outcome(session.refresh());
      await setTimeout(some(REFRESH_MS));
      await session.close();
      await vault.close();
      tally.add(await refreshing, ['ERR_SESSION_CLOSED']);
      vault = await openVault(t, vaultOptions);
      session = await openSession(t, server, { vault, provider: server.provider });
      await became(session, { state: 'active' });
    }
    tally.report(t);
    await assertLetIn(session, server);
    assert.deepEqual([server.counts.reuses, await server.isAlive(who)], [0, true]);
  });

  test(`${kind}: locking during a refresh, ${ROUNDS[kind]} times: no token leaves before the unlock, and none is lost`, {
    timeout,
  }, async (t) => {
    const { proxy, server, session, vaultOptions } = await startSlow(t, Peer);
    const elsewhere = await openVault(t, vaultOptions);
    const { user } = session.state();
    const path = new URL(server.resource).pathname;
    const assertLocked = async () => {
      const before = proxy.seen(path);
      assert.equal(session.state().state, 'locked');
      await rejects('ERR_SESSION_LOCKED', () => session.accessToken());
      await rejects('ERR_SESSION_LOCKED', () => session.fetch(server.resource));
      assert.equal(proxy.seen(path), before, 'no request left');
    };
    const tally = new Tally();
    for (let round = 0; round < ROUNDS[kind]; round++) {
      const refreshing = outcome(session.refresh());
      const calling = outcome(session.accessToken({ minValidityMs: 3_600_000 }));
      await setTimeout(some(REFRESH_MS));
      const locking = session.lock();
      await assertLocked();
      await locking;
      tally.add(await refreshing, ['ERR_SESSION_LOCKED']);
      assert.match(await calling, /^(done|ERR_SESSION_LOCKED)$/);
      await assertLocked();
      await rejects('ERR_SESSION_LOCKED', () => session.refresh());
      if (round % 10 === 0) {
        const other = await openSession(t, server, { vault: elsewhere, provider: server.provider });
        assert.equal(other.state().state, 'locked');
        await rejects('ERR_SESSION_LOCKED', () => other.accessToken());
        other.close();
      }
      await session.unlock();
      assert.deepEqual([session.state().state, session.state().user], ['active', user]);
      await assertLetIn(session, server);
    }
    tally.report(t);
    assert.equal(server.counts.reuses, 0);
  });
}
