// The example with WorkOS (the vendor's emulator) and with Clerk (a fake of its Frontend API), on its sign-in screen.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ClerkServer, CODES, PASSWORD } from '../../__test__/peers/clerk-server.mjs';
import { WorkOsServer } from '../../__test__/peers/workos-server.mjs';
import { Computer } from './app.mjs';
import { callApi, seesAccount, signIn } from './page.mjs';
import { SystemBrowser } from './system-browser.mjs';

const skip = process.platform !== 'linux' && 'how the system opens a browser is known for Linux only';

async function begun(t, id, env) {
  const computer = await Computer.create(t);
  const browser = await SystemBrowser.install(computer);
  const how = { apiUrl: 'http://127.0.0.1:9', env };
  const app = await computer.start(how);
  await app.page.getByTestId(`provider-${id}`).click();
  await app.page.locator(`[data-testid="provider-${id}"][aria-pressed="true"]`).waitFor();
  return { app, browser, open: (url) => computer.startAgain({ ...how, url }) };
}

test('WorkOS: its own page in the browser signs in, and the API that is named is called', {
  skip,
}, async (t) => {
  const server = await WorkOsServer.start(t, { accessTokenSeconds: 300 });
  const person = server.addUser();
  const { app, browser, open } = await begun(t, 'workos', {
    LATCHKEY_WORKOS_CLIENT_ID: server.provider.clientId,
    LATCHKEY_WORKOS_URL: server.url,
    LATCHKEY_WORKOS_API_URL: server.resource,
  });
  assert.equal(await app.page.getByTestId('sign-in-form').count(), 0);
  await app.page.getByTestId('sign-in-with-browser').click();
  const address = new URL(await browser.next());
  address.searchParams.set('login_hint', person.email); // what the person types there
  assert.equal(await open(await server.browse(address)), 0);
  await seesAccount(app, person);
  assert.equal((await callApi(app)).outcome, 'ok');
});

test('Clerk: the password with a text message after it, a code by mail, and an account that is made with one', async (t) => {
  const server = await ClerkServer.start(t, { accessTokenSeconds: 60 });
  const person = server.addPerson({ secondFactors: ['totp', 'phone_code'] });
  const other = server.addPerson();
  const { app } = await begun(t, 'clerk', {
    LATCHKEY_CLERK_PUBLISHABLE_KEY: server.provider.publishableKey,
    LATCHKEY_CLERK_URL: server.url,
    LATCHKEY_CLERK_API_URL: server.resource,
  });
  const { page } = app;
  const giveCode = async (code) => {
    await page.getByTestId('code').fill(code);
    await page.getByTestId('submit-code').click();
  };
  assert.equal(await page.getByTestId('sign-in-with-browser').count(), 0, 'there is no social provider');
  await signIn(app, { email: person.email, password: PASSWORD });
  await page.getByRole('radio', { name: 'Text message' }).check();
  await page.getByTestId('send-code').click();
  await page.getByText('+1*******00').waitFor();
  assert.equal(await page.getByTestId('trust-device').count(), 0);
  await giveCode(CODES.phone_code);
  await seesAccount(app, person);
  assert.equal((await callApi(app)).outcome, 'ok');
  await page.getByTestId('sign-out').click();

  await page.getByTestId('sign-in-with-code').click();
  await page.getByTestId('code-email').fill(other.email);
  await page.getByTestId('code-request-submit').click();
  await giveCode(CODES.email_code);
  await seesAccount(app, other);
  await page.getByTestId('sign-out').click();

  const made = { email: 'new@example.com', password: 'a-long-password' };
  await page.getByTestId('switch-to-sign-up').click();
  await page.getByTestId('name').fill('New Person');
  await signIn(app, made);
  await giveCode(CODES.email_code);
  await seesAccount(app, made);
});
