import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { Computer } from './app.mjs';
import { callApi, seesAccount, seesSignInForm, signIn } from './page.mjs';
import { DEMO_USER, Server } from './server.mjs';
import { storedToken } from './vault.mjs';

async function signedIn(t, env) {
  const server = await Server.start(t);
  const computer = await Computer.create(t);
  const app = await computer.start({ apiUrl: server.url, env });
  await signIn(app, DEMO_USER);
  await seesAccount(app, DEMO_USER);
  return { server, computer, app };
}

async function lockNow(app) {
  await app.page.getByTestId('lock-now').click();
  await seesLocked(app);
}

async function seesLocked({ page }) {
  await page.getByTestId('locked').waitFor();
  assert.equal(await page.getByTestId('locked-email').textContent(), DEMO_USER.email);
  assert.equal(await page.getByTestId('account').count(), 0);
}

/** Presses "Unlock", and the dialog's button with this number. Answers what the dialog asked. */
async function unlock(app, button) {
  await app.electron.evaluate(({ dialog }, response) => {
    dialog.showMessageBox = async (_window, { message, buttons }) => {
      globalThis.question = { message, button: buttons[response] };
      return { response };
    };
  }, button);
  await app.page.getByTestId('unlock').click();
  await app.page.locator('[data-testid="account"], [data-testid="unlock-error"]').first().waitFor();
  return app.electron.evaluate(() => globalThis.question);
}

/** What the page gets when it tries all that needs the token. */
function codesOfCalls({ page }, url) {
  return page.evaluate(
    async (to) =>
      (await Promise.all([window.auth.fetch(to), window.auth.refresh()])).map((answer) => answer.code),
    `${url}/api/profile`,
  );
}

test('locked: no token leaves, also after a restart, until the person unlocks', async (t) => {
  const { server, computer, app: first } = await signedIn(t);
  await lockNow(first);
  await server.clearLog();
  const refused = ['ERR_SESSION_LOCKED', 'ERR_SESSION_LOCKED'];
  assert.deepEqual(await codesOfCalls(first, server.url), refused);
  await first.quit();
  await assert.rejects(storedToken(computer, server.url), /ERR_SESSION_LOCKED/, 'in another process neither');

  const app = await computer.start({ apiUrl: server.url });
  await seesLocked(app);
  assert.deepEqual([await app.insertions('account'), await app.insertions('sign-in-form')], [0, 0]);
  assert.deepEqual(await codesOfCalls(app, server.url), refused);
  assert.equal((await server.tokensShown()).length, 0);

  assert.deepEqual(await unlock(app, 1), { message: 'Unlock Latchkey?', button: 'Cancel' });
  await seesLocked(app);
  assert.deepEqual(await codesOfCalls(app, server.url), refused);

  assert.equal((await unlock(app, 0)).button, 'Unlock');
  await seesAccount(app, DEMO_USER);
  assert.equal((await callApi(app)).outcome, 'ok');
});

test('what was being typed is still there after unlocking', async (t) => {
  const { app } = await signedIn(t);
  await app.page.getByTestId('note').fill('half a thought');
  await lockNow(app);
  assert.equal(await app.page.getByText('half a thought').count(), 0);
  await unlock(app, 0);
  assert.equal(await app.page.getByTestId('note').inputValue(), 'half a thought');
});

test('a locked app can be left by signing out, and entered by the password', async (t) => {
  const { app } = await signedIn(t);
  await lockNow(app);
  await app.page.getByTestId('sign-out').click();
  await seesSignInForm(app);
  await signIn(app, DEMO_USER);
  await seesAccount(app, DEMO_USER);
  await lockNow(app);
  await app.page.getByTestId('use-password').click();
  await app.page.getByTestId('password').fill(DEMO_USER.password);
  await app.page.getByTestId('submit').click();
  await seesAccount(app, DEMO_USER);
});

for (const event of ['suspend', 'lock-screen']) {
  test(`the system's ${event} locks the app`, async (t) => {
    const { app } = await signedIn(t);
    await app.electron.evaluate(({ powerMonitor }, name) => powerMonitor.emit(name), event);
    await seesLocked(app);
  });
}

test('the app locks itself when nobody is at the computer, and not while somebody is', async (t) => {
  const { app } = await signedIn(t, { LATCHKEY_IDLE_TIMEOUT_MS: '4000' });
  const idleFor = (seconds) =>
    app.electron.evaluate(({ powerMonitor }, idle) => {
      powerMonitor.getSystemIdleTime = () => idle;
    }, seconds);
  await idleFor(0);
  await wait(6000);
  await seesAccount(app, DEMO_USER);
  await idleFor(60);
  await seesLocked(app);
  assert.match(await app.page.getByTestId('locked').innerText(), /locked itself/);
});
