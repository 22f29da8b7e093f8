// The example with two providers: Better Auth, and a real OpenID Connect server, chosen on the sign-in screen.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { Browser } from '../../__test__/peers/oidc-browser.mjs';
import { OidcServer } from '../../__test__/peers/oidc-server.mjs';
import { Computer } from './app.mjs';
import { callApi, seesAccount, seesSignInForm, signIn } from './page.mjs';
import { DEMO_USER, Server } from './server.mjs';
import { SystemBrowser } from './system-browser.mjs';

const skip = process.platform !== 'linux' && 'how the system opens a browser is known for Linux only';

async function started(t) {
  const [server, oidc] = await Promise.all([
    Server.start(t),
    OidcServer.start(t, { accessTokenSeconds: 300 }),
  ]);
  const { issuer, clientId } = oidc.provider;
  const computer = await Computer.create(t);
  const browser = await SystemBrowser.install(computer);
  const how = {
    apiUrl: server.url,
    env: {
      LATCHKEY_OIDC_ISSUER: issuer,
      LATCHKEY_OIDC_CLIENT_ID: clientId,
      LATCHKEY_OIDC_API_URL: oidc.resource,
    },
  };
  const login = `person-${randomUUID()}`;
  return {
    browser,
    login,
    person: { email: `${login}@example.com` },
    start: () => computer.start(how),
    /** The system opens an address of the app's scheme. */
    open: async (url) => assert.equal(await computer.startAgain({ ...how, url }), 0),
  };
}

async function choose({ page }, id) {
  await page.getByTestId(`provider-${id}`).click();
  await page.locator(`[data-testid="provider-${id}"][aria-pressed="true"]`).waitFor();
}

test('another provider is chosen and offers its own ways, its sign-in comes back, and both choices outlive a restart', {
  skip,
}, async (t) => {
  const { browser, login, person, start, open } = await started(t);
  const first = await start();
  await seesSignInForm(first);
  const second = first.electron.waitForEvent('window');
  await first.electron.evaluate(({ Menu }) =>
    Menu.getApplicationMenu().getMenuItemById('new-window').click(),
  );
  const other = await second;
  await other.getByTestId('sign-in-form').waitFor();
  await choose(first, 'oidc');
  await other.locator('[data-testid="provider-oidc"][aria-pressed="true"]').waitFor();
  await other.close();
  assert.equal(await first.page.getByTestId('sign-in-form').count(), 0);
  const button = first.page.getByTestId('sign-in-with-browser');
  await button.waitFor();
  assert.equal(await button.evaluate((element) => element === document.activeElement), true);
  await first.page.keyboard.press('Enter');
  await open((await new Browser().visit(await browser.next(), { login })).href);
  await seesAccount(first, person);
  await first.quit();

  const app = await start();
  await seesAccount(app, person);
  await app.page.getByTestId('sign-out').click();
  await app.page.getByTestId('sign-in-with-browser').waitFor();
  await choose(app, 'better-auth');
  await seesSignInForm(app);
  await signIn(app, DEMO_USER);
  await seesAccount(app, DEMO_USER);
  assert.equal((await callApi(app)).outcome, 'ok');
  const refused = await app.page.evaluate(() => window.latchkeyExample.chooseProvider('oidc'));
  assert.equal(refused.ok, false, 'not while somebody is signed in');
  await seesAccount(app, DEMO_USER);
});

test('another device signs in, after the code was given up once', { skip }, async (t) => {
  const { browser, login, person, start } = await started(t);
  const app = await start();
  const { page } = app;
  await choose(app, 'oidc');
  await page.getByTestId('sign-in-with-device').click();
  const given = await page.getByTestId('device-code').textContent();
  await page.getByTestId('device-cancel').click();
  await page.getByTestId('sign-in-with-device').click();
  const code = page.getByTestId('device-code');
  await code.waitFor();
  assert.notEqual(await code.textContent(), given);
  await page.getByTestId('device-open').click();
  await new Browser().visit(await browser.next(), { login });
  await seesAccount(app, person);
});
