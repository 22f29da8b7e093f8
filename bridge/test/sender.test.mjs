import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { disposedFrame, FakeApp, FakeWindow } from './fake-electron.mjs';
import { APP, CALL_CHANNELS, CHANNELS, PAGE, startOpenAuth } from './start.mjs';

const CREDENTIALS = { method: 'password', email: 'ada@example.com', password: 'correct horse', name: 'Ada' };

const ARGUMENTS = { fetch: 'http://127.0.0.1:4711/api/profile', cancelFetch: 'r1' };

/** Asserts that every call is refused for this event and that none of them reached the session. */
async function assertRefused({ ipcMain, addon }, event) {
  for (const [name, channel] of CALL_CHANNELS) {
    const argument = ARGUMENTS[name] ?? CREDENTIALS;
    const answer = await ipcMain.invoke(channel, event, argument);
    assert.equal(answer.ok, false, name);
    assert.equal(answer.code, 'ERR_SENDER_NOT_ALLOWED', name);
    assert.equal('value' in answer, false, name);
  }
  assert.deepEqual(addon.session.calls, []);
}

async function assertAllowed({ ipcMain }, event) {
  const answer = await ipcMain.invoke(CHANNELS.snapshot, event);
  assert.equal(answer.ok, true);
}

test('the main frame of a registered window at an allowed origin may call', async () => {
  const started = await startOpenAuth();
  await assertAllowed(started, started.window.event());
});

test('a window that was not registered is refused, whatever it shows', async () => {
  const started = await startOpenAuth();
  await assertRefused(started, new FakeWindow(PAGE).event());
});

test('a subframe is refused, even one of the allowed origin', async () => {
  const started = await startOpenAuth();
  await assertRefused(started, started.window.event(started.window.subframe(PAGE)));
});

test('a main frame of another window is refused', async () => {
  const started = await startOpenAuth();
  const other = new FakeWindow(PAGE);
  await assertRefused(started, started.window.event(other.webContents.mainFrame));
});

for (const url of [
  'https://evil.example/',
  'app://latchkey-example.evil.example/index.html',
  'app://other/index.html',
  'app2://latchkey-example/index.html',
  'http://latchkey-example/',
  'file:///index.html',
  'blob:app://latchkey-example/5b1c6f2e',
  'data:text/html,app://latchkey-example/',
  'about:blank',
  'about:srcdoc',
  'chrome-error://chromewebdata/',
  'javascript:0',
  'app:latchkey-example',
  '//latchkey-example/index.html',
  'not a url',
  '',
]) {
  test(`a registered window that shows ${JSON.stringify(url)} is refused`, async () => {
    const started = await startOpenAuth();
    started.window.navigate(url);
    await assertRefused(started, started.window.event());
  });
}

test('a sandboxed document, which has the URL and not the origin, is refused', async () => {
  const started = await startOpenAuth();
  started.window.webContents.mainFrame.origin = 'null';
  await assertRefused(started, started.window.event());
  started.window.webContents.mainFrame.origin = APP;
  await assertAllowed(started, started.window.event());
});

test('a frame that is gone is refused, as null (new Electron) and as one that throws (old)', async () => {
  const started = await startOpenAuth();
  await assertRefused(started, { sender: started.window.webContents, senderFrame: null });
  await assertRefused(started, started.window.event(disposedFrame()));
  await assertRefused(started, {
    sender: started.window.webContents,
    get senderFrame() {
      throw new Error('Render frame was disposed');
    },
  });
});

test('a destroyed window is no longer registered', async () => {
  const started = await startOpenAuth();
  const event = started.window.event();
  started.window.destroy();
  await assertRefused(started, event);
});

/** An app that lies there. */
function appIn(folder) {
  return Object.assign(new FakeApp(), { getAppPath: () => folder });
}

const ELSEWHERE = [
  PAGE,
  'file:///home/ada/Downloads/index.html',
  'file:///opt/app2/index.html',
  'file:///opt/app',
  'file:///opt/index.html',
  'file:///opt/app/../index.html',
  'file:///opt/app/%2e%2e/index.html',
  'file:///opt/app/..%2findex.html',
  'file:///opt/app%2findex.html',
  'file://elsewhere/opt/app/index.html',
  'file:///',
];

test('file:// allows pages in the folder of the app, and none from elsewhere on the disk', async () => {
  const started = await startOpenAuth({ app: appIn('/opt/app'), rendererOrigins: ['file://'] });
  for (const url of ELSEWHERE) {
    started.window.navigate(url);
    await assertRefused(started, started.window.event());
  }
  for (const url of ['file:///opt/app/index.html', 'file:///opt/app/a%20folder/page.html?a=../..#b']) {
    started.window.navigate(url);
    await assertAllowed(started, started.window.event());
  }
});

test('the file URL of a folder allows the pages in it', async () => {
  const started = await startOpenAuth({ app: appIn('/opt'), rendererOrigins: ['file:///opt/app/'] });
  for (const url of ELSEWHERE) {
    started.window.navigate(url);
    await assertRefused(started, started.window.event());
  }
  started.window.navigate('file:///opt/app/index.html');
  await assertAllowed(started, started.window.event());
});

test('a folder that is reached by a link is known by both of its names', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'pages-'));
  t.after(() => rm(folder, { recursive: true }));
  await mkdir(join(folder, 'real'));
  await symlink(join(folder, 'real'), join(folder, 'link'));
  const started = await startOpenAuth({ app: appIn(join(folder, 'link')), rendererOrigins: ['file://'] });
  for (const name of ['link', 'real']) {
    started.window.navigate(pathToFileURL(join(folder, name, 'index.html')).href);
    await assertAllowed(started, started.window.event());
  }
  started.window.navigate(pathToFileURL(join(folder, 'index.html')).href);
  await assertRefused(started, started.window.event());
});

test('a file from elsewhere that gives itself the address of a page of the app is refused', async () => {
  const started = await startOpenAuth({ app: appIn('/opt/app'), rendererOrigins: ['file://'] });
  started.window.navigate('file:///home/ada/Downloads/index.html');
  started.window.rename('file:///opt/app/index.html');
  await assertRefused(started, started.window.event());
  started.window.navigate('file:///opt/app/index.html');
  started.window.rename('file:///opt/app/settings');
  await assertAllowed(started, started.window.event());
});

test('a page from disk without the origin of one, as in a sandboxed frame, is refused', async () => {
  const started = await startOpenAuth({ app: appIn('/opt/app'), rendererOrigins: ['file://'] });
  started.window.navigate('file:///opt/app/index.html');
  started.window.webContents.mainFrame.origin = 'null';
  await assertRefused(started, started.window.event());
  started.window.webContents.mainFrame.origin = 'file://';
  await assertAllowed(started, started.window.event());
});

test('a port belongs to the origin', async () => {
  const started = await startOpenAuth({ rendererOrigins: ['http://localhost:5173'] });
  started.window.navigate('http://localhost:5174/');
  await assertRefused(started, started.window.event());
  started.window.navigate('http://localhost:5173/index.html?a#b');
  await assertAllowed(started, started.window.event());
});

for (const origins of [
  undefined,
  [],
  'app://latchkey-example',
  [''],
  ['*'],
  ['app://'],
  ['app://latchkey-example/'],
  ['app://latchkey-example/index.html'],
  ['http://*'],
  ['https://user@host'],
  ['file:///opt/app'],
  ['file:///'],
  ['file:///opt/app/?a/'],
  ['file:///opt%2fapp/'],
  [42],
  [APP, null],
]) {
  test(`rendererOrigins ${JSON.stringify(origins)} are refused`, async () => {
    await assert.rejects(
      startOpenAuth({ rendererOrigins: origins ?? null }),
      (error) => error.name === 'LatchkeyError' && error.code === 'ERR_INVALID_ARGUMENT',
    );
  });
}

test('events go only to registered windows that show an allowed page at that moment', async () => {
  const { auth, addon, window } = await startOpenAuth();
  const unregistered = new FakeWindow(PAGE);
  const elsewhere = new FakeWindow('https://evil.example/');
  const closing = new FakeWindow(PAGE);
  auth.register(elsewhere);
  auth.register(closing);
  closing.webContents.destroyed = true; // destroyed, and its event not yet out
  const gone = new FakeWindow(PAGE);
  auth.register(gone);
  gone.webContents.mainFrame = disposedFrame();
  window.webContents.sent.length = 0;

  addon.session.change({ state: 'active', reason: 'signedIn' });
  assert.equal(window.webContents.sent.length, 1);
  assert.equal(window.webContents.sent[0][0], CHANNELS.changed);
  assert.equal(window.webContents.sent[0][1].state, 'active');

  window.navigate('https://evil.example/');
  addon.session.change({ state: 'offline', reason: 'network' });
  assert.equal(window.webContents.sent.length, 1);

  window.navigate(PAGE);
  addon.session.change({ state: 'active', reason: 'refreshed' });
  assert.equal(window.webContents.sent.length, 2);
  for (const { webContents } of [unregistered, elsewhere, closing, gone])
    assert.deepEqual(webContents.sent, []);
});

test('a window registered twice hears each event once', async () => {
  const { auth, addon, window } = await startOpenAuth();
  auth.register(window);
  window.webContents.sent.length = 0;
  addon.session.change({ state: 'active' });
  assert.equal(window.webContents.sent.length, 1);
});
