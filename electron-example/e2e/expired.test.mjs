import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Computer } from './app.mjs';
import { callApi, checkNow, NEW_USER, seesAccount, signIn, signUp } from './page.mjs';
import { DEMO_USER, Server } from './server.mjs';

const NOTE = 'half a thought that must not be lost';

async function signedInWithWork(t) {
  const server = await Server.start(t);
  const computer = await Computer.create(t);
  const app = await computer.start({ apiUrl: server.url });
  await signIn(app, DEMO_USER);
  await seesAccount(app, DEMO_USER);
  await app.page.getByTestId('note').fill(NOTE);
  return { server, computer, app };
}

async function noteOf({ page }) {
  return page.getByTestId('note').inputValue();
}

for (const [how, notice] of [
  ['a protected call', callApi],
  ['asking the server', checkNow],
]) {
  test(`a session revoked on the server, noticed by ${how}: expired, one notice, nothing else lost`, async (t) => {
    const { server, app } = await signedInWithWork(t);
    await server.revoke(DEMO_USER.email);
    await notice(app);
    await seesAccount(app, DEMO_USER, 'expired');
    await app.page.getByTestId('notice-expired').waitFor();
    // Further calls find the same: no second notice, and nobody is thrown out.
    await callApi(app);
    await callApi(app);
    assert.equal(await app.insertions('notice-expired'), 1);
    assert.equal(await app.insertions('account'), 1);
    assert.equal(await app.insertions('sign-in-form'), 1); // the first start's
    assert.equal(await noteOf(app), NOTE);
  });
}

test('signing in again from the notice goes on where the person was', async (t) => {
  const { server, app } = await signedInWithWork(t);
  await server.revoke(DEMO_USER.email);
  await checkNow(app);
  await app.page.getByTestId('sign-in-again').click();
  const dialog = app.page.getByTestId('sign-in-dialog');
  await dialog.getByTestId('password').fill('not-the-password');
  await dialog.getByTestId('submit').click();
  await dialog.getByTestId('form-error').waitFor();
  assert.equal(await dialog.getByTestId('form-error').getAttribute('data-code'), 'ERR_INVALID_CREDENTIALS');
  await seesAccount(app, DEMO_USER, 'expired');

  await dialog.getByTestId('password').fill(DEMO_USER.password);
  await dialog.getByTestId('submit').click();
  await seesAccount(app, DEMO_USER, 'active');
  await app.page.getByTestId('notice-expired').waitFor({ state: 'detached' });
  assert.equal(await noteOf(app), NOTE);
  assert.equal((await callApi(app)).outcome, 'ok');
});

test('a session whose time has run out is expired like a revoked one', async (t) => {
  const { server, app } = await signedInWithWork(t);
  await server.touch(DEMO_USER.email, -1000);
  await checkNow(app);
  await seesAccount(app, DEMO_USER, 'expired');
  assert.equal(await noteOf(app), NOTE);
});

test('revoking one person leaves another on the same server signed in', async (t) => {
  const { server, app } = await signedInWithWork(t);
  const other = await (await Computer.create(t)).start({ apiUrl: server.url });
  await signUp(other);
  await seesAccount(other, NEW_USER);
  await server.revoke(NEW_USER.email);
  await checkNow(other);
  await seesAccount(other, NEW_USER, 'expired');
  await checkNow(app);
  assert.equal((await callApi(app)).outcome, 'ok');
  await seesAccount(app, DEMO_USER, 'active');
});
