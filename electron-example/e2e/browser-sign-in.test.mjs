// Signing in through the system's browser, in real Electron: the app opens it, a scripted person signs in there, and the
// system hands the address that comes back to a second instance of the app, or starts the app for it.
import assert from 'node:assert/strict';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { assertLetIn, call, counted, desk, refusal, sees, skip } from './desk.mjs';
import { PROVIDERS } from './providers.mjs';

/** What the address has that only the app and the server may know: states, challenges, codes. Not addresses or names. */
function secretsIn(address) {
  const { search, hash } = new URL(address);
  const values = [search, hash].flatMap((part) => [...new URLSearchParams(part.slice(1)).values()]);
  return values.filter((value) => /^[\w.=-]{16,}$/.test(value));
}

/** What the app has written, its log included. */
async function filesOf(computer, names) {
  const files = [];
  for (const name of names) {
    const root = computer.path(name);
    const isFolder = (await stat(root)).isDirectory();
    const entries = isFolder ? await readdir(root, { withFileTypes: true, recursive: true }) : [];
    const paths = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.path, entry.name));
    for (const path of isFolder ? paths : [root]) files.push([path, await readFile(path)]);
  }
  return files;
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
    const secrets = [...secretsIn(address), ...secretsIn(callback)];
    assert.ok(secrets.length >= 3, 'state, challenge, code');
    for (const secret of secrets) assert.equal(messages.includes(secret), false, 'it crossed to a page');
    const files = await filesOf(computer, [
      'app.log',
      'user-data',
      'vault',
      'home',
      'config',
      'cache',
      'data',
    ]);
    assert.ok(files.length > 10, `${files.length} files`);
    for (const secret of secrets) {
      for (const [path, content] of files) assert.equal(content.includes(secret), false, path);
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
    const { scheme } = world;
    const { signIn } = await world.begin(app);
    const callback = await world.logIn(await world.browser.next());
    assert.equal(
      await refusal(app, 'submitCode', signIn.id, {
        strategy: 'callback',
        code: `${scheme}://elsewhere?x=1`,
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
    const { scheme } = world;
    const { host, pathname: path, search, hash } = new URL(callback);
    const hostile = [
      `${scheme}:`,
      `${scheme}://`,
      `${scheme}:#`,
      `${scheme}://${host}${path}`,
      `${scheme}://${host}${path}#`,
      `${scheme}://${host}${path}?code=c&state=s`,
      `${scheme}://${host}${path}#token=e30`,
      `${scheme}://evil.example${path}${search}${hash}`,
      `${scheme}://${host}/elsewhere${search}${hash}`,
      `${scheme}://user:password@${host}${path}${search}${hash}`,
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
  const { scheme } = world;
  await world.start();
  assert.match(
    await readFile(world.computer.path('xdg-settings'), 'utf8'),
    new RegExp(`set default-url-scheme-handler ${scheme} `),
  );
});
