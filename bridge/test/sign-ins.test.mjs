// Sign-ins that take several steps: what main does for the page, and what the page gets to know.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FakeAddon, FakeWindow, latchkeyError, USER } from './fake-electron.mjs';
import { CHANNELS, PAGE, settle, startOpenAuth } from './start.mjs';

const ID = '0123456789abcdef0123456789abcdef';
const AUTHORIZE =
  'https://login.example.com/authorize?client_id=c&state=the-state&code_challenge=the-challenge';
const BROWSER = {
  id: ID,
  awaits: 'browser',
  expiresAtMs: 9,
  url: AUTHORIZE,
  redirectUri: 'com.example.app://callback',
};
const DEVICE = {
  id: ID,
  awaits: 'device',
  expiresAtMs: 9,
  userCode: 'WDJB-MJHT',
  verificationUri: 'https://login.example.com/device',
  verificationUriComplete: 'https://login.example.com/device?user_code=WDJB-MJHT',
};
const CODE = {
  id: ID,
  awaits: 'code',
  expiresAtMs: 9,
  factors: [{ strategy: 'totp', hint: null, sent: true, first: false, secret: 'must not cross' }],
};
/** What a page sees of a sign-in. */
const NOTHING = { userCode: null, verificationUri: null, verificationUriComplete: null, factors: [] };
const BROWSER_SEEN = { id: ID, awaits: 'browser', expiresAtMs: 9, ...NOTHING };

/** An app whose session answers the next sign-in with `signIn`, which is under way from then on. */
async function startWith(signIn, options) {
  const started = await startOpenAuth(options);
  const { session } = started.addon;
  session.replies.signIn = () => {
    session.signIns = [signIn];
    return { status: 'pending', signIn };
  };
  return { ...started, session };
}

test('a sign-in in the browser: main opens it, and the page does not get its address', async () => {
  const { call, shell, window } = await startWith(BROWSER);
  const answer = await call(CHANNELS.signIn, { method: 'browser', loginHint: 'ada@example.com' });
  assert.deepEqual(answer, {
    ok: true,
    value: { status: 'pending', signIn: BROWSER_SEEN, browserOpened: true },
  });
  assert.deepEqual(shell.opened, [AUTHORIZE]);
  assert.deepEqual(window.webContents.sent.at(-1)[1].signIns, [BROWSER_SEEN]);
  assert.doesNotMatch(JSON.stringify(window.webContents.sent), /the-state|the-challenge/);
});

test('how the browser comes back is for main to say', async () => {
  const { call, session } = await startWith(BROWSER, { browser: { redirect: 'loopback' } });
  await call(CHANNELS.signIn, { method: 'browser', redirect: 'app', redirectUri: 'https://evil.example' });
  assert.deepEqual(session.calls[0][1], { method: 'browser', redirect: 'loopback' });
  session.calls.length = 0;
  await call(CHANNELS.signIn, { method: 'device' });
  assert.deepEqual(session.calls[0][1], { method: 'device' });
});

test('an app can open the browser in its own way', async () => {
  const opened = [];
  const { call, shell } = await startWith(BROWSER, {
    browser: { open: async (url) => void opened.push(url) },
  });
  await call(CHANNELS.signIn, { method: 'browser' });
  assert.deepEqual([opened, shell.opened], [[AUTHORIZE], []]);
});

test('a browser that does not open is said, and the sign-in waits: the link can be copied', async () => {
  const { call, shell, clipboard, session } = await startWith(BROWSER);
  shell.openExternal = async () => {
    throw new Error('no browser');
  };
  const { value } = await call(CHANNELS.signIn, { method: 'browser' });
  assert.deepEqual([value.status, value.browserOpened], ['pending', false]);
  assert.equal((await call(CHANNELS.openSignIn, ID)).code, 'ERR_BROWSER_NOT_OPENED');
  assert.deepEqual(await call(CHANNELS.copySignInLink, ID), { ok: true, value: null });
  assert.equal(clipboard.text, AUTHORIZE);
  assert.equal(
    session.calls.some(([name]) => name === 'cancelSignIn'),
    false,
  );
});

test('the browser can be opened again; for a device, the page with its code', async () => {
  const browser = await startWith(BROWSER);
  await browser.call(CHANNELS.signIn, { method: 'browser' });
  assert.deepEqual(await browser.call(CHANNELS.openSignIn, ID), { ok: true, value: null });
  assert.deepEqual(browser.shell.opened, [AUTHORIZE, AUTHORIZE]);

  const device = await startWith(DEVICE);
  const { value } = await device.call(CHANNELS.signIn, { method: 'device' });
  const { userCode, verificationUri, verificationUriComplete } = DEVICE;
  assert.deepEqual(value, {
    status: 'pending',
    signIn: { ...BROWSER_SEEN, awaits: 'device', userCode, verificationUri, verificationUriComplete },
    browserOpened: false,
  });
  assert.deepEqual(device.shell.opened, []);
  await device.call(CHANNELS.openSignIn, ID);
  assert.deepEqual(device.shell.opened, [verificationUriComplete]);
});

test('pages that begin again and again do not fill the screen with tabs', async (t) => {
  t.mock.timers.enable({ apis: ['Date'] });
  const { auth, ipcMain, shell } = await startWith(BROWSER);
  const windows = [new FakeWindow(PAGE), new FakeWindow(PAGE)];
  for (const window of windows) auth.register(window);
  let calls = 0;
  // In turns, since each window has its own limit.
  const call = (...args) => ipcMain.invoke(args[0], windows[calls++ % 2].event(), ...args.slice(1));
  const begin = async () => (await call(CHANNELS.signIn, { method: 'browser' })).value.browserOpened;
  for (let count = 0; count < 10; count += 1) assert.equal(await begin(), true);
  assert.equal(await begin(), false);
  assert.equal((await call(CHANNELS.openSignIn, ID)).code, 'ERR_BROWSER_NOT_OPENED');
  assert.equal(shell.opened.length, 10);
  t.mock.timers.tick(60_000);
  assert.equal(await begin(), true);
});

test('there is nothing to open for a sign-in that is over, or that needs no browser', async () => {
  const over = await startOpenAuth();
  assert.equal((await over.call(CHANNELS.openSignIn, ID)).code, 'ERR_SIGN_IN_NOT_FOUND');
  const code = await startWith(CODE);
  await code.call(CHANNELS.signIn, { method: 'password', email: 'a@b.c', password: 'pw' });
  assert.equal((await code.call(CHANNELS.copySignInLink, ID)).code, 'ERR_SIGN_IN_NOT_FOUND');
});

for (const url of [
  'http://login.example.com/authorize',
  'http://127.0.0.1.evil.example/',
  'file:///etc/passwd',
  'javascript:alert(1)',
  'ms-msdt:/id',
  'smb://evil.example/share',
  'not a url',
]) {
  test(`${url}, named by a server, is not opened, and the sign-in is given up`, async () => {
    const { call, shell, clipboard, session } = await startWith({ ...BROWSER, url });
    const answer = await call(CHANNELS.signIn, { method: 'browser' });
    assert.deepEqual([answer.ok, answer.code], [false, 'ERR_UNEXPECTED_RESPONSE']);
    assert.deepEqual(session.calls.at(-1), ['cancelSignIn', ID]);
    for (const channel of [CHANNELS.openSignIn, CHANNELS.copySignInLink]) {
      assert.equal((await call(channel, ID)).code, 'ERR_UNEXPECTED_RESPONSE');
    }
    assert.deepEqual([shell.opened, clipboard.text], [[], '']);
  });
}

for (const url of ['http://127.0.0.1:4711/authorize', 'http://[::1]:4711/authorize', 'http://localhost/x']) {
  test(`${url}, on this computer, is opened`, async () => {
    const { call, shell } = await startWith({ ...BROWSER, url });
    await call(CHANNELS.signIn, { method: 'browser' });
    assert.deepEqual(shell.opened, [url]);
  });
}

test('a page waits for the end of a sign-in, one that was loaded anew too', async () => {
  const { call, session } = await startWith(BROWSER);
  await call(CHANNELS.signIn, { method: 'browser' });
  const [{ id }] = (await call(CHANNELS.snapshot)).value.signIns;
  const answers = [call(CHANNELS.awaitSignIn, ID), call(CHANNELS.awaitSignIn, id)];
  await settle();
  session.end(ID);
  const complete = { ok: true, value: { status: 'complete', user: USER } };
  assert.deepEqual(await Promise.all(answers), [complete, complete]);
  assert.deepEqual((await call(CHANNELS.snapshot)).value.signIns, []);
  assert.equal((await call(CHANNELS.awaitSignIn, ID)).code, 'ERR_SIGN_IN_NOT_FOUND');
});

test('the end of a sign-in that no page waits for is published, and why it failed', async () => {
  const { auth, call, session, window } = await startWith(BROWSER);
  await call(CHANNELS.signIn, { method: 'browser' });
  window.webContents.sent.length = 0;
  session.end(ID, latchkeyError('ERR_ACCESS_DENIED', 'The server was told no.'));
  await settle();
  const problem = { id: ID, code: 'ERR_ACCESS_DENIED', message: 'The server was told no.' };
  const [[, published]] = window.webContents.sent;
  assert.deepEqual([published.signIns, published.signInProblem], [[], problem]);
  assert.deepEqual(auth.snapshot().signInProblem, problem);

  // The next one begins.
  await call(CHANNELS.signIn, { method: 'browser' });
  assert.equal(auth.snapshot().signInProblem, null);
  session.end(ID, latchkeyError('ERR_SIGN_IN_EXPIRED'));
  await settle();
  assert.equal(auth.snapshot().signInProblem.code, 'ERR_SIGN_IN_EXPIRED');
  // Somebody signs in another way.
  session.change({ state: 'active', reason: 'signedIn', user: USER });
  assert.equal(auth.snapshot().signInProblem, null);
});

test('a sign-in that was cancelled is over and no problem', async () => {
  const { auth, call, session } = await startWith(BROWSER);
  await call(CHANNELS.signIn, { method: 'browser' });
  session.replies.cancelSignIn = (id) => session.end(id, latchkeyError('ERR_SIGN_IN_CANCELLED'));
  assert.deepEqual(await call(CHANNELS.cancelSignIn, ID), { ok: true, value: null });
  await settle();
  assert.deepEqual([auth.snapshot().signIns, auth.snapshot().signInProblem], [[], null]);
});

test('a sign-in from before a restart is in the first snapshot, and its end is told', async () => {
  const addon = new FakeAddon();
  const open = addon.AuthSession.open;
  addon.AuthSession.open = async (options) => {
    const session = await open(options);
    session.signIns = [BROWSER];
    return session;
  };
  const { auth, window } = await startOpenAuth({ addon });
  assert.deepEqual(auth.snapshot().signIns, [BROWSER_SEEN]);
  addon.session.end(ID, latchkeyError('ERR_ACCESS_DENIED'));
  await settle();
  assert.equal(window.webContents.sent.at(-1)[1].signInProblem.code, 'ERR_ACCESS_DENIED');
});

test('a second factor: the page gets the ways there are, and hands the code in', async () => {
  const { call, session } = await startWith(CODE);
  const { value } = await call(CHANNELS.signIn, { method: 'password', email: 'a@b.c', password: 'pw' });
  assert.deepEqual(value.signIn.factors, [{ strategy: 'totp', hint: null, sent: true, first: false }]);
  session.replies.sendCode = { status: 'pending', signIn: CODE };
  await call(CHANNELS.sendCode, ID, 'otp');
  session.replies.submitCode = () => {
    throw latchkeyError('ERR_INVALID_CODE');
  };
  const submission = { strategy: 'totp', code: '123456', trustDevice: true };
  assert.equal((await call(CHANNELS.submitCode, ID, submission)).code, 'ERR_INVALID_CODE');
  assert.deepEqual((await call(CHANNELS.snapshot)).value.signIns.length, 1);
  session.replies.submitCode = () => {
    session.signIns = [];
    return { status: 'complete', user: { ...USER, token: 'must not cross' } };
  };
  assert.deepEqual(await call(CHANNELS.submitCode, ID, { ...submission, more: 1 }), {
    ok: true,
    value: { status: 'complete', user: USER },
  });
  assert.deepEqual(session.calls.slice(1), [
    ['sendCode', ID, 'otp'],
    ['submitCode', ID, submission],
    ['submitCode', ID, submission],
  ]);
});

test('a sign-out tells where the browser ends its session, and main goes there if the app or the page wants it', async () => {
  const browserUrl = 'https://login.example.com/logout?sid=1';
  for (const [options, request, opened] of [
    [undefined, undefined, []],
    [undefined, { browser: true }, [browserUrl]],
    [{ signOut: true }, undefined, [browserUrl]],
    [{ signOut: true }, { browser: false }, []],
  ]) {
    const { addon, call, shell } = await startOpenAuth(options && { browser: options });
    addon.session.replies.signOut = { browserUrl };
    assert.deepEqual(await call(CHANNELS.signOut, request), { ok: true, value: null });
    assert.deepEqual(shell.opened, opened);
    assert.deepEqual(addon.session.calls, [['signOut', {}]]);
  }
});

test('a sign-out is done, whatever becomes of the browser', async () => {
  const { addon, call, shell } = await startOpenAuth({
    browser: { signOut: true, signOutReturnTo: 'com.example.app://out' },
  });
  shell.openExternal = async () => {
    throw new Error('no browser');
  };
  addon.session.replies.signOut = { browserUrl: 'https://login.example.com/logout' };
  assert.deepEqual(await call(CHANNELS.signOut), { ok: true, value: null });
  assert.deepEqual(addon.session.calls, [['signOut', { returnTo: 'com.example.app://out' }]]);
  addon.session.replies.signOut = { browserUrl: 'file:///etc/passwd' };
  assert.equal((await call(CHANNELS.signOut)).ok, true);
});

test('organizations and sessions: parsed, passed on, and answered by value', async () => {
  const { auth, addon, call } = await startOpenAuth();
  const { session } = addon;
  assert.deepEqual((await call(CHANNELS.switchOrganization, 'org_1')).value, auth.snapshot());
  assert.equal((await call(CHANNELS.switchOrganization, null)).ok, true);
  session.replies.sessions = [{ id: 's1' }];
  assert.equal((await call(CHANNELS.sessions)).value.length, 1);
  assert.deepEqual(await call(CHANNELS.endSession, 's1'), { ok: true, value: null });
  assert.deepEqual(session.calls, [
    ['switchOrganization', 'org_1'],
    ['switchOrganization', null],
    ['sessions'],
    ['endSession', 's1'],
  ]);
  session.replies.sessions = () => {
    throw latchkeyError('ERR_NOT_SUPPORTED');
  };
  assert.equal((await call(CHANNELS.sessions)).code, 'ERR_NOT_SUPPORTED');
});

test('nobody signs in before the app has cleared up after the last person; waiting for the end is allowed', async () => {
  const { call, session } = await startWith(BROWSER, { onSignedOut: () => new Promise(() => {}) });
  await call(CHANNELS.signIn, { method: 'browser' });
  session.change({ state: 'active', reason: 'signedIn', user: USER });
  session.change({ state: 'signedOut', reason: 'signedOut', user: null });
  for (const [channel, ...args] of [
    [CHANNELS.signIn, { method: 'browser' }],
    [CHANNELS.submitCode, ID, { strategy: 'callback', code: 'c' }],
    [CHANNELS.sendCode, ID, 'otp'],
  ]) {
    assert.equal((await call(channel, ...args)).code, 'ERR_AWAITING_RESTART');
  }
  const waiting = call(CHANNELS.awaitSignIn, ID);
  await settle();
  session.end(ID, latchkeyError('ERR_SIGN_IN_CANCELLED'));
  assert.equal((await waiting).code, 'ERR_SIGN_IN_CANCELLED');
});

test('what a sign-in of the account before comes to is not answered to the next', async () => {
  const { auth, addon, call } = await startOpenAuth({ account: 'ada' });
  const ada = addon.session;
  ada.signIns = [BROWSER];
  auth.snapshot();
  const waiting = call(CHANNELS.awaitSignIn, ID);
  await settle();
  await auth.switchAccount('grace');
  assert.deepEqual(auth.snapshot().signIns, []);
  ada.end(ID);
  assert.equal((await waiting).code, 'ERR_SUPERSEDED');
});
