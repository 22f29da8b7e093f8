// Three processes of one application on one session, killed at random for a long time. A kill in the middle of a refresh
// leaves a token that may be spent: the application says so and waits for the person, who signs in again. Whatever is
// killed, no spent token is ever sent, which the server would answer by ending the session.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { startChild } from './child.mjs';
import { assertLetIn, became, entered, LONG, PEERS, SINGLE_USE } from './peer-session.mjs';
import { FaultProxy } from './peers/fault-proxy.mjs';

const SOAK_MS = LONG ? 600_000 : 20_000;
const PROCESSES = 3;

/** Uses the session all the time, and says what a person would have to know. */
async function useAlways({ addon, say }, { vaultOptions, provider, resource }) {
  const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
  const vault = await addon.Vault.open(vaultOptions);
  const session = await addon.AuthSession.open({ vault, provider });
  let ending = false;
  process.once('message', () => (ending = true));
  await say('ready');
  while (!ending) {
    try {
      await session.accessToken();
      const { status } = await session.fetch(resource);
      // A token that cannot be renewed is served until the end that was said of it, which the server may count shorter.
      if (status !== 200 && session.state().reason !== 'unanswered') await say(`status ${status}`);
    } catch (error) {
      // Whoever is told to sign in again has the time to.
      await say(error.code);
      await pause(20);
    }
    await pause(5);
  }
  const { status } = await session.fetch(resource);
  return { state: session.state().state, status };
}

for (const kind of SINGLE_USE) {
  test(`${kind}: ${SOAK_MS / 1000} s of random kills of one of ${PROCESSES} processes: the grant is alive`, {
    timeout: SOAK_MS + 120_000,
  }, async (t) => {
    const proxy = await FaultProxy.start(t);
    const server = await PEERS[kind].start(t, { behind: proxy });
    const { session, vaultOptions, who } = await entered(t, server);
    let person = who;
    // The moments in which a kill matters are short otherwise.
    proxy.delay(server.refreshPath, () => ({ beforeMs: Math.random() * 20, afterMs: Math.random() * 20 }));
    const { provider, resource } = server;
    const told = [];
    const start = () => {
      const child = startChild(t, useAlways, { vaultOptions, provider, resource });
      const ready = child.heard();
      const listen = async () => {
        await ready;
        for (;;) told.push(await child.heard());
      };
      listen();
      return { ...child, ready };
    };
    const children = Array.from({ length: PROCESSES }, start);

    const endsAtMs = Date.now() + SOAK_MS;
    const counts = { kills: 0, aimed: 0, signIns: 0 };
    while (Date.now() < endsAtMs) {
      const isAimed = Math.random() < 0.5;
      if (isAimed) await refreshBegins(proxy, server);
      await setTimeout(Math.random() * (isAimed ? 30 : 1500));
      const victim = Math.floor(Math.random() * PROCESSES);
      children[victim].kill('SIGKILL');
      await children[victim].exited;
      counts.kills++;
      counts.aimed += isAimed;
      children[victim] = start();
      assert.equal(await server.isAlive(person), true, 'the grant stands, whatever was killed');
      if (await isUnanswered(session)) {
        person = await server.enter(session);
        counts.signIns++;
      }
    }
    // The last kill may have left a doubt that nobody comes upon before the token is due.
    await session.refresh().catch(() => {});
    if (await isUnanswered(session)) person = await server.enter(session);
    await became(session, { state: 'active' });
    await Promise.all(children.map(({ ready }) => ready));
    for (const child of children) child.tell('end');
    for (const child of children) assert.deepEqual(await child.result(), { state: 'active', status: 200 });
    await assertLetIn(session, server);
    t.diagnostic(`${JSON.stringify(counts)}, ${server.counts.refreshes} refreshes`);
    const { refreshes, granted, reuses } = server.counts;
    assert.deepEqual([reuses, refreshes - granted], [0, 0]);
    assert.equal(await server.isAlive(person), true);
    // Nobody heard anything but that the person is asked for, or has signed in again while they waited for an answer.
    const expected = new Set(['ERR_REFRESH_UNANSWERED', 'ERR_SUPERSEDED']);
    assert.deepEqual(
      told.filter((word) => !expected.has(word)),
      [],
    );
  });
}

/** Waits until the next refresh is under way; for a token's life at the most. */
async function refreshBegins(proxy, server) {
  const before = proxy.seen(server.refreshPath);
  const deadline = Date.now() + 5000;
  while (proxy.seen(server.refreshPath) === before && Date.now() < deadline) await setTimeout(2);
}

/** Whether somebody has to sign in: asked as the person's application would, by using the session. */
async function isUnanswered(session) {
  await session.accessToken().catch(() => {});
  return session.state().reason === 'unanswered';
}
