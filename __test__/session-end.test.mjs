// How sessions end: by the server's word once for everybody, and by signing out here and there.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { rejects } from './addon.mjs';
import {
  assertHeard,
  newUser,
  openSession,
  passwordOf,
  reached,
  renewals,
  signedUp,
  startServer,
  startStub,
} from './auth-server.mjs';
import { newVaultOptions, openVault } from './vault-folder.mjs';

const server = await startServer({ after });

test('revoked: expired once, the user kept, no token left, and signing in again works', async (t) => {
  const vaultOptions = await newVaultOptions(t);
  const vault = await openVault(t, vaultOptions);
  const { session, user } = await signedUp(t, server, { vault });
  const known = session.state().user;
  const changes = [];
  session.onChange(({ state, reason }) => changes.push(`${state} ${reason}`));
  await server.revoke(user.email);
  await session.refresh();
  const { state, user: kept, expiresAtMs } = session.state();
  assert.deepEqual({ state, kept, expiresAtMs }, { state: 'expired', kept: known, expiresAtMs: null });
  await rejects('ERR_SESSION_EXPIRED', () => session.accessToken());
  await rejects('ERR_SESSION_EXPIRED', () => session.refresh());
  assert.equal((await session.fetch(`${server.url}/api/profile`)).status, 401);
  await assertHeard(changes, ['expired ended']);

  const elsewhere = await openSession(t, server, { vault: await openVault(t, vaultOptions) });
  await rejects('ERR_SESSION_EXPIRED', () => elsewhere.accessToken());
  assert.deepEqual(elsewhere.state().user, known);

  const wrong = { ...passwordOf(user), password: 'wrong-password' };
  await rejects('ERR_INVALID_CREDENTIALS', () => session.signIn(wrong));
  assert.deepEqual([session.state().state, session.state().user], ['expired', known]);
  await session.signIn(passwordOf(user));
  assert.deepEqual([session.state().state, session.state().user], ['active', known]);
});

test('50 requests that are refused at once ask the server once whether the session is over', async (t) => {
  const { session, user } = await signedUp(t, server);
  const heard = [];
  session.onChange(({ state }) => heard.push(state));
  await server.revoke(user.email);
  await server.clearLog();
  const calls = Array.from({ length: 50 }, () => session.fetch(`${server.url}/api/profile`));
  assert.deepEqual(new Set((await Promise.all(calls)).map(({ status }) => status)), new Set([401]));
  assert.equal(await renewals(server), 1);
  await assertHeard(heard, ['expired']);
});

test('a route that refuses a good session does not end it, and is not answered with a storm', async (t) => {
  const url = await startStub(t, (_, response) => response.writeHead(401).end('no'));
  const { session } = await signedUp(t, server, { allowedOrigins: [url] });
  await server.clearLog();
  const answers = await Promise.all(Array.from({ length: 50 }, () => session.fetch(url)));
  assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([401]));
  assert.equal(session.state().state, 'active');
  const asked = await renewals(server);
  assert.ok(asked >= 1 && asked <= 2, `asked ${asked} times`);
});

test('403 and 404 ask nothing and end nothing', async (t) => {
  const url = await startStub(t, (request, response) =>
    response.writeHead(Number(request.url.slice(1))).end(),
  );
  const { session } = await signedUp(t, server, { allowedOrigins: [url] });
  await server.clearLog();
  for (const status of [400, 403, 404, 409, 500, 503]) {
    assert.equal((await session.fetch(`${url}/${status}`)).status, status);
  }
  assert.deepEqual([await renewals(server), session.state().state], [0, 'active']);
});

test('signing out ends it here and on the server', async (t) => {
  const vaultOptions = await newVaultOptions(t);
  const vault = await openVault(t, vaultOptions);
  const { session, user } = await signedUp(t, server, { vault });
  assert.equal(await server.sessions(user.email), 1);
  await session.signOut();
  assert.deepEqual([session.state().state, session.state().user], ['signedOut', null]);
  assert.equal(await server.sessions(user.email), 0);
  await rejects('ERR_NOT_SIGNED_IN', () => session.accessToken());
  const elsewhere = await openSession(t, server, { vault: await openVault(t, vaultOptions) });
  assert.deepEqual([elsewhere.state().state, elsewhere.state().user], ['signedOut', null]);
  assert.deepEqual(await session.signOut(), { browserUrl: null }, 'again is fine');
});

test('signing out without the server ends it here', async (t) => {
  const { session } = await signedUp(t, server);
  t.after(() => server.mode('up'));
  await server.mode('drop');
  await session.signOut();
  assert.deepEqual([session.state().state, session.state().user], ['signedOut', null]);
});

test('nothing called after signOut carries the token, although nobody waited', async (t) => {
  const authorizations = [];
  const url = await startStub(t, ({ headers }, response) => {
    authorizations.push(headers.authorization);
    response.end();
  });
  const { session } = await signedUp(t, server, { allowedOrigins: [url] });
  const leaving = session.signOut();
  assert.deepEqual([session.state().state, session.state().user], ['signedOut', null]);
  await Promise.all([leaving, session.fetch(url)]);
  assert.deepEqual(authorizations, [undefined]);
});

test('signing out during a renewal wins', async (t) => {
  const { session, user } = await signedUp(t, server);
  let leaving;
  server.once('request', '/api/auth/get-session', () => (leaving = session.signOut()));
  await rejects('ERR_SUPERSEDED', () => session.refresh());
  await leaving;
  assert.equal(session.state().state, 'signedOut');
  assert.equal(await server.sessions(user.email), 0);
});

test('a session that cannot be removed from the vault is ended on the server all the same', async (t) => {
  const vault = await openVault(t);
  const { session, user } = await signedUp(t, server, { vault });
  await vault.close();
  await rejects('ERR_VAULT_CLOSED', () => session.signOut());
  assert.equal(session.state().state, 'signedOut');
  assert.equal(await server.sessions(user.email), 0);
});

test('a closed session refuses every call; the stored one stays', async (t) => {
  const vault = await openVault(t);
  const { session } = await signedUp(t, server, { vault });
  session.close();
  session.close();
  await rejects('ERR_SESSION_CLOSED', () => session.signIn(passwordOf(newUser())));
  await rejects('ERR_SESSION_CLOSED', () => session.signUp(newUser()));
  await rejects('ERR_SESSION_CLOSED', () => session.signOut());
  await rejects('ERR_SESSION_CLOSED', () => session.refresh());
  await rejects('ERR_SESSION_CLOSED', () => session.accessToken());
  await rejects('ERR_SESSION_CLOSED', () => session.fetch(`${server.url}/api/profile`));
  await reached(await openSession(t, server, { vault }), 'active');
});
