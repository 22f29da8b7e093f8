// A page that is signed in to Clerk by itself, and calls typed procedures in main: every call carries a fresh token, and no
// caller knows of it. The page's Clerk is the official client, the router is tRPC's; only Electron and Clerk's server are
// stand-ins.
import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { createTRPCClient } from '@trpc/client';
import { verifySessionToken } from '../../__test__/peers/clerk-instance.mjs';
import { OfficialClient } from '../../__test__/peers/clerk-official-client.mjs';
import { ClerkServer, PASSWORD } from '../../__test__/peers/clerk-server.mjs';
import {
  FakeApp,
  FakeClipboard,
  FakeIpcMain,
  FakePowerMonitor,
  FakeShell,
  FakeWindow,
  substitute,
} from './fake-electron.mjs';
import { APP, createAuth, PAGE } from './start.mjs';
import { mainLink } from './typed-calls/link.mjs';
import { answerTrpc } from './typed-calls/main.mjs';
import { appRouter } from './typed-calls/router.mjs';

const require = createRequire(import.meta.url);
const { exposePageCalls } = require('../dist/cjs/preload/index.js');
const { pageSession } = require('../dist/cjs/main/index.js');
const { PAGE_CHANNELS } = require('../dist/cjs/page-protocol.js');
const { callMain, providePageToken } = await import('../dist/esm/renderer/index.js');

const claimsOf = (token) => JSON.parse(Buffer.from(token.split('.')[1], 'base64url'));

/** An app whose page runs Clerk's own client; `startMain` is one run of its main process. */
async function app(t, { accessTokenSeconds = 60 } = {}) {
  const clerk = await ClerkServer.start(t, { accessTokenSeconds });
  const client = await OfficialClient.start(t, clerk);
  await client.tell('load');
  const folder = await mkdtemp(join(tmpdir(), 'latchkey-calls-'));
  const running = new Set();
  t.after(async () => {
    for (const auth of running) await auth.dispose();
    await rm(folder, { recursive: true, force: true });
  });

  async function startMain(options) {
    const ipcMain = new FakeIpcMain();
    const ipcRenderer = new EventEmitter();
    const world = {};
    const contextBridge = { exposeInMainWorld: (key, value) => (world[key] = value) };
    const [powerMonitor, shell, clipboard] = [new FakePowerMonitor(), new FakeShell(), new FakeClipboard()];
    substitute('electron', () => ({
      app: new FakeApp(),
      clipboard,
      contextBridge,
      ipcMain,
      ipcRenderer,
      powerMonitor,
      shell,
    }));
    const page = pageSession();
    const auth = createAuth({
      vault: {
        id: 'com.example.calls',
        path: join(folder, 'vault'),
        keychain: { passphrase: 'a passphrase' },
      },
      provider: { type: 'custom', id: 'clerk-page', getToken: page.getToken },
      rendererOrigins: [APP],
      ...options,
    });
    running.add(auth);
    const verify = async ({ accessToken }) => ({
      accessToken,
      user: accessToken === null ? null : verifySessionToken(accessToken),
    });
    const stop = page.connect(auth, { trpc: answerTrpc(appRouter, verify) });
    const window = new FakeWindow(PAGE);
    auth.register(window);
    window.webContents.send = (channel, ...args) => ipcRenderer.emit(channel, {}, ...structuredClone(args));
    ipcRenderer.invoke = (channel, ...args) => ipcMain.invoke(channel, window.event(), ...args);
    exposePageCalls();
    const session = await auth.session();
    const trpc = createTRPCClient({
      links: [mainLink((operation) => callMain('trpc', operation, world.pageCalls))],
    });
    return { auth, ipcMain, ipcRenderer, page, session, stop, trpc, window, world };
  }

  return {
    clerk,
    client,
    startMain,
    /** The one line that an app writes in its page. */
    provide: ({ world }) =>
      providePageToken(
        async () => ((await client.tell('session')) ? client.tell('token') : null),
        world.pageCalls,
      ),
    async signIn() {
      const person = clerk.addPerson();
      await client.tell('password', person.email, PASSWORD);
      await client.tell('activate');
      return person;
    },
  };
}

async function became(session, state) {
  const deadline = Date.now() + 15_000;
  while (session.state().state !== state) {
    assert.ok(Date.now() < deadline, `not ${state}, still ${JSON.stringify(session.state())}`);
    await setTimeout(5);
  }
  return session.state();
}

const codeOf = (promise) =>
  promise.then(
    (value) => assert.fail(`resolved to ${value}`),
    (error) => error.data?.code ?? error.cause?.code ?? error,
  );

test('public and protected procedures are called alike, and who is signed in in the page is known in main', async (t) => {
  const { client, provide, signIn, startMain } = await app(t);
  const main = await startMain();
  provide(main);
  assert.equal(await main.trpc.greeting.query(), 'hello');
  assert.equal(await codeOf(main.trpc.whoAmI.query()), 'UNAUTHORIZED');
  assert.equal(await codeOf(main.trpc.notes.add.mutate('x')), 'UNAUTHORIZED');

  const { id } = await signIn();
  assert.equal(await main.trpc.greeting.query(), 'hello');
  assert.equal(await main.trpc.whoAmI.query(), id);
  assert.equal(await main.trpc.notes.add.mutate('milk'), `${id} notes: milk`);
  assert.equal((await became(main.session, 'active')).user.id, id);

  await client.tell('signOut');
  assert.equal(await codeOf(main.trpc.whoAmI.query()), 'UNAUTHORIZED');
  assert.equal((await became(main.session, 'signedOut')).user, null);
});

test('each call carries a token that is good at that moment', async (t) => {
  const { provide, signIn, startMain } = await app(t, { accessTokenSeconds: 3 });
  const main = await startMain();
  provide(main);
  await signIn();
  const tokens = new Set();
  for (let call = 0; call < 5; call++) {
    const token = await main.trpc.token.query();
    assert.ok(claimsOf(token).exp * 1000 > Date.now(), 'not over');
    tokens.add(token);
    await setTimeout(1200);
  }
  assert.ok(tokens.size >= 2, 'and not always the same');
});

test('main asks the page when it needs a token and nobody calls', async (t) => {
  const { provide, signIn, startMain } = await app(t, { accessTokenSeconds: 3 });
  const main = await startMain();
  const page = provide(main);
  const { id } = await signIn();
  page.changed();
  await became(main.session, 'active');
  const first = await main.session.accessToken();
  await setTimeout(3100);
  const second = await main.session.accessToken();
  assert.notEqual(second, first);
  assert.equal(claimsOf(second).sub, id);
});

test('somebody else in the page is somebody else in main', async (t) => {
  const { client, provide, signIn, startMain } = await app(t);
  const main = await startMain();
  provide(main);
  await signIn();
  await main.trpc.whoAmI.query();
  await became(main.session, 'active');
  await client.tell('signOut');
  const { id } = await signIn();
  assert.equal(await main.trpc.whoAmI.query(), id);
  const deadline = Date.now() + 15_000;
  while (main.session.state().user?.id !== id) {
    assert.ok(Date.now() < deadline);
    await setTimeout(5);
  }
});

test('a page that cannot say leaves the session as it is, and its calls go with the token that main has', async (t) => {
  const { provide, signIn, startMain } = await app(t);
  const main = await startMain();
  provide(main);
  const { id } = await signIn();
  await main.trpc.whoAmI.query();
  await became(main.session, 'active');
  const offline = () => Promise.reject(new Error('offline'));
  providePageToken(offline, main.world.pageCalls);
  assert.equal(await main.trpc.whoAmI.query(), id);
  await assert.rejects(main.session.refresh(), { code: 'ERR_NETWORK' });
  assert.equal(main.session.state().state, 'offline');
  assert.equal(await main.trpc.whoAmI.query(), id);
  providePageToken(async () => 42, main.world.pageCalls); // neither a token nor null
  assert.equal(await main.trpc.whoAmI.query(), id);
  provide(main);
  await became(main.session, 'active');
});

test('after a restart the person is known, and the session goes on when the page is there', async (t) => {
  const { provide, signIn, startMain } = await app(t);
  const first = await startMain();
  provide(first);
  const { id } = await signIn();
  await first.trpc.whoAmI.query();
  await became(first.session, 'active');
  await first.auth.dispose();
  const second = await startMain();
  assert.equal((await became(second.session, 'offline')).user.id, id);
  provide(second);
  assert.equal((await became(second.session, 'active')).user.id, id);
});

test('who may not use the session can neither call nor bring a token', async (t) => {
  const { provide, signIn, startMain } = await app(t);
  const main = await startMain();
  provide(main);
  await signIn();
  await main.trpc.whoAmI.query();
  await became(main.session, 'active');
  const token = { ok: true, token: 'stolen' };
  const operation = { type: 'query', path: 'greeting' };
  for (const event of [new FakeWindow(PAGE).event(), main.window.event(main.window.subframe(PAGE))]) {
    for (const args of [
      [PAGE_CHANNELS.call, 'trpc', token, operation],
      [PAGE_CHANNELS.offer, token],
      [PAGE_CHANNELS.bring, 1, token],
    ]) {
      const answer = await main.ipcMain.invoke(args[0], event, ...args.slice(1));
      assert.equal(answer.code, 'ERR_SENDER_NOT_ALLOWED');
    }
  }
  assert.equal(main.session.state().state, 'active');
});

test('a page answers what it was asked, and nothing that another was', async (t) => {
  const { provide, signIn, startMain } = await app(t);
  const main = await startMain();
  provide(main);
  await signIn();
  await main.trpc.whoAmI.query();
  await became(main.session, 'active');
  const other = new FakeWindow(PAGE);
  main.auth.register(other);
  const numbers = [];
  main.window.webContents.send = (channel, number) => {
    if (channel === PAGE_CHANNELS.ask) numbers.push(number);
  };
  const refreshing = main.session.refresh();
  while (numbers.length === 0) await setTimeout(5);
  const bring = (window, token) =>
    main.ipcMain.invoke(PAGE_CHANNELS.bring, window.event(), numbers[0], { ok: true, token });
  await bring(other, 'not.its.token');
  const before = await main.session.accessToken();
  await bring(main.window, before);
  await refreshing;
  assert.equal(await main.session.accessToken(), before);
});

test('what no page of ours sends is refused, and what goes wrong inside stays there', async (t) => {
  const { startMain } = await app(t);
  const main = await startMain();
  const call = (...args) => main.ipcMain.invoke(PAGE_CHANNELS.call, main.window.event(), ...args);
  const token = { ok: true, token: null };
  for (const args of [
    [],
    ['trpc'],
    ['trpc', null],
    ['trpc', 'a'],
    ['trpc', { ok: true }],
    ['trpc', { ok: true, token: 1 }],
    ['trpc', { ok: true, token: 'a'.repeat(40_000) }],
    ['toString', token],
    ['__proto__', token],
    [1, token],
  ])
    assert.equal((await call(...args)).code, 'ERR_INVALID_ARGUMENT', JSON.stringify(args)?.slice(0, 60));
  const answers = await Promise.all(
    [{ type: 'query', path: 'nothing' }, { type: 'subscription', path: 'greeting' }, null, 1].map(
      async (operation) => (await call('trpc', token, operation)).value.error.data.code,
    ),
  );
  assert.deepEqual(answers, ['NOT_FOUND', 'BAD_REQUEST', 'BAD_REQUEST', 'BAD_REQUEST']);
  const { error } = (await call('trpc', token, { type: 'query', path: 'broken' })).value;
  assert.equal(error.message, 'Something went wrong.');
  assert.ok(!JSON.stringify(error).includes('a path, a token'));
});

test('the page gets one frozen object, and channels that are no longer answered are gone', async (t) => {
  const { startMain } = await app(t);
  const main = await startMain();
  assert.ok(Object.isFrozen(main.world.pageCalls));
  assert.deepEqual(Object.keys(main.world.pageCalls).sort(), ['call', 'provideToken']);
  main.stop();
  for (const channel of Object.values(PAGE_CHANNELS)) assert.ok(!main.ipcMain.handlers.has(channel));
  const answer = await main.world.pageCalls.call('trpc', {});
  assert.equal(answer.code, 'ERR_NO_BROKER');
});
