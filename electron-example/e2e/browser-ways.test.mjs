// The other ways back from the browser: over a port of this computer, by another device; and out of the browser again.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertLetIn, call, counted, desk, refusal, sees, skip } from './desk.mjs';
import { PROVIDERS } from './providers.mjs';

const LOOPBACK = { browser: { redirect: 'loopback' }, deepLinks: null };

for (const name of ['OpenID Connect', 'WorkOS']) {
  test(`${name}: the browser comes back to a port of this computer, and ends on a page`, {
    skip,
  }, async (t) => {
    const world = await desk(t, PROVIDERS[name], LOOPBACK);
    const app = await world.start();
    const { signIn } = await world.begin(app);
    const waiting = call(app, 'awaitSignIn', signIn.id);
    const callback = new URL(await world.logIn(await world.browser.next()));
    assert.deepEqual([callback.protocol, callback.hostname], ['http:', '127.0.0.1']);
    // Somebody else finds the port first.
    const forged = new URL(callback);
    forged.searchParams.set('state', 'another');
    await fetch(forged);
    const page = await fetch(callback);
    assert.equal(page.status, 200);
    assert.match(await page.text(), /close/);
    assert.equal((await waiting).user.email, world.person.email);
    await assertLetIn(app, world);
    await assert.rejects(fetch(callback), 'the port is closed');
  });

  test(`${name}: by a code on another device, also after a restart in between`, { skip }, async (t) => {
    const world = await desk(t, PROVIDERS[name]);
    let app = await world.start();
    const { signIn, browserOpened } = await call(app, 'signIn', { method: 'device' });
    assert.deepEqual([signIn.awaits, browserOpened], ['device', false]);
    assert.match(signIn.userCode, /^[A-Z0-9-]{6,}$/);
    await app.quit();
    app = await world.start();
    assert.deepEqual((await sees(app, 'signingIn')).signIns, [signIn]);
    await call(app, 'openSignIn', signIn.id);
    const waiting = call(app, 'awaitSignIn', signIn.id);
    await world.approve(await world.browser.next(), signIn.userCode);
    assert.equal((await waiting).user.email, world.person.email);
    await assertLetIn(app, world);
  });
}

test('a sign-in on another device can be cancelled', { skip }, async (t) => {
  const world = await desk(t, PROVIDERS['OpenID Connect']);
  const app = await world.start();
  const { signIn } = await call(app, 'signIn', { method: 'device' });
  const waiting = refusal(app, 'awaitSignIn', signIn.id);
  await call(app, 'cancelSignIn', signIn.id);
  assert.equal(await waiting, 'ERR_SIGN_IN_CANCELLED');
  assert.equal((await call(app, 'snapshot')).state, 'signedOut');
});

test('a person who refuses in the browser is told so in the app, also when it had to be started', {
  skip,
}, async (t) => {
  const world = await desk(t, PROVIDERS['OpenID Connect']);
  let app = await world.start();
  const first = await world.begin(app);
  const waiting = refusal(app, 'awaitSignIn', first.signIn.id);
  await world.open(await world.refuse(await world.browser.next()));
  assert.equal(await waiting, 'ERR_ACCESS_DENIED');
  assert.equal((await call(app, 'snapshot')).signInProblem.code, 'ERR_ACCESS_DENIED');

  const { signIn } = await world.begin(app);
  assert.equal((await call(app, 'snapshot')).signInProblem, null);
  const callback = await world.refuse(await world.browser.next());
  await app.kill();
  app = await world.start(callback);
  await counted(app, { delivered: 1, ignored: 0 });
  const { state, signIns, signInProblem } = await call(app, 'snapshot');
  assert.deepEqual([state, signIns, signInProblem.id], ['signedOut', [], signIn.id]);
  assert.equal(signInProblem.code, 'ERR_ACCESS_DENIED');
});

for (const name of ['OpenID Connect', 'WorkOS']) {
  test(`${name}: signing out ends the session in the browser too, when the app wants it`, {
    skip,
  }, async (t) => {
    const world = await desk(t, PROVIDERS[name], { browser: { signOut: true } });
    const app = await world.start();
    const { signIn } = await world.begin(app);
    const waiting = call(app, 'awaitSignIn', signIn.id);
    await world.open(await world.logIn(await world.browser.next()));
    await waiting;
    await call(app, 'signOut');
    assert.equal((await sees(app, 'signedOut')).user, null);
    const page = new URL(await world.browser.next());
    assert.equal(page.origin, new URL(world.server.url).origin);
    assert.match(page.pathname, /logout|session\/end/);
  });
}

test('an app that may run several times: the process that is started for the address signs both in', {
  skip,
}, async (t) => {
  const world = await desk(t, PROVIDERS['OpenID Connect'], { deepLinks: { singleInstance: false } });
  const first = await world.start();
  await world.begin(first);
  const callback = await world.logIn(await world.browser.next());
  const second = await world.start(callback);
  for (const app of [first, second]) {
    const { user, signIns } = await sees(app, 'active');
    assert.deepEqual([user.email, signIns], [world.person.email, []]);
  }
  await counted(second, { delivered: 1, ignored: 0 });
});
