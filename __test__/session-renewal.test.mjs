// Renewal: once for everybody who waits, never by anything that was not meant to prolong, and by itself while offline.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { rejects } from './addon.mjs';
import {
  openSession,
  passwordOf,
  reached,
  renewals,
  restarting,
  signedUp,
  startServer,
  startStub,
} from './auth-server.mjs';

const DAY_MS = 24 * 60 * 60 * 1000;
/** With updateAge 0 the server prolongs a session whenever it is asked about it. */
const server = await startServer({ after }, { expiresIn: 7 * 24 * 60 * 60, updateAge: 0 });

test('50 requests at once on a session that is due reach the server as one renewal', async (t) => {
  const shortLived = await startServer(t, { expiresIn: 4, updateAge: 0 });
  const { session } = await signedUp(t, shortLived);
  await shortLived.clearLog();
  const { expiresAtMs } = session.state();
  // The margin before the end is a third of so short a life.
  await setTimeout(2750);
  const calls = Array.from({ length: 50 }, () => session.fetch(`${shortLived.url}/api/profile`));
  const statuses = (await Promise.all(calls)).map(({ status }) => status);
  assert.deepEqual(new Set(statuses), new Set([200]));
  assert.equal(await renewals(shortLived), 1);
  assert.ok(session.state().expiresAtMs > expiresAtMs, 'it goes on for longer');
});

test('callers of refresh share one answer', async (t) => {
  const { session } = await signedUp(t, server);
  await server.clearLog();
  const answers = await Promise.all(Array.from({ length: 20 }, () => session.refresh()));
  assert.equal(await renewals(server), 1);
  assert.deepEqual(new Set(answers.map(({ state }) => state)), new Set(['active']));
  assert.equal(session.state().reason, 'refreshed');
});

const FAULTS = {
  error500: ['ERR_SERVER', 'server'],
  html: ['ERR_SERVER', 'server'],
  empty: ['ERR_UNEXPECTED_RESPONSE', 'server'],
  drop: ['ERR_NETWORK', 'network'],
};
for (const [mode, [code, reason]] of Object.entries(FAULTS)) {
  test(`'${mode}' at a renewal: ${code}, offline with the token kept, and back by itself`, async (t) => {
    const { session } = await signedUp(t, server);
    const { user } = session.state();
    const token = await session.accessToken();
    t.after(() => server.mode('up'));
    await server.mode(mode);
    await rejects(code, () => session.refresh());
    const offline = session.state();
    assert.deepEqual([offline.state, offline.reason, offline.user], ['offline', reason, user]);
    const waitMs = offline.retryAtMs - Date.now();
    assert.ok(waitMs > 0 && waitMs <= 1000, `tries again in ${waitMs} ms`);
    assert.equal(await session.accessToken(), token);
    await server.mode('up');
    const active = await reached(session, 'active');
    assert.deepEqual([active.user, active.retryAtMs], [user, null]);
    assert.equal((await session.fetch(`${server.url}/api/profile`)).status, 200);
  });
}

test('requests fail with a code while offline, and the session stands', async (t) => {
  const { session } = await signedUp(t, server);
  t.after(() => server.mode('up'));
  await server.mode('drop');
  await rejects('ERR_NETWORK', () => session.fetch(`${server.url}/api/profile`));
  assert.equal((await reached(session, 'offline')).reason, 'network');
  await server.mode('up');
  await reached(session, 'active');
});

test('trouble of another origin, or with one slow request, says nothing of the session', async (t) => {
  const silent = await startStub(t, () => {});
  const allowedOrigins = [silent, 'http://127.0.0.1:9'];
  const { session } = await signedUp(t, server, { allowedOrigins });
  await rejects('ERR_NETWORK', () => session.fetch('http://127.0.0.1:9/'));
  assert.equal(session.state().state, 'active', 'after a refused connection');
  await rejects('ERR_TIMEOUT', () => session.fetch(silent, { timeoutMs: 50 }));
  assert.equal(session.state().state, 'active', 'after a time-out');
});

/** When the session ends by the server's own word, asked without prolonging it. */
async function endOnServer(session) {
  const headers = { authorization: `Bearer ${await session.accessToken()}` };
  const answer = await fetch(`${server.url}/api/auth/get-session?disableRefresh=true`, { headers });
  return Date.parse((await answer.json()).session.expiresAt);
}

async function assertLastsOneDay(session, when) {
  const leftMs = (await endOnServer(session)) - Date.now();
  assert.ok(leftMs <= DAY_MS && leftMs > DAY_MS - 60_000, `${leftMs / DAY_MS} days are left ${when}`);
  assert.ok(session.state().expiresAtMs - Date.now() <= DAY_MS + 2000, `the session says otherwise ${when}`);
}

test('rememberMe: false is not prolonged by renewals, before or after starting again', async (t) => {
  const { user } = await signedUp(t, server);
  const restart = restarting(t);
  const first = await restart(server);
  await first.signIn({ ...passwordOf(user), rememberMe: false });
  await assertLastsOneDay(first, 'after signing in');
  await first.refresh();
  await assertLastsOneDay(first, 'after a refresh');
  const again = await restart(server);
  await reached(again, 'active');
  await again.refresh();
  await assertLastsOneDay(again, 'after starting again');
});

test("rememberMe: false is not prolonged by the page's own get-session", async (t) => {
  const { user, session } = await signedUp(t, server);
  await session.signIn({ ...passwordOf(user), rememberMe: false });
  assert.equal((await session.fetch(`${server.url}/api/auth/get-session`)).status, 200);
  await assertLastsOneDay(session, 'after get-session');
});

test("rememberMe: false in the page's own sign-in counts too", async (t) => {
  const { user } = await signedUp(t, server);
  const session = await openSession(t, server);
  const { email, password } = user;
  await session.fetch(`${server.url}/api/auth/sign-in/email`, {
    method: 'POST',
    headers: [['content-type', 'application/json']],
    body: JSON.stringify({ email, password, rememberMe: false }),
  });
  await session.refresh();
  await assertLastsOneDay(session, 'after a refresh');
});

test('rememberMe: true, the default, is prolonged', async (t) => {
  const { session, user } = await signedUp(t, server);
  await session.signIn(passwordOf(user));
  await session.refresh();
  assert.ok((await endOnServer(session)) - Date.now() > 6 * DAY_MS);
});
