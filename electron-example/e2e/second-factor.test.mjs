// The second factor and codes by mail, asked for by the real server, in the example's window.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { totp, wrongTotp } from '../../__test__/peers/authenticator.mjs';
import { Computer } from './app.mjs';
import { formError, seesAccount, seesSignInForm, signIn, signOut } from './page.mjs';
import { enrol } from './peers/enrol.mjs';
import { DEMO_USER, Server } from './server.mjs';

async function started(t) {
  const server = await Server.start(t);
  const factor = await enrol(server.url, DEMO_USER);
  const computer = await Computer.create(t);
  const start = async () => {
    const app = await computer.start({ apiUrl: server.url });
    return { app, page: app.page };
  };
  return { server, ...factor, start };
}

async function giveCode(page, code) {
  await page.getByTestId('code').fill(code);
  await page.getByTestId('submit-code').click();
}

/** The code of the message that arrives last, after `sent` was clicked. */
async function sendCode(server, page) {
  await page.getByTestId('send-code').click();
  await page.getByText('A code is on its way').waitFor();
  return server.mailedCode(DEMO_USER.email);
}

test('the second factor waits over a restart, takes a wrong code in its stride, and a right one signs in', async (t) => {
  const { server, secret, start } = await started(t);
  const first = await start();
  await signIn(first.app, DEMO_USER);
  await first.page.getByTestId('challenge').waitFor();
  assert.equal(await server.sessions(DEMO_USER.email), 0);
  await first.app.quit();

  const { app, page } = await start();
  await page.getByTestId('challenge').waitFor();
  assert.equal(await app.insertions('sign-in-form'), 0);
  await giveCode(page, wrongTotp(secret));
  const error = page.getByTestId('sign-in-error');
  await error.waitFor();
  assert.equal(await error.getAttribute('data-code'), 'ERR_INVALID_CODE');
  assert.equal(await page.getByTestId('code').evaluate((field) => field === document.activeElement), true);
  await giveCode(page, totp(secret));
  await seesAccount(app, DEMO_USER);
});

test('the keyboard alone: choose the mail, have a code sent, sent again, and type it; the device is trusted then', async (t) => {
  const { server, start } = await started(t);
  const { app, page } = await start();
  await signIn(app, DEMO_USER);
  await page.getByTestId('challenge').waitFor();
  await page.keyboard.press('Shift+Tab'); // from the code to the factors
  await page.keyboard.press('ArrowDown');
  assert.equal(await page.getByRole('radio', { name: 'Code by mail' }).isChecked(), true);
  const before = await sendCode(server, page);
  await page.getByTestId('code').waitFor();
  const code = await sendCode(server, page);
  assert.match(before, /^\d{6}$/);
  await page.getByRole('checkbox', { name: /Trust this device/ }).focus();
  await page.keyboard.press('Space');
  await page.getByRole('textbox', { name: 'Code' }).focus();
  await page.keyboard.type(code);
  await page.keyboard.press('Enter');
  await seesAccount(app, DEMO_USER);

  await signOut(app);
  await signIn(app, DEMO_USER);
  await seesAccount(app, DEMO_USER);
});

test('a backup code serves once, and a sign-in that is cancelled leads back to the form', async (t) => {
  const { backupCodes, start } = await started(t);
  const { app, page } = await start();
  await signIn(app, DEMO_USER);
  await page.getByTestId('factor-backupCode').check();
  await giveCode(page, backupCodes[0]);
  await seesAccount(app, DEMO_USER);

  await signOut(app);
  await signIn(app, DEMO_USER);
  await page.getByTestId('factor-backupCode').check();
  await giveCode(page, backupCodes[0]);
  await page.locator('[data-testid="sign-in-error"][data-code="ERR_INVALID_CODE"]').waitFor();
  await page.getByTestId('challenge-cancel').click();
  await seesSignInForm(app);
  assert.equal(await page.getByTestId('email').inputValue(), DEMO_USER.email);
  await signIn(app, { ...DEMO_USER, password: 'wrong' });
  assert.equal(await formError(app), 'ERR_INVALID_CREDENTIALS');
});

test('a code by mail signs in, and is no way around a second factor', async (t) => {
  const server = await Server.start(t);
  const computer = await Computer.create(t);
  const app = await computer.start({ apiUrl: server.url });
  const { page } = app;
  await page.getByTestId('sign-in-with-code').click();
  await page.getByTestId('code-email').fill(DEMO_USER.email);
  await page.getByTestId('code-request-submit').click();
  await page.getByTestId('challenge').waitFor();
  await giveCode(page, await server.mailedCode(DEMO_USER.email));
  await seesAccount(app, DEMO_USER);
  await signOut(app);

  await enrol(server.url, DEMO_USER);
  await page.getByTestId('sign-in-with-code').click();
  await page.getByTestId('code-email').fill(DEMO_USER.email);
  await page.getByTestId('code-request-submit').click();
  await page.getByTestId('challenge').waitFor();
  assert.equal(await server.mailedCode(DEMO_USER.email), null);
});
