import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Computer } from './app.mjs';
import { callApi, checkNow, seesAccount, signIn, snapshot } from './page.mjs';
import { DEMO_USER, Server } from './server.mjs';

async function signedIn(t) {
  const server = await Server.start(t);
  const computer = await Computer.create(t);
  const app = await computer.start({ apiUrl: server.url });
  await signIn(app, DEMO_USER);
  await seesAccount(app, DEMO_USER);
  return { server, computer, app };
}

test('with the server stopped the user stays, the state is offline, and it recovers by itself', async (t) => {
  const { server, app } = await signedIn(t);
  await server.stop();
  await checkNow(app);
  await seesAccount(app, DEMO_USER, 'offline');
  await app.page.getByTestId('notice-offline').waitFor();
  const { user, retryAtMs } = await snapshot(app);
  assert.equal(user.email, DEMO_USER.email);
  assert.ok(retryAtMs > 0);

  await server.start();
  await seesAccount(app, DEMO_USER, 'active'); // nobody touches the window
  await app.page.getByTestId('notice-offline').waitFor({ state: 'detached' });
  assert.equal((await callApi(app)).outcome, 'ok');
  assert.equal(await app.insertions('notice-expired'), 0);
  assert.equal(await app.insertions('sign-in-form'), 1); // the first start's
});

test('started with the server stopped, the user is shown at once, and it recovers by itself', async (t) => {
  const { server, computer, app: first } = await signedIn(t);
  await first.quit();
  await server.stop();
  const app = await computer.start({ apiUrl: server.url });
  await seesAccount(app, DEMO_USER, 'offline');
  await server.start();
  await seesAccount(app, DEMO_USER, 'active');
  assert.equal(await app.insertions('sign-in-form'), 0);
  assert.equal(await app.insertions('notice-expired'), 0);
});

for (const mode of ['drop', 'error500', 'html', 'empty']) {
  test(`a server that answers with "${mode}" ends no session, over a restart too`, async (t) => {
    const { server, computer, app: first } = await signedIn(t);
    await server.mode(mode);
    await checkNow(first);
    await seesAccount(first, DEMO_USER, 'offline');
    const { outcome, text } = await callApi(first);
    assert.equal(outcome, 'error', text);
    await first.quit();

    const app = await computer.start({ apiUrl: server.url });
    await seesAccount(app, DEMO_USER, 'offline');
    await server.mode('up');
    await seesAccount(app, DEMO_USER, 'active');
    assert.equal((await callApi(app)).outcome, 'ok');
    assert.equal(await app.insertions('sign-in-form'), 0);
    assert.equal(await server.sessions(DEMO_USER.email), 1);
  });
}
