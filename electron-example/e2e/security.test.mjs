import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { totp } from '../../__test__/peers/authenticator.mjs';
import { Computer } from './app.mjs';
import { openSection, seesAccount, signIn, signOut } from './page.mjs';
import { assertNoToken } from './secrets.mjs';
import { DEMO_USER, Server } from './server.mjs';

const APP_URL = 'app://latchkey-example/index.html';
const PRELOAD = fileURLToPath(new URL('../dist/preload/index.cjs', import.meta.url));

async function signedIn(t) {
  const server = await Server.start(t);
  const computer = await Computer.create(t);
  const app = await computer.start({ apiUrl: server.url });
  await signIn(app, DEMO_USER);
  await seesAccount(app, DEMO_USER);
  return { server, computer, app };
}

test('a session on another device is listed and signed out, after a question, and no token of it is shown', async (t) => {
  const { server, computer, app } = await signedIn(t);
  const elsewhere = await computerOf(t, server);
  await openSection(app, 'security');
  const { page } = app;
  const rows = page.getByTestId('remote-session');
  await rows.nth(1).waitFor();
  assert.equal(await rows.count(), 2);
  assert.equal(await rows.first().getByTestId('session-here').count(), 1, 'this one comes first');
  assert.equal(await page.getByTestId('revoke-session').count(), 1, 'this one is not ended here');

  await page.getByTestId('revoke-session').click();
  await page.getByTestId('confirm-no').click();
  assert.equal(await server.sessions(DEMO_USER.email), 2, 'the answer was no');
  await page.getByTestId('revoke-session').click();
  await page.getByTestId('confirm-yes').click();
  await page.getByTestId('revoke-session').waitFor({ state: 'detached' });
  assert.equal(await server.sessions(DEMO_USER.email), 1);
  assert.equal(await rows.count(), 1);

  // The other device hears of it from the server.
  await elsewhere.page.getByTestId('refresh').click();
  await elsewhere.page.getByTestId('notice-expired').waitFor();
  assertNoToken(server.tokens, JSON.stringify(await computer.messages()), 'an IPC message');
});

test('two-factor sign-in is set up, asked for at the next sign-in, and turned off', async (t) => {
  const { server, computer, app } = await signedIn(t);
  const { page } = app;
  await openSection(app, 'security');
  await page.getByTestId('two-factor-set-up').click();
  await page.getByTestId('two-factor-password').fill('not-the-password');
  await page.getByTestId('two-factor-go').click();
  await page.getByText('The password is not right.').waitFor();
  await page.getByTestId('two-factor-password').fill(DEMO_USER.password);
  await page.getByTestId('two-factor-go').click();

  const secret = (await page.getByTestId('totp-secret').textContent()).replaceAll(/\s/g, '');
  await page.getByTestId('totp-code').fill(notThe(totp(secret)));
  await page.getByTestId('totp-verify').click();
  await page.getByText('The code is not right.').waitFor();
  await page.getByTestId('totp-code').fill(totp(secret));
  await page.getByTestId('totp-verify').click();

  const codes = await codesShown(page);
  assert.equal(codes.length, 10);
  assert.deepEqual(await codesCopied(app), codes);
  assert.deepEqual(await codesSaved(computer, app), codes);
  await page.getByTestId('codes-kept').click();
  await seesTwoFactor(page, true);
  assert.equal(await page.getByTestId('backup-code').count(), 0, 'they are shown once');

  await signOut(app);
  await signIn(app, DEMO_USER);
  await page.getByTestId('challenge').waitFor();
  await page.getByTestId('code').fill(totp(secret));
  await page.getByTestId('submit-code').click();
  await seesAccount(app, DEMO_USER);

  await openSection(app, 'security');
  await seesTwoFactor(page, true);
  await page.getByTestId('two-factor-off').click();
  await page.getByTestId('two-factor-password').fill(DEMO_USER.password);
  await page.getByTestId('two-factor-go').click();
  await seesTwoFactor(page, false);
  assertNoToken(server.tokens, JSON.stringify(await computer.messages()), 'an IPC message');
});

test('what a page tried that may not is listed, in words', async (t) => {
  const { server, app } = await signedIn(t);
  const { page } = app;
  await openSection(app, 'security');
  await page.getByTestId('anomalies-none').waitFor();
  await strangeWindowAsks(app, server.url);
  await page.getByTestId('anomalies-again').click();
  const row = page.locator('[data-testid=anomalies] [data-kind=unknownSender]');
  await row.waitFor();
  assert.match(await row.innerText(), /A page was refused/);
});

/** Another computer on which the same person is signed in. */
async function computerOf(t, server) {
  const other = await Computer.create(t);
  const app = await other.start({ apiUrl: server.url });
  await signIn(app, DEMO_USER);
  await seesAccount(app, DEMO_USER);
  return app;
}

async function seesTwoFactor(page, on) {
  await page.locator(`[data-testid=two-factor-state][data-on=${on}]`).waitFor();
}

async function codesShown(page) {
  await page.getByTestId('backup-codes').waitFor();
  return page.getByTestId('backup-code').allTextContents();
}

async function codesCopied({ electron, page }) {
  await page.getByTestId('copy-codes').click();
  await page.getByText('Copied.').waitFor();
  return (await electron.evaluate(({ clipboard }) => clipboard.readText())).split('\n');
}

/** Saves them as a person who takes the folder that is offered. */
async function codesSaved(computer, { electron, page }) {
  const file = computer.path('codes.txt');
  await electron.evaluate(({ session }, path) => {
    globalThis.saved = new Promise((resolve) => {
      session.defaultSession.once('will-download', (_event, item) => {
        item.setSavePath(path);
        item.once('done', (_done, state) => resolve([item.getFilename(), state]));
      });
    });
  }, file);
  await page.getByTestId('save-codes').click();
  const saved = await electron.evaluate(() => globalThis.saved);
  assert.deepEqual(saved, ['latchkey-backup-codes.txt', 'completed']);
  return (await readFile(file, 'utf8')).trim().split('\n');
}

/** A window with the same preload and page that the app did not register. */
async function strangeWindowAsks({ electron }, apiUrl) {
  const opened = electron.waitForEvent('window');
  await electron.evaluate(
    ({ BrowserWindow }, [url, preload, api]) => {
      const additionalArguments = [`--latchkey-api-url=${api}`];
      const window = new BrowserWindow({
        show: false,
        webPreferences: { preload, additionalArguments, sandbox: true },
      });
      window.loadURL(url);
    },
    [APP_URL, PRELOAD, apiUrl],
  );
  const page = await opened;
  await page.waitForURL(APP_URL);
  const answer = await page.evaluate(() => window.auth.snapshot());
  assert.equal(answer.code, 'ERR_SENDER_NOT_ALLOWED');
}

function notThe(code) {
  return String((Number(code) + 1) % 1_000_000).padStart(6, '0');
}
