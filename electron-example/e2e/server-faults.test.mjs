import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Computer } from './app.mjs';
import { formError, seesAccount, seesSignInForm, signIn } from './page.mjs';
import { DEMO_USER, Server } from './server.mjs';

for (const [mode, code] of [
  ['error500', 'ERR_SERVER'],
  ['html', 'ERR_SERVER'], // a proxy's page with a 502
  ['empty', 'ERR_UNEXPECTED_RESPONSE'],
  ['drop', 'ERR_NETWORK'],
]) {
  test(`signing in at a server that answers with "${mode}" says ${code}, and works when it is well again`, async (t) => {
    const server = await Server.start(t);
    const computer = await Computer.create(t);
    const app = await computer.start({ apiUrl: server.url });
    await seesSignInForm(app);
    await server.mode(mode);
    await signIn(app, DEMO_USER);
    assert.equal(await formError(app), code);
    // What was typed is still there.
    assert.equal(await app.page.getByTestId('email').inputValue(), DEMO_USER.email);
    assert.equal(await app.page.getByTestId('password').inputValue(), DEMO_USER.password);

    await server.mode('up');
    await app.page.getByTestId('submit').click();
    await seesAccount(app, DEMO_USER);
  });
}

test('signing in with no server at all says ERR_NETWORK', async (t) => {
  const server = await Server.start(t);
  const computer = await Computer.create(t);
  const app = await computer.start({ apiUrl: server.url });
  await server.stop();
  await signIn(app, DEMO_USER);
  assert.equal(await formError(app), 'ERR_NETWORK');
  await server.start();
  await app.page.getByTestId('submit').click();
  await seesAccount(app, DEMO_USER);
});
