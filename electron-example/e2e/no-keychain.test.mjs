import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { Computer } from './app.mjs';
import { seesAccount, seesSignInForm, signIn, snapshot } from './page.mjs';
import { DEMO_USER, Server } from './server.mjs';

const linuxOnly = { skip: process.platform !== 'linux' && 'the secret service is Linux' };

async function saysWhatIsMissing(app, computer) {
  const { page } = app;
  await page.getByTestId('unavailable').waitFor();
  assert.equal(await page.getByTestId('unavailable-code').textContent(), 'ERR_KEYCHAIN_UNAVAILABLE');
  assert.match(await page.getByTestId('unavailable').innerText(), /gnome-keyring/);
  assert.equal(await app.insertions('sign-in-form'), 0, 'nothing weaker is offered');
  for (const call of ['signIn', 'signUp']) {
    const credentials = {
      method: 'password',
      name: 'Ada',
      email: 'ada@example.com',
      password: 'difference-engine',
    };
    const answer = await page.evaluate(([name, request]) => window.auth[name](request), [call, credentials]);
    assert.deepEqual([answer.ok, answer.code], [false, 'ERR_KEYCHAIN_UNAVAILABLE'], call);
  }
  assert.deepEqual(await readdir(computer.vault), [], 'nothing was written');
}

test('without D-Bus the app starts, says what is missing, and writes nothing', linuxOnly, async (t) => {
  const server = await Server.start(t);
  const computer = await Computer.create(t, { keyring: 'none' });
  // Without the runtime folder too: a client would find a bus at $XDG_RUNTIME_DIR/bus.
  const env = { DBUS_SESSION_BUS_ADDRESS: undefined, XDG_RUNTIME_DIR: computer.path('home') };
  const app = await computer.start({ apiUrl: server.url, env });
  await saysWhatIsMissing(app, computer);
  await app.page.getByTestId('retry').click();
  await saysWhatIsMissing(app, computer);
  assert.deepEqual(await server.requests(), []);
});

test(
  'on a bus without a secret service likewise; once there is one, retry goes on without a restart',
  linuxOnly,
  async (t) => {
    const server = await Server.start(t);
    const computer = await Computer.create(t, { keyring: 'none' });
    const app = await computer.start({ apiUrl: server.url });
    await saysWhatIsMissing(app, computer);

    computer.startKeyring();
    await retryUntilOpen(app);
    await seesSignInForm(app);
    await signIn(app, DEMO_USER);
    await seesAccount(app, DEMO_USER);
  },
);

/** What a person does who has just installed a keyring: presses the button until it has come up. */
async function retryUntilOpen(app) {
  for (let tries = 0; tries < 50; tries += 1) {
    await app.page.getByTestId('retry').click();
    await app.page.waitForFunction(() =>
      window.auth.snapshot().then(({ value }) => value.state !== 'opening'),
    );
    if ((await snapshot(app)).state !== 'unavailable') return;
    await wait(100);
  }
}
