// Signing in through the system's browser, in real Electron: the app opens it, a scripted person signs in there, and the
// system hands the address that comes back to a second instance of the app, or starts the app for it.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { Computer, PROVIDER_APP } from './app.mjs';
import { PROVIDERS, SCHEME } from './providers.mjs';
import { SystemBrowser } from './system-browser.mjs';

const skip = process.platform !== 'linux' && 'how the system opens a browser is known for Linux only';

/** A computer with a browser, on which an app for this server runs. */
async function desk(t, { start }, options = {}) {
  const server = await start(t);
  const computer = await Computer.create(t);
  const browser = await SystemBrowser.install(computer);
  const auth = { provider: server.provider, deepLinks: { scheme: SCHEME }, ...options };
  const how = { app: PROVIDER_APP, env: { LATCHKEY_E2E_AUTH: JSON.stringify(auth) } };
  return {
    ...server,
    browser,
    computer,
    start: (url) => computer.start({ ...how, url }),
    /** The system opens an address of the app's scheme: it starts the app once more. */
    open: async (url) => assert.equal(await computer.startAgain({ ...how, url }), 0),
    /** A page begins to sign in. */
    begin: (app, request = {}) => call(app, 'signIn', { method: 'browser', ...server.hints, ...request }),
  };
}

/** A call of the page's; answers its value. */
async function call({ page }, name, ...args) {
  const answer = await page.evaluate(([method, rest]) => window.auth[method](...rest), [name, args]);
  assert.equal(answer.ok, true, `${name}: ${answer.code} ${answer.message}`);
  return answer.value;
}

/** The code with which a call of the page's is refused. */
async function refusal({ page }, name, ...args) {
  return (await page.evaluate(([method, rest]) => window.auth[method](...rest), [name, args])).code;
}

/** Waits in the page for a snapshot with this state. */
function sees({ page }, state) {
  return page.evaluate(
    (wanted) =>
      new Promise((resolve) => {
        const look = (snapshot) => snapshot.state === wanted && resolve(snapshot);
        window.auth.onChange(look);
        window.auth.snapshot().then(({ value }) => look(value));
      }),
    state,
  );
}

async function assertLetIn(app, { resource, person }) {
  const { status, body } = await call(app, 'fetch', resource);
  assert.equal(status, 200);
  assert.ok(Buffer.from(Object.values(body)).toString().includes(person.email));
}

/** Waits until as many addresses of the app's scheme were handed to a sign-in, and as many to none. */
async function counted(app, expected) {
  const deadline = Date.now() + 30_000;
  for (;;) {
    const counts = await app.electron.evaluate(() => globalThis.auth.callbackCounts());
    const total = counts.delivered + counts.ignored;
    if (total >= expected.delivered + expected.ignored || Date.now() > deadline) {
      return assert.deepEqual(counts, expected);
    }
    await wait(20);
  }
}

/** What the address has that only the app may know: its parameters' values. */
function secretsIn(address) {
  const { search, hash } = new URL(address);
  const values = [search, hash].flatMap((part) => [...new URLSearchParams(part.slice(1)).values()]);
  return values.filter((value) => value.length >= 16);
}

for (const [name, way] of Object.entries(PROVIDERS)) {
  test(`${name}: a second instance brings the browser's answer; restored at the next start; signed out`, {
    skip,
  }, async (t) => {
    const world = await desk(t, way);
    const { browser, computer, person } = world;
    let app = await world.start();
    const { status, signIn, browserOpened } = await world.begin(app);
    assert.deepEqual([status, signIn.awaits, browserOpened], ['pending', 'browser', true]);
    const address = await browser.next();
    assert.deepEqual((await sees(app, 'signingIn')).signIns, [signIn]);
    const waiting = call(app, 'awaitSignIn', signIn.id);
    const callback = await world.logIn(address);
    await world.open(callback);
    assert.equal((await waiting).user.email, person.email);
    assert.deepEqual((await sees(app, 'active')).signIns, []);
    await assertLetIn(app, world);

    // The same address once more, as a browser's history brings it.
    await world.open(callback);
    await counted(app, { delivered: 1, ignored: 1 });
    await assertLetIn(app, world);
    await app.quit();

    app = await world.start();
    assert.equal((await sees(app, 'active')).user.email, person.email);
    await assertLetIn(app, world);
    await call(app, 'signOut');
    assert.equal((await sees(app, 'signedOut')).user, null);
    await app.quit();

    const messages = JSON.stringify(await computer.messages());
    assert.ok(messages.includes(signIn.id));
    for (const secret of [...secretsIn(address), ...secretsIn(callback)]) {
      if (secret !== person.email) assert.equal(messages.includes(secret), false, 'it crossed to a page');
    }
  });

  test(`${name}: a sign-in survives kill -9, and the app that is started for its address completes it`, {
    skip,
  }, async (t) => {
    const world = await desk(t, way);
    let app = await world.start();
    const { signIn } = await world.begin(app);
    const callback = await world.logIn(await world.browser.next());
    await app.kill();
    app = await world.start(callback);
    const { user, signIns } = await sees(app, 'active');
    assert.deepEqual([user.email, signIns], [world.person.email, []]);
    await assertLetIn(app, world);
    assert.equal((await refusal(app, 'awaitSignIn', signIn.id)) ?? 'complete', 'complete');
  });

  test(`${name}: a sign-in from before a restart is shown, and can be gone on with`, { skip }, async (t) => {
    const world = await desk(t, way);
    let app = await world.start();
    const { signIn } = await world.begin(app);
    const address = await world.browser.next();
    await app.quit();
    app = await world.start();
    assert.deepEqual((await sees(app, 'signingIn')).signIns, [signIn]);
    await call(app, 'openSignIn', signIn.id);
    assert.equal(await world.browser.next(), address);
    const waiting = call(app, 'awaitSignIn', signIn.id);
    await world.open(await world.logIn(address));
    assert.equal((await waiting).user.email, world.person.email);
  });

  test(`${name}: cancelled, its address brings nothing any more`, { skip }, async (t) => {
    const world = await desk(t, way);
    const app = await world.start();
    const { signIn } = await world.begin(app);
    const waiting = refusal(app, 'awaitSignIn', signIn.id);
    const callback = await world.logIn(await world.browser.next());
    await call(app, 'cancelSignIn', signIn.id);
    assert.equal(await waiting, 'ERR_SIGN_IN_CANCELLED');
    const { state, signIns, signInProblem } = await call(app, 'snapshot');
    assert.deepEqual([state, signIns, signInProblem], ['signedOut', [], null]);
    await world.open(callback);
    await counted(app, { delivered: 0, ignored: 1 });
    assert.equal((await call(app, 'snapshot')).state, 'signedOut');
  });

  test(`${name}: of two at once the first that comes back signs in, and the other is over`, {
    skip,
  }, async (t) => {
    const world = await desk(t, way);
    const app = await world.start();
    const first = await world.begin(app);
    const second = await world.begin(app);
    const addresses = [await world.browser.next(), await world.browser.next()];
    assert.deepEqual(
      (await call(app, 'snapshot')).signIns.map(({ id }) => id),
      [first.signIn.id, second.signIn.id],
    );
    const ends = [refusal(app, 'awaitSignIn', first.signIn.id), call(app, 'awaitSignIn', second.signIn.id)];
    const callbacks = [await world.logIn(addresses[0]), await world.logIn(addresses[1])];
    await world.open(callbacks[1]);
    assert.equal((await ends[1]).user.email, world.person.email);
    assert.equal(await ends[0], 'ERR_SIGN_IN_CANCELLED');
    await world.open(callbacks[0]);
    await counted(app, { delivered: 1, ignored: 1 });
    await assertLetIn(app, world);
  });

  test(`${name}: what the person pastes completes it`, { skip }, async (t) => {
    const world = await desk(t, way);
    const app = await world.start();
    const { signIn } = await world.begin(app);
    const callback = await world.logIn(await world.browser.next());
    assert.equal(
      await refusal(app, 'submitCode', signIn.id, {
        strategy: 'callback',
        code: `${SCHEME}://elsewhere?x=1`,
      }),
      'ERR_CALLBACK_INVALID',
    );
    const { status, user } = await call(app, 'submitCode', signIn.id, {
      strategy: 'callback',
      code: ` ${callback}\n`,
    });
    assert.deepEqual([status, user.email], ['complete', world.person.email]);
    await assertLetIn(app, world);
  });

  test(`${name}: hostile addresses change nothing, and the right one still signs in`, { skip }, async (t) => {
    const world = await desk(t, way);
    const app = await world.start();
    const { signIn } = await world.begin(app);
    const callback = await world.logIn(await world.browser.next());
    const { host, pathname, search, hash } = new URL(callback);
    const path = pathname === '' ? '' : pathname;
    const hostile = [
      `${SCHEME}:`,
      `${SCHEME}://`,
      `${SCHEME}:#`,
      `${SCHEME}://${host}${path}`,
      `${SCHEME}://${host}${path}#`,
      `${SCHEME}://${host}${path}?code=c&state=s`,
      `${SCHEME}://${host}${path}#token=e30`,
      `${SCHEME}://evil.example${path}${search}${hash}`,
      `${SCHEME}://${host}/elsewhere${search}${hash}`,
      `${SCHEME}://user:password@${host}${path}${search}${hash}`,
      `${callback}${'x'.repeat(10_000)}`,
    ];
    for (const url of hostile) await world.open(url);
    await world.open('com.example.other://callback?code=c&state=s');
    await counted(app, { delivered: 0, ignored: hostile.length });
    assert.deepEqual((await call(app, 'snapshot')).signIns, [signIn]);
    await world.open(callback);
    assert.equal((await sees(app, 'active')).user.email, world.person.email);
  });
}

test('the scheme is registered with the system, in the name of the app', { skip }, async (t) => {
  const world = await desk(t, PROVIDERS['Better Auth']);
  await world.start();
  assert.match(
    await readFile(world.computer.path('xdg-settings'), 'utf8'),
    new RegExp(`set default-url-scheme-handler ${SCHEME} `),
  );
});
