import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Computer } from './app.mjs';
import { callApi, seesAccount, seesSignInForm, signIn, snapshot } from './page.mjs';
import { DEMO_USER, Server } from './server.mjs';

test('quit and start again: still signed in, and the sign-in form was never in the page', async (t) => {
  const server = await Server.start(t);
  const computer = await Computer.create(t);
  let app = await computer.start({ apiUrl: server.url });
  await signIn(app, DEMO_USER);
  await seesAccount(app, DEMO_USER);
  assert.equal(await app.insertions('sign-in-form'), 1, 'the recorder sees the form when there is one');
  await app.quit();
  await server.clearLog();

  for (const start of ['second', 'third']) {
    app = await computer.start({ apiUrl: server.url });
    await seesAccount(app, DEMO_USER);
    assert.equal(await app.insertions('account'), 1, start);
    assert.equal(await app.insertions('sign-in-form'), 0, start);
    assert.equal((await callApi(app)).outcome, 'ok', start);
    await app.quit();
  }
  assert.equal(await server.sessions(DEMO_USER.email), 1);
  assert.deepEqual(
    (await server.requests()).filter((request) => request.includes('sign-in')),
    [],
  );
});

test('killed and started again: still signed in', async (t) => {
  const server = await Server.start(t);
  const computer = await Computer.create(t);
  let app = await computer.start({ apiUrl: server.url });
  await signIn(app, DEMO_USER);
  await seesAccount(app, DEMO_USER);
  await app.kill();
  app = await computer.start({ apiUrl: server.url });
  await seesAccount(app, DEMO_USER);
  assert.equal(await app.insertions('sign-in-form'), 0);
});

test('the cached user is shown while the server has not yet answered', async (t) => {
  const server = await Server.start(t);
  const computer = await Computer.create(t);
  let app = await computer.start({ apiUrl: server.url });
  await signIn(app, DEMO_USER);
  await seesAccount(app, DEMO_USER);
  await app.quit();
  await server.mode('drop');
  app = await computer.start({ apiUrl: server.url });
  await app.page.getByTestId('account').waitFor();
  assert.equal(await app.page.getByTestId('user-email').textContent(), DEMO_USER.email);
  assert.ok(['restoring', 'offline'].includes((await snapshot(app)).state));
  assert.equal(await app.insertions('sign-in-form'), 0);
});

test('a session that ended while the app was closed is shown as expired, with its user', async (t) => {
  const server = await Server.start(t);
  const computer = await Computer.create(t);
  let app = await computer.start({ apiUrl: server.url });
  await signIn(app, DEMO_USER);
  await seesAccount(app, DEMO_USER);
  await app.quit();
  await server.revoke(DEMO_USER.email);
  app = await computer.start({ apiUrl: server.url });
  await seesAccount(app, DEMO_USER, 'expired');
  assert.equal(await app.insertions('notice-expired'), 1);
});

test('a second start of the app shows the first window and changes nothing', async (t) => {
  const server = await Server.start(t);
  const computer = await Computer.create(t);
  const app = await computer.start({ apiUrl: server.url });
  await seesSignInForm(app);
  assert.equal(await computer.startAgain({ apiUrl: server.url }), 0);
  await signIn(app, DEMO_USER);
  await seesAccount(app, DEMO_USER);
});
