import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Computer } from './app.mjs';
import { bundleOfficialClient } from './official-client.mjs';
import { NEW_USER, seesAccount, seesSignInForm } from './page.mjs';
import { assertNoToken } from './secrets.mjs';
import { DEMO_USER, Server } from './server.mjs';

async function withOfficialClient(t) {
  const server = await Server.start(t);
  const computer = await Computer.create(t);
  const app = await computer.start({ apiUrl: server.url });
  await seesSignInForm(app);
  await app.page.evaluate(await bundleOfficialClient());
  /** Runs `use(client, argument)` in the page; the value is what the page itself gets to see. */
  const run = (use, argument = null) =>
    app.page.evaluate(
      `(${use})(window.officialClient(${JSON.stringify(server.url)}), ${JSON.stringify(argument)})`,
    );
  return { server, computer, app, run };
}

test('the official Better Auth client signs in and gets the session, and no token reaches it', async (t) => {
  const { server, computer, app, run } = await withOfficialClient(t);
  const { email, password } = DEMO_USER;
  const signedIn = await run((client, credentials) => client.signIn.email(credentials), { email, password });
  assert.equal(signedIn.error, null);
  assert.equal(signedIn.data.user.email, email);

  // The app's own page follows, because the session is the main process's.
  await seesAccount(app, DEMO_USER);
  const session = await run((client) => client.getSession());
  assert.equal(session.error, null);
  assert.equal(session.data.user.email, email);
  assert.ok(session.data.session.expiresAt);
  const sessions = await run((client) => client.listSessions());
  assert.equal(sessions.data.length, 1);

  for (const answer of [signedIn, session, sessions])
    assertNoToken(server.tokens, JSON.stringify(answer), 'an answer');
  assertNoToken(server.tokens, JSON.stringify(await computer.messages()), 'an IPC message');
});

test('the official client signs up, updates the user, revokes a session by its handle, and signs out', async (t) => {
  const { server, app, run } = await withOfficialClient(t);
  const signedUp = await run((client, user) => client.signUp.email(user), NEW_USER);
  assert.equal(signedUp.error, null);
  await seesAccount(app, NEW_USER);

  const updated = await run((client) => client.updateUser({ name: 'Countess of Lovelace' }));
  assert.equal(updated.error, null);
  assert.equal((await run((client) => client.getSession())).data.user.name, 'Countess of Lovelace');

  // Another device's session, which the page may end, though it never sees its token.
  await signInElsewhere(server);
  assert.equal(await server.sessions(NEW_USER.email), 2);
  const revoked = await run(async (client) => {
    const { data: all } = await client.listSessions();
    const { data: current } = await client.getSession();
    const other = all.find(({ id }) => id !== current.session.id);
    return client.revokeSession({ token: other.token });
  });
  assert.equal(revoked.error, null);
  assert.equal(await server.sessions(NEW_USER.email), 1);

  const signedOut = await run((client) => client.signOut());
  assert.equal(signedOut.error, null);
  await seesSignInForm(app);
  assert.equal(await server.sessions(NEW_USER.email), 0);
});

test('a wrong password reaches the official client as its own error', async (t) => {
  const { app, run } = await withOfficialClient(t);
  const { error } = await run(
    (client, email) => client.signIn.email({ email, password: 'not-the-password' }),
    DEMO_USER.email,
  );
  assert.deepEqual([error.status, error.code], [401, 'INVALID_EMAIL_OR_PASSWORD']);
  await seesSignInForm(app);
});

async function signInElsewhere(server) {
  const { email, password } = NEW_USER;
  const response = await fetch(`${server.url}/api/auth/sign-in/email`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', origin: server.url },
    body: JSON.stringify({ email, password }),
  });
  assert.equal(response.status, 200);
}
