// What the example itself does to keep its page where it is. What the bridge refuses: hostile-renderer.test.mjs.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Computer } from './app.mjs';
import { seesAccount, signIn } from './page.mjs';
import { DEMO_USER, Server } from './server.mjs';

const APP_URL = 'app://latchkey-example/index.html';

async function signedIn(t) {
  const server = await Server.start(t);
  const computer = await Computer.create(t);
  const app = await computer.start({ apiUrl: server.url });
  await signIn(app, DEMO_USER);
  await seesAccount(app, DEMO_USER);
  return { server, computer, app };
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
