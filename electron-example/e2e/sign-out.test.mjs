import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Computer } from './app.mjs';
import { NEW_USER, seesAccount, seesSignInForm, signIn, signOut, signUp } from './page.mjs';
import { DEMO_USER, Server } from './server.mjs';
import { sealedBytes, storedToken } from './vault.mjs';

async function signedIn(t) {
  const server = await Server.start(t);
  const computer = await Computer.create(t);
  const app = await computer.start({ apiUrl: server.url });
  await signIn(app, DEMO_USER);
  await seesAccount(app, DEMO_USER);
  return { server, computer, app };
}

test('signing out ends the session on the server and leaves no token in the vault', async (t) => {
  const { server, computer, app: first } = await signedIn(t);
  await first.quit();
  const token = await storedToken(computer, server.url);
  assert.ok(server.tokens.has(token), 'the vault holds the token that the server gave out');
  const sealed = await sealedBytes(computer);

  let app = await computer.start({ apiUrl: server.url });
  await seesAccount(app, DEMO_USER);
  await signOut(app);
  await server.hasSessions(DEMO_USER.email, 0); // the window does not wait for the server
  await app.quit();
  assert.equal(await storedToken(computer, server.url), null);
  assert.equal(sharesRun(sealed, await sealedBytes(computer)), false, 'the sealed token is gone as well');

  await server.clearLog();
  app = await computer.start({ apiUrl: server.url });
  await seesSignInForm(app);
  assert.equal(await app.insertions('account'), 0);
  assert.deepEqual(await server.requests(), [], 'there is no session to ask about');
});

test('signing out works with the server stopped', async (t) => {
  const { server, computer, app: first } = await signedIn(t);
  await server.stop();
  await signOut(first);
  await first.quit();
  assert.equal(await storedToken(computer, server.url), null);
  const app = await computer.start({ apiUrl: server.url });
  await seesSignInForm(app);
});

test('the next person sees nothing of the one before', async (t) => {
  const { app } = await signedIn(t);
  await app.page.getByTestId('note').fill('a private thought');
  await signOut(app);
  await signUp(app);
  await seesAccount(app, NEW_USER);
  assert.equal(await app.page.getByTestId('note').inputValue(), '');
});

/** Whether the end of `before`, where the session was written, occurs in `after`. */
function sharesRun(before, after) {
  const runLength = 16; // an authentication tag; by chance this happens once in 2^128
  for (let start = before.length - 256; start + runLength <= before.length; start += 1) {
    if (after.includes(before.subarray(start, start + runLength))) return true;
  }
  return false;
}

test('a server that was stopped is told of the sign-out when it is back, after a restart too', async (t) => {
  const { server, computer, app: first } = await signedIn(t);
  await server.stop();
  await first.page.getByTestId('sign-out').click();
  await seesSignInForm(first);
  await first.page.getByTestId('notice-revocation').waitFor();
  await first.quit();

  const second = await computer.start({ apiUrl: server.url });
  await seesSignInForm(second);
  await second.page.getByTestId('notice-revocation').waitFor();
  await second.quit();

  await server.start();
  assert.equal(await server.sessions(DEMO_USER.email), 1);
  const third = await computer.start({ apiUrl: server.url });
  await seesSignInForm(third);
  await server.hasSessions(DEMO_USER.email, 0);
  await third.page.getByTestId('notice-revocation').waitFor({ state: 'detached' });
});
