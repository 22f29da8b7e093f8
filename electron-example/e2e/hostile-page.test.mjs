import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Computer } from './app.mjs';
import { seesAccount, signIn } from './page.mjs';
import { DEMO_USER, Server } from './server.mjs';
import { storedAnomalies } from './vault.mjs';

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

/** Calls every call of `window.auth` in this page and answers the codes. */
function codesOfAllCalls(url) {
  const request = { method: 'password', email: 'a@b.c', password: 'x', name: 'x' };
  const id = '0123456789abcdef0123456789abcdef';
  const { auth } = window;
  return Promise.all([
    auth.snapshot(),
    auth.signIn(request),
    auth.signUp(request),
    auth.awaitSignIn(id),
    auth.submitCode(id, { strategy: 'callback', code: 'c' }),
    auth.sendCode(id, 'otp'),
    auth.openSignIn(id),
    auth.copySignInLink(id),
    auth.cancelSignIn(id),
    auth.signOut(),
    auth.switchOrganization(null),
    auth.sessions(),
    auth.endSession('s'),
    auth.refresh(),
    auth.retry(),
    auth.lock(),
    auth.unlock(),
    auth.fetch(url),
  ]).then((answers) => answers.map((answer) => answer.code ?? 'allowed'));
}

test('a window with the same preload and page, but not registered, is refused and hears nothing', async (t) => {
  const { server, computer, app } = await signedIn(t);
  const opened = app.electron.waitForEvent('window');
  await app.electron.evaluate(
    ({ BrowserWindow }, [url, preload, apiUrl]) => {
      const additionalArguments = [`--latchkey-api-url=${apiUrl}`];
      const window = new BrowserWindow({
        show: false,
        webPreferences: { preload, additionalArguments, sandbox: true },
      });
      window.loadURL(url);
    },
    [APP_URL, PRELOAD, server.url],
  );
  const page = await opened;
  await page.waitForURL(APP_URL);
  assert.deepEqual(
    await page.evaluate(codesOfAllCalls, `${server.url}/api/profile`),
    Array.from({ length: 18 }, () => 'ERR_SENDER_NOT_ALLOWED'),
  );
  await page.evaluate(() => {
    window.heard = [];
    window.auth.onChange((snapshot) => window.heard.push(snapshot));
  });
  await app.page.evaluate(() => window.auth.refresh());
  await app.page.evaluate(() => window.auth.signOut());
  assert.deepEqual(await page.evaluate(() => window.heard), []);
  await app.quit();
  const anomalies = await storedAnomalies(computer);
  assert.deepEqual(
    anomalies.map(({ kind }) => kind),
    ['unknownSender'],
  );
});

for (const url of ['data:text/html,<h1>elsewhere</h1>', 'about:blank']) {
  test(`the registered window, brought to ${url} by the main process, is refused`, async (t) => {
    const { server, app } = await signedIn(t);
    await app.electron.evaluate(({ BrowserWindow }, to) => BrowserWindow.getAllWindows()[0].loadURL(to), url);
    await app.page.waitForFunction((to) => location.href === to, url);
    assert.deepEqual(
      await app.page.evaluate(codesOfAllCalls, `${server.url}/api/profile`),
      Array.from({ length: 18 }, () => 'ERR_SENDER_NOT_ALLOWED'),
    );
    assert.equal(await server.sessions(DEMO_USER.email), 1);
  });
}

test('the page cannot navigate, open windows, frame anything, or reach the network by itself', async (t) => {
  const { server, app } = await signedIn(t);
  const { page } = app;
  const refusals = await page.evaluate(async (url) => {
    const violations = [];
    document.addEventListener('securitypolicyviolation', (event) =>
      violations.push(event.effectiveDirective),
    );
    const fetched = await fetch(url).then(
      () => 'fetched',
      () => 'refused',
    );
    const frame = document.createElement('iframe');
    frame.src = 'app://latchkey-example/index.html';
    document.body.append(frame);
    await new Promise((resolve) => setTimeout(resolve, 200));
    const framedAuth = (() => {
      try {
        return typeof frame.contentWindow.auth;
      } catch {
        return 'undefined';
      }
    })();
    frame.remove();
    const opened = window.open('app://latchkey-example/index.html');
    const inline = document.createElement('script');
    let inlineRan = false;
    window.ranInline = () => (inlineRan = true);
    try {
      inline.textContent = 'window.ranInline()';
      document.body.append(inline);
    } catch {
      // trusted types
    }
    location.href = 'https://example.com/';
    await new Promise((resolve) => setTimeout(resolve, 200));
    return { fetched, framedAuth, opened, inlineRan, violations: violations.sort() };
  }, `${server.url}/api/health`);
  assert.equal(refusals.fetched, 'refused');
  assert.equal(refusals.framedAuth, 'undefined');
  assert.equal(refusals.opened, null);
  assert.equal(refusals.inlineRan, false);
  assert.ok(refusals.violations.includes('connect-src'));
  assert.ok(refusals.violations.includes('frame-src'));
  // Asked through the main process: Playwright itself still waits for the navigation that was refused.
  const shown = await app.electron.evaluate(async ({ BrowserWindow }) => {
    const [{ webContents }] = BrowserWindow.getAllWindows();
    const email = `document.querySelector('[data-testid="user-email"]').textContent`;
    return [webContents.getURL(), await webContents.executeJavaScript(email)];
  });
  assert.deepEqual(shown, [APP_URL, DEMO_USER.email]);
});

test('the token goes to no other origin, and the page has no Node and no generic channel', async (t) => {
  const { app } = await signedIn(t);
  const foreign = await Server.start(t);
  const answer = await app.page.evaluate((url) => window.auth.fetch(url), `${foreign.url}/api/profile`);
  assert.deepEqual([answer.ok, answer.code], [false, 'ERR_ORIGIN_NOT_ALLOWED']);
  assert.deepEqual(await foreign.requests(), []);
  assert.deepEqual(
    await app.page.evaluate(() => [
      typeof require,
      typeof process,
      typeof module,
      Object.isFrozen(window.auth),
    ]),
    ['undefined', 'undefined', 'undefined', true],
  );
  const preferences = await app.electron.evaluate(({ BrowserWindow }) =>
    BrowserWindow.getAllWindows()[0].webContents.getLastWebPreferences(),
  );
  assert.deepEqual(
    [preferences.contextIsolation, preferences.sandbox, preferences.nodeIntegration, preferences.webSecurity],
    [true, true, false, true],
  );
});
