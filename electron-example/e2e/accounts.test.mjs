import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Computer } from './app.mjs';
import { callApi, NEW_USER, openSection, seesAccount, seesSignInForm, signIn, signUp } from './page.mjs';
import { DEMO_USER, Server } from './server.mjs';

test('a second account is added, switched to and from, and signed out alone', async (t) => {
  const server = await Server.start(t);
  const computer = await Computer.create(t);
  let app = await computer.start({ apiUrl: server.url });
  await signIn(app, DEMO_USER);
  await seesAccount(app, DEMO_USER);
  await app.page.getByTestId('note').fill('what the first one writes');

  // One can go back before anybody has signed in.
  await openSection(app, 'account');
  await app.page.getByTestId('add-account').click();
  await seesSignInForm(app);
  await app.page.getByTestId('go-on-as').click();
  await seesAccount(app, DEMO_USER);
  assert.equal(await app.page.getByTestId('note').inputValue(), 'what the first one writes');

  await openSection(app, 'account');
  await app.page.getByTestId('add-account').click();
  await seesSignInForm(app);
  await signUp(app);
  await seesAccount(app, NEW_USER);
  assert.equal(await app.page.getByTestId('note').inputValue(), '', 'the note is the other’s');
  assert.match((await callApi(app)).text, new RegExp(NEW_USER.email));

  // The one at the front is so after a restart too.
  await app.quit();
  app = await computer.start({ apiUrl: server.url });
  await seesAccount(app, NEW_USER);
  await openSection(app, 'account');
  await app.page.getByTestId('switch-account').click();
  await app.page.getByTestId('user-email').getByText(DEMO_USER.email).waitFor();
  await openSection(app, 'overview');
  assert.match((await callApi(app)).text, new RegExp(DEMO_USER.email));

  await openSection(app, 'account');
  await app.page.getByTestId('sign-out-account').click();
  await app.page.getByTestId('confirm-yes').click();
  await seesSignInForm(app);
  await server.hasSessions(DEMO_USER.email, 0);
  assert.equal(await server.sessions(NEW_USER.email), 1, 'the other stays signed in');
  await app.page.getByTestId('go-on-as').click();
  await seesAccount(app, NEW_USER);
});
