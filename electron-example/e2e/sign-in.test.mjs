import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Computer } from './app.mjs';
import {
  callApi,
  formError,
  NEW_USER,
  openSection,
  seesAccount,
  seesSignInForm,
  signIn,
  signUp,
} from './page.mjs';
import { DEMO_USER, Server } from './server.mjs';

async function firstStart(t) {
  const server = await Server.start(t);
  const computer = await Computer.create(t);
  const app = await computer.start({ apiUrl: server.url });
  await seesSignInForm(app);
  return { server, computer, app };
}

test('signing up makes an account on the server and shows it', async (t) => {
  const { server, app } = await firstStart(t);
  await signUp(app);
  await seesAccount(app, NEW_USER);
  assert.equal(await app.page.getByTestId('user-name').textContent(), NEW_USER.name);
  assert.equal(await server.sessions(NEW_USER.email), 1);
});

test('signing in shows the user, the end of the session, and how the vault is protected', async (t) => {
  const { server, app } = await firstStart(t);
  await signIn(app, DEMO_USER);
  await seesAccount(app, DEMO_USER);
  assert.equal(await server.sessions(DEMO_USER.email), 1);
  const ends = await app.page.getByTestId('session-expiry').locator('time').getAttribute('datetime');
  const days = (Date.parse(ends) - Date.now()) / 86_400_000;
  assert.ok(days > 6.9 && days < 7.1, `${days} days`);
  await openSection(app, 'security');
  assert.equal(await app.page.getByTestId('vault-backend').getAttribute('data-backend'), 'secret-service');
});

test('a protected call carries the session, and without one the server refuses it', async (t) => {
  const { server, app } = await firstStart(t);
  const url = `${server.url}/api/profile`;
  const before = await app.page.evaluate((each) => window.auth.fetch(each), url);
  assert.deepEqual([before.ok, before.value?.status ?? before.code], [true, 401]);

  await signIn(app, DEMO_USER);
  await seesAccount(app, DEMO_USER);
  const { outcome, text } = await callApi(app);
  assert.equal(outcome, 'ok', text);
  assert.ok(text.includes(DEMO_USER.email));
});

test('signing in works with the keyboard alone, and fields and buttons have names', async (t) => {
  const { app } = await firstStart(t);
  const { page } = app;
  const email = page.getByRole('textbox', { name: 'E-mail' });
  await email.waitFor();
  assert.equal(await email.evaluate((element) => element === document.activeElement), true);
  await page.keyboard.type(DEMO_USER.email);
  await page.keyboard.press('Tab');
  await page.keyboard.type(DEMO_USER.password);
  await page.keyboard.press('Enter');
  await seesAccount(app, DEMO_USER);
  for (const name of ['Sign out', 'Call']) await page.getByRole('button', { name }).first().waitFor();
});

test('a wrong password and an unknown user get the same clear message, and the next try succeeds', async (t) => {
  const { server, app } = await firstStart(t);
  await signIn(app, { ...DEMO_USER, password: 'not-the-password' });
  assert.equal(await formError(app), 'ERR_INVALID_CREDENTIALS');
  const words = await app.page.getByTestId('form-error').innerText();

  await signIn(app, { email: 'nobody@example.com', password: DEMO_USER.password });
  assert.equal(await formError(app), 'ERR_INVALID_CREDENTIALS');
  assert.equal(await app.page.getByTestId('form-error').innerText(), words);
  assert.equal(await server.sessions(DEMO_USER.email), 0);

  await signIn(app, DEMO_USER);
  await seesAccount(app, DEMO_USER);
});

test('an address that is taken and a password that is too short are told apart', async (t) => {
  const { app } = await firstStart(t);
  await signUp(app, { ...DEMO_USER, password: 'another-password' });
  assert.equal(await formError(app), 'ERR_USER_EXISTS');
  // The form checks the length itself; the broker must answer too when a page does not.
  const answer = await app.page.evaluate(() =>
    window.auth.signUp({ email: 'short@example.com', password: 'short', name: 'Short' }),
  );
  assert.equal(answer.code, 'ERR_WEAK_PASSWORD');
});
