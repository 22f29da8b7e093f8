// Starting again: the user is there at once, and the server's word decides what follows.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { rejects } from './addon.mjs';
import {
  assertUser,
  newUser,
  openSession,
  reached,
  renewals,
  restarting,
  signedUp,
  startServer,
  startStub,
} from './auth-server.mjs';
import { openVault } from './vault-folder.mjs';

const server = await startServer({ after });

/** An application that has signed in; `restart` starts it again. */
async function signedInApp(t) {
  const restart = restarting(t);
  const session = await restart(server);
  const user = newUser();
  await session.signUp(user);
  await server.clearLog();
  return { user, session, restart };
}

test('restores: the user at once, then active, with one question to the server', async (t) => {
  const { user, restart } = await signedInApp(t);
  const session = await restart(server);
  const first = session.state();
  assert.deepEqual([first.state, first.reason], ['restoring', 'start']);
  assertUser(first.user, user);
  const restored = await reached(session, 'active');
  assert.equal(restored.reason, 'restored');
  assertUser(restored.user, user);
  assert.equal(await renewals(server), 1);
  assert.equal((await session.fetch(`${server.url}/api/profile`)).status, 200);
});

test('a call made while restoring waits for the answer instead of asking again', async (t) => {
  const { restart } = await signedInApp(t);
  const session = await restart(server);
  const calls = Array.from({ length: 50 }, () => session.fetch(`${server.url}/api/profile`));
  assert.deepEqual(new Set((await Promise.all(calls)).map(({ status }) => status)), new Set([200]));
  assert.equal(await renewals(server), 1);
});

test('without the server it is offline with the user, and recovers by itself', async (t) => {
  const { user, restart } = await signedInApp(t);
  await server.stop();
  const session = await restart(server);
  const offline = await reached(session, 'offline');
  assertUser(offline.user, user);
  assert.equal(offline.reason, 'network');
  assert.ok(offline.retryAtMs > Date.now() - 100, 'says when it tries again');
  assert.equal(typeof (await session.accessToken()), 'string');
  await server.start();
  assert.equal((await reached(session, 'active')).retryAtMs, null);
});

test('revoked meanwhile: expired, the user still known, and the same after starting again', async (t) => {
  const { user, restart } = await signedInApp(t);
  await server.revoke(user.email);
  const session = await restart(server);
  assert.equal(session.state().state, 'restoring');
  const expired = await reached(session, 'expired');
  assertUser(expired.user, user);
  await rejects('ERR_SESSION_EXPIRED', () => session.accessToken());
  const again = await restart(server);
  assert.equal(again.state().state, 'expired');
  assertUser(again.state().user, user);
  await rejects('ERR_SESSION_EXPIRED', () => again.accessToken());
  await rejects('ERR_SESSION_EXPIRED', () => again.refresh());
});

test('signed out stays signed out', async (t) => {
  const { session, restart } = await signedInApp(t);
  await session.signOut();
  const again = await restart(server);
  assert.deepEqual([again.state().state, again.state().user], ['signedOut', null]);
  await rejects('ERR_NOT_SIGNED_IN', () => again.accessToken());
  await rejects('ERR_NOT_SIGNED_IN', () => again.refresh());
});

test('a session is never shown to a server that did not grant it', async (t) => {
  const { restart } = await signedInApp(t);
  const shown = [];
  const url = await startStub(t, (request, response) => {
    shown.push(request.headers.authorization);
    response.end('null');
  });
  const session = await restart({ url });
  assert.deepEqual([session.state().state, session.state().user], ['signedOut', null]);
  await session.fetch(`${url}/api/profile`);
  assert.deepEqual(shown, [undefined]);
});

test('clearing the vault leaves the session, and the session is no key of the vault', async (t) => {
  const vault = await openVault(t);
  const { session } = await signedUp(t, server, { vault });
  assert.deepEqual(await vault.keys(), []);
  await vault.clear();
  session.close();
  await reached(await openSession(t, server, { vault }), 'active');
});

test('a session on a closed vault is refused; one whose vault is closed later says so', async (t) => {
  const vault = await openVault(t);
  const session = await openSession(t, server, { vault });
  await vault.close();
  await rejects('ERR_VAULT_CLOSED', () => openSession(t, server, { vault }));
  await rejects('ERR_VAULT_CLOSED', () => session.signUp(newUser()));
  assert.equal(session.state().state, 'signedOut');
});
