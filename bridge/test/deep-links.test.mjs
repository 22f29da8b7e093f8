// The app's URL scheme: every way in which a URL comes in, and what is done about hostile ones.
import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import { FakeAddon, FakeApp, FakeWindow, latchkeyError } from './fake-electron.mjs';
import { CHANNELS, PAGE, settle, startAuth, startOpenAuth } from './start.mjs';

const SCHEME = 'com.example.test';
const URL = `${SCHEME}://callback?code=c&state=s`;
const deepLinks = { scheme: SCHEME };
const original = { argv: process.argv, platform: process.platform, defaultApp: process.defaultApp };

afterEach(() => {
  process.argv = original.argv;
  process.defaultApp = original.defaultApp;
  Object.defineProperty(process, 'platform', { value: original.platform });
});

function callbacksOf({ session }) {
  return session.calls.filter(([name]) => name === 'handleCallback').map(([, url]) => url);
}

/** A macOS event, which the app takes by preventing what happens otherwise. */
function openUrl(app, url) {
  const event = { prevented: false, preventDefault: () => (event.prevented = true) };
  app.emit('open-url', event, url);
  return event.prevented;
}

function secondInstance(app, ...argv) {
  app.emit('second-instance', {}, ['/usr/bin/app', ...argv], '/home/ada', null);
}

test('the scheme is registered with the system', () => {
  assert.deepEqual(startAuth({ deepLinks }).app.registered, [[SCHEME]]);
  process.defaultApp = true;
  assert.deepEqual(startAuth({ deepLinks }).app.registered, [
    [SCHEME, process.execPath, ['/path/of/the/app']],
  ]);
  assert.deepEqual(startAuth({ deepLinks: { ...deepLinks, register: false } }).app.registered, []);
  assert.deepEqual(startAuth().app.registered, []);
});

test('on Windows the registered command ends its options before the URL', () => {
  Object.defineProperty(process, 'platform', { value: 'win32' });
  assert.deepEqual(startAuth({ deepLinks }).app.registered, [[SCHEME, process.execPath, ['--']]]);
  process.defaultApp = true;
  assert.deepEqual(startAuth({ deepLinks }).app.registered, [
    [SCHEME, process.execPath, ['/path/of/the/app', '--']],
  ]);
});

test('cold start: a URL among the arguments waits for the vault and reaches the session', async () => {
  process.argv = ['/usr/bin/app', '--flag', URL];
  const addon = new FakeAddon();
  let open;
  addon.openVault = () => new Promise((resolve) => (open = resolve));
  const { auth } = startAuth({ addon, deepLinks });
  await settle();
  open();
  await auth.session();
  await settle();
  assert.deepEqual(callbacksOf(addon), [URL]);
  assert.deepEqual(auth.callbackCounts(), { delivered: 1, ignored: 0 });
});

test('a URL that comes while the vault cannot be opened waits until it can', async () => {
  const addon = new FakeAddon();
  addon.openVault = async () => {
    throw latchkeyError('ERR_KEYCHAIN_LOCKED');
  };
  const { app, auth } = startAuth({ addon, deepLinks });
  await settle();
  openUrl(app, URL);
  await settle();
  assert.deepEqual(auth.callbackCounts(), { delivered: 0, ignored: 0 });
  addon.openVault = async () => undefined;
  await auth.retry();
  await settle();
  assert.deepEqual(callbacksOf(addon), [URL]);
});

test('a URL that comes before the app has cleared up after the last person waits for that', async () => {
  let cleared;
  const onSignedOut = () => new Promise((resolve) => (cleared = resolve));
  const { app, addon } = await startOpenAuth({ deepLinks, onSignedOut });
  addon.session.change({ state: 'active', reason: 'signedIn', user: { id: 'u1' } });
  addon.session.change({ state: 'signedOut', reason: 'signedOut', user: null });
  openUrl(app, URL);
  await settle();
  assert.deepEqual(callbacksOf(addon), []);
  cleared();
  await settle();
  assert.deepEqual(callbacksOf(addon), [URL]);
});

test('open-url before the app is ready is taken', async () => {
  const { app, auth, addon } = startAuth({ deepLinks });
  assert.equal(openUrl(app, URL), true);
  await auth.session();
  await settle();
  assert.deepEqual(callbacksOf(addon), [URL]);
});

test('a second instance hands its URL over, wherever it stands, and the window comes to the front', async () => {
  const { app, addon, window } = await startOpenAuth({ deepLinks });
  window.minimized = true;
  secondInstance(app, '--allow-file-access-from-files', URL, '--original-process-start-time=1');
  await settle();
  assert.deepEqual(callbacksOf(addon), [URL]);
  assert.deepEqual(window.did, ['restore', 'show', 'focus']);
});

test('a second instance without a URL only brings the window to the front', async () => {
  const { app, auth, addon, window } = await startOpenAuth({ deepLinks });
  secondInstance(app, '/home/ada/document.txt');
  await settle();
  assert.deepEqual(callbacksOf(addon), []);
  assert.deepEqual(window.did, ['show', 'focus']);
  assert.deepEqual(auth.callbackCounts(), { delivered: 0, ignored: 0 });
});

test('the window that was registered last comes to the front, one that is gone does not', async () => {
  const { app, auth, window } = await startOpenAuth({ deepLinks });
  const later = new FakeWindow(PAGE);
  auth.register(later);
  secondInstance(app, URL);
  assert.deepEqual([window.did, later.did], [[], ['show', 'focus']]);
  later.destroy();
  secondInstance(app, URL);
  assert.deepEqual(window.did, ['show', 'focus']);
  window.destroy();
  secondInstance(app, URL);
});

test('an app can bring itself to the front in its own way', async () => {
  let focused = 0;
  const { app, window } = await startOpenAuth({ deepLinks: { ...deepLinks, focus: () => focused++ } });
  secondInstance(app, URL);
  openUrl(app, URL);
  assert.deepEqual([focused, window.did], [2, []]);
});

test('several at once each reach the session, up to as many as there can be sign-ins', async () => {
  const { app, auth, addon } = startAuth({ deepLinks });
  const urls = Array.from({ length: 12 }, (_, number) => `${URL}${number}`);
  for (const url of urls) openUrl(app, url);
  await auth.session();
  await settle();
  assert.deepEqual(callbacksOf(addon), urls.slice(0, 8));
  assert.deepEqual(auth.callbackCounts(), { delivered: 8, ignored: 4 });

  const many = await startOpenAuth({ deepLinks });
  secondInstance(many.app, ...urls);
  await settle();
  assert.equal(callbacksOf(many.addon).length, 8);
});

test('the scheme is compared as the system does, without regard to case', async () => {
  const { app, addon } = await startOpenAuth({ deepLinks });
  assert.equal(openUrl(app, URL.replace(SCHEME, 'COM.example.Test')), true);
  await settle();
  assert.equal(callbacksOf(addon).length, 1);
});

for (const [what, url] of [
  ['another scheme', 'com.example.other://callback?code=c&state=s'],
  ['a scheme that only begins the same', `${SCHEME}.evil://callback?code=c&state=s`],
  ['the scheme inside a switch', `--open=${URL}`],
  ['the scheme inside another URL', `https://evil.example/${URL}`],
  ['the scheme behind a blank', ` ${URL}`],
  ['the scheme without a colon', SCHEME],
  ['https', 'https://example.com/callback?code=c&state=s'],
  ['javascript', 'javascript:alert(1)'],
  ['nothing', ''],
  ['something else than a text', { toString: () => URL }],
  ['null', null],
]) {
  test(`${what} is not looked at`, async () => {
    const { app, auth, addon } = await startOpenAuth({ deepLinks });
    assert.equal(openUrl(app, url), false);
    secondInstance(app, url);
    await settle();
    assert.deepEqual(callbacksOf(addon), []);
    assert.deepEqual(auth.callbackCounts(), { delivered: 0, ignored: 0 });
  });
}

for (const [what, url] of [
  ['oversized', `${URL}${'x'.repeat(8 * 1024)}`],
  ['with a line break', `${SCHEME}://callback?code=c\r\nX: y`],
  ['with a null', `${SCHEME}://callback?code=c\0`],
  ['with an escape of a terminal', `${SCHEME}://callback?code=\x1b[2J`],
  ['with a blank', `${SCHEME}://callback?code=a b`],
  ['with letters that no URL has', `${SCHEME}://callback?code=\u202e`],
]) {
  test(`a URL ${what} is ignored and counted`, async () => {
    const { app, auth, addon } = await startOpenAuth({ deepLinks });
    openUrl(app, url);
    await settle();
    assert.deepEqual(callbacksOf(addon), []);
    assert.deepEqual(auth.callbackCounts(), { delivered: 0, ignored: 1 });
  });
}

for (const [what, code] of [
  ['an unknown state, or one that was used', 'ERR_SIGN_IN_NOT_FOUND'],
  ['another host, a lone fragment, a form that is nobody’s', 'ERR_CALLBACK_INVALID'],
]) {
  test(`a URL with ${what}, which the session refuses, is ignored and counted`, async () => {
    const { app, auth, addon } = await startOpenAuth({ deepLinks });
    addon.session.replies.handleCallback = () => {
      throw latchkeyError(code);
    };
    const before = auth.snapshot();
    openUrl(app, `${SCHEME}:#`);
    secondInstance(app, URL);
    await settle();
    assert.equal(callbacksOf(addon).length, 2);
    assert.deepEqual(auth.callbackCounts(), { delivered: 0, ignored: 2 });
    assert.deepEqual(auth.snapshot(), before);
  });
}

test('a sign-in that fails by its callback is no fault of the app', async () => {
  const { app, auth, addon } = await startOpenAuth({ deepLinks });
  addon.session.replies.handleCallback = () => {
    throw latchkeyError('ERR_ACCESS_DENIED');
  };
  openUrl(app, URL);
  await settle();
  assert.deepEqual(auth.callbackCounts(), { delivered: 1, ignored: 0 });
});

test('a callback that comes while the server cannot be reached is handed in again', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const { app, auth, addon } = await startOpenAuth({ deepLinks });
  const codes = ['ERR_NETWORK', 'ERR_TIMEOUT'];
  addon.session.replies.handleCallback = () => {
    const code = codes.shift();
    if (code !== undefined) throw latchkeyError(code);
  };
  openUrl(app, URL);
  for (const [waitMs, calls] of [
    [999, 1],
    [1, 2],
    [1999, 2],
    [1, 3],
    [60_000, 3],
  ]) {
    await settle();
    t.mock.timers.tick(waitMs);
    await settle();
    assert.equal(callbacksOf(addon).length, calls);
  }
  assert.deepEqual(auth.callbackCounts(), { delivered: 1, ignored: 0 });
});

test('one whose sign-in is over meanwhile is not handed in again, nor when the app is closing', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const { app, auth, addon } = await startOpenAuth({ deepLinks });
  const codes = ['ERR_NETWORK', 'ERR_SIGN_IN_NOT_FOUND', 'ERR_NETWORK'];
  addon.session.replies.handleCallback = () => {
    throw latchkeyError(codes.shift());
  };
  openUrl(app, URL);
  await settle();
  t.mock.timers.tick(1000);
  await settle();
  assert.deepEqual(auth.callbackCounts(), { delivered: 1, ignored: 0 });
  const handed = auth.handleCallback(URL);
  await settle();
  await auth.dispose();
  assert.equal(await handed, true);
  t.mock.timers.tick(60_000);
  await settle();
  assert.equal(callbacksOf(addon).length, 3);
});

test('an app that gets its URLs another way hands them over itself', async () => {
  const { auth, addon } = await startOpenAuth();
  const claimed = 'https://example.com/callback?code=c&state=s';
  assert.equal(await auth.handleCallback(claimed), true);
  assert.deepEqual(callbacksOf(addon), [claimed]);
  addon.session.replies.handleCallback = () => {
    throw latchkeyError('ERR_SIGN_IN_NOT_FOUND');
  };
  assert.equal(await auth.handleCallback(claimed), false);
  assert.equal(await auth.handleCallback(undefined), false);
});

test('disposing removes every listener, and what waits is forgotten', async () => {
  const { app, auth, addon } = startAuth({ deepLinks });
  openUrl(app, URL);
  const handed = auth.handleCallback(URL);
  await auth.dispose();
  assert.equal(await handed, false);
  for (const event of ['open-url', 'second-instance']) assert.equal(app.listenerCount(event), 0, event);
  assert.deepEqual(callbacksOf(addon), []);
});

test('a second instance quits, opens no vault, and looks at no URL', async () => {
  process.argv = ['/usr/bin/app', URL];
  const app = new FakeApp();
  app.lockTaken = true;
  const { addon, auth, call } = startAuth({ app, deepLinks });
  await settle();
  assert.deepEqual([auth.isSecondInstance, app.quits, app.registered], [true, 1, []]);
  assert.deepEqual(auth.callbackCounts(), { delivered: 0, ignored: 0 });
  assert.equal((await call(CHANNELS.signOut)).code, 'ERR_NO_BROKER');
  assert.equal(addon.sessions.length, 0);
  assert.equal(app.listenerCount('open-url'), 0);
});

test('an app that holds the lock already keeps it, and one that wants several processes takes none', () => {
  const holding = new FakeApp();
  holding.lockHeld = true;
  holding.requestSingleInstanceLock = () => assert.fail('it was asked for again');
  assert.equal(startAuth({ app: holding, deepLinks }).auth.isSecondInstance, false);

  const several = new FakeApp();
  several.lockTaken = true;
  const { auth } = startAuth({ app: several, deepLinks: { ...deepLinks, singleInstance: false } });
  assert.deepEqual([auth.isSecondInstance, several.lockHeld, several.quits], [false, false, 0]);
});

for (const scheme of [
  undefined,
  '',
  'x',
  'https',
  'file',
  'javascript',
  'mailto',
  'Com.Example.App',
  'com.example.app:',
  'com.example.app://',
  'com example',
  '1com.example',
  'x'.repeat(64),
  42,
]) {
  test(`the scheme ${JSON.stringify(scheme)} is refused`, () => {
    assert.throws(() => startAuth({ deepLinks: { scheme } }), {
      name: 'LatchkeyError',
      code: 'ERR_INVALID_ARGUMENT',
    });
  });
}

test('a scheme on which the browser does not come back is refused', () => {
  const provider = { type: 'oidc', issuer: 'https://login.example.com', clientId: 'c' };
  for (const redirectUri of ['com.example.other://callback', 'com.example.other:/callback']) {
    assert.throws(() => startAuth({ deepLinks, provider: { ...provider, redirectUri } }), {
      code: 'ERR_INVALID_ARGUMENT',
    });
  }
  for (const redirectUri of [`${SCHEME}:/callback`, 'https://example.com/cb', 'http://127.0.0.1/cb']) {
    startAuth({ deepLinks, provider: { ...provider, redirectUri } });
  }
});
