// "Sign in with your browser" in the example, and the server's page that it leads to, in a window of its own.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { totp } from '../../__test__/peers/authenticator.mjs';
import { Computer } from './app.mjs';
import { seesAccount, seesSignInForm } from './page.mjs';
import { enrol } from './peers/enrol.mjs';
import { DEMO_USER, Server } from './server.mjs';
import { SystemBrowser } from './system-browser.mjs';

const skip = process.platform !== 'linux' && 'how the system opens a browser is known for Linux only';

async function started(t) {
  const server = await Server.start(t);
  const computer = await Computer.create(t);
  const browser = await SystemBrowser.install(computer);
  const app = await computer.start({ apiUrl: server.url });
  await seesSignInForm(app);
  return { server, computer, browser, app };
}

/** A browser's window: it shows the page and notes where the page leads out of the web. */
async function browserWindow(app, address) {
  const opened = app.electron.waitForEvent('window');
  await app.electron.evaluate(({ BrowserWindow }, url) => {
    const window = new BrowserWindow({ show: false, webPreferences: { partition: 'a browser' } });
    globalThis.browserWindow = window;
    globalThis.ledTo = new Promise((resolve) => {
      window.webContents.on('will-navigate', (_event, to) => resolve(to));
    });
    window.loadURL(url);
  }, address);
  return opened;
}

/** Presses the button that leads out of the web, and does not wait for that navigation: it ends nowhere. */
function leave(page) {
  return page.getByRole('button').click({ noWaitAfter: true });
}

/** Where the page has led, and what it says then. Not asked of the page: Playwright waits for the navigation. */
function end(app) {
  return app.electron.evaluate(async () => {
    const ledTo = await globalThis.ledTo;
    const look = `[document.querySelector('section h1').innerText, document.querySelector('#address').value]`;
    return [ledTo, ...(await globalThis.browserWindow.webContents.executeJavaScript(look))];
  });
}

test('the button leads to the page, the page back to the app, and the window to the account', {
  skip,
}, async (t) => {
  const { server, computer, browser, app } = await started(t);
  await app.page.getByTestId('sign-in-with-browser').click();
  const page = await browserWindow(app, await browser.next());
  await page.getByLabel('E-mail').fill(DEMO_USER.email);
  await page.getByLabel('Password').fill('wrong');
  await page.getByRole('button').click();
  assert.match(await page.getByRole('alert').innerText(), /wrong/);
  await page.getByLabel('Password').fill(DEMO_USER.password);
  await leave(page);
  const [callback, heading, shown] = await end(app);
  assert.deepEqual([heading, shown], ['You are signed in', callback]);
  await app.page.getByTestId('browser-waiting').waitFor();
  assert.equal(await computer.startAgain({ apiUrl: server.url, url: callback }), 0);
  await seesAccount(app, DEMO_USER);
});

test('the person can give it up, go on after a restart, and paste what the page shows', {
  skip,
}, async (t) => {
  const { server, computer, browser, app: first } = await started(t);
  await first.page.getByTestId('sign-in-with-browser').click();
  await browser.next();
  await first.page.getByTestId('browser-cancel').click();
  await seesSignInForm(first);
  await first.page.getByTestId('sign-in-with-browser').click();
  const address = await browser.next();
  await first.page.getByTestId('browser-waiting').waitFor();
  await first.quit();

  const app = await computer.start({ apiUrl: server.url });
  await app.page.getByTestId('browser-waiting').waitFor();
  await app.page.getByTestId('browser-open').click();
  assert.equal(await browser.next(), address);
  const page = await browserWindow(app, address);
  await page.getByLabel('E-mail').fill(DEMO_USER.email);
  await page.getByLabel('Password').fill(DEMO_USER.password);
  await leave(page);
  const [, , pasted] = await end(app);
  await app.page.getByTestId('browser-paste').fill('nothing of the kind');
  await app.page.getByTestId('browser-submit').click();
  await app.page.getByTestId('sign-in-error').waitFor();
  await app.page.getByTestId('browser-paste').fill(pasted);
  await app.page.getByTestId('browser-submit').click();
  await seesAccount(app, DEMO_USER);
});

test('the page asks for the second factor, and brings no code to the app before it has it', {
  skip,
}, async (t) => {
  const { server, computer, browser, app } = await started(t);
  const { secret } = await enrol(server.url, DEMO_USER);
  await app.page.getByTestId('sign-in-with-browser').click();
  const page = await browserWindow(app, await browser.next());
  await page.getByLabel('E-mail').fill(DEMO_USER.email);
  await page.getByLabel('Password').fill(DEMO_USER.password);
  await page.getByRole('button').click();
  await page.getByLabel('Code', { exact: true }).waitFor();
  assert.equal(await page.evaluate(() => document.cookie), '');
  await page.getByLabel('Code', { exact: true }).fill(totp(secret));
  await leave(page);
  const [callback] = await end(app);
  await app.page.getByTestId('browser-waiting').waitFor();
  assert.equal(await computer.startAgain({ apiUrl: server.url, url: callback }), 0);
  await seesAccount(app, DEMO_USER);
});
