import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { Computer } from './app.mjs';
import { Gate } from './gate.mjs';
import { seesAccount, signIn, snapshot } from './page.mjs';
import { DEMO_USER, Server } from './server.mjs';

const CALLS = 50;
const REFRESH = 'GET /api/auth/get-session 200';
const CALL = 'GET /api/profile 200';

/** Makes all the calls in one turn of the page and answers their statuses. */
function callAtOnce({ page }, apiUrl) {
  return page.evaluate(
    async ([url, count]) => {
      const calls = Array.from({ length: count }, () => window.auth.fetch(url));
      return (await Promise.all(calls)).map((answer) => answer.value?.status ?? answer.code);
    },
    [`${apiUrl}/api/profile`, CALLS],
  );
}

function assertOneRefresh(statuses, requests) {
  assert.deepEqual(
    statuses,
    Array.from({ length: CALLS }, () => 200),
  );
  // The refresh is first, and there is one: no call went out with the token that needed refreshing.
  assert.deepEqual(requests, [REFRESH, ...Array.from({ length: CALLS }, () => CALL)]);
}

test('50 protected calls at once, with a session that needs refreshing, reach the server as one refresh', async (t) => {
  // Lives 12 seconds and slides with each use; in its last third it must be refreshed before it is used.
  const server = await Server.start(t, { expiresIn: 12, updateAge: 0 });
  const computer = await Computer.create(t);
  const app = await computer.start({ apiUrl: server.url });
  await signIn(app, DEMO_USER);
  await seesAccount(app, DEMO_USER);

  const { expiresAtMs } = await snapshot(app);
  await wait(expiresAtMs - Date.now() - 3_800);
  await server.clearLog();
  assertOneRefresh(await callAtOnce(app, server.url), await server.requests());
  assert.ok((await snapshot(app)).expiresAtMs > expiresAtMs);
});

test('50 protected calls while a session is being restored wait for its one refresh', async (t) => {
  const server = await Server.start(t);
  const gate = await Gate.inFrontOf(server, t);
  const computer = await Computer.create(t);
  const first = await computer.start({ apiUrl: gate.url });
  await signIn(first, DEMO_USER);
  await seesAccount(first, DEMO_USER);
  await first.quit();

  await server.clearLog();
  gate.close();
  const app = await computer.start({ apiUrl: gate.url });
  await seesAccount(app, DEMO_USER, 'restoring');
  const calls = callAtOnce(app, gate.url);
  await wait(200); // time for them to leave the page
  assert.equal((await snapshot(app)).state, 'restoring');
  gate.open();
  assertOneRefresh(await calls, await server.requests());
});
