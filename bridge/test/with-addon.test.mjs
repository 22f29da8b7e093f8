// The bridge over the real addon, a real vault and a real server; only Electron is a stand-in. The vault is under a
// passphrase, so that no keychain is needed.
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { startServer } from '../../electron-example/server/server.mjs';
import {
  FakeApp,
  FakeIpcMain,
  FakePowerMonitor,
  FakeShell,
  FakeWindow,
  substitute,
} from './fake-electron.mjs';
import { APP, CHANNELS, createAuth, PAGE } from './start.mjs';

const require = createRequire(import.meta.url);
const { provideSecureStorage } = require('../dist/cjs/main/index.js');
const { RECIPE_CHANNELS } = require('../dist/cjs/recipe-protocol.js');

const PEOPLE = {
  ada: { email: 'ada@example.com', password: 'difference-engine', name: 'Ada' },
  grace: { email: 'grace@example.com', password: 'nanoseconds-of-wire', name: 'Grace' },
};

/** A computer with a server that knows both people; `start` is one run of an app on it. */
async function computer(t) {
  const folder = await mkdtemp(join(tmpdir(), 'latchkey-bridge-'));
  const server = await startServer({ databaseFile: join(folder, 'auth.db'), port: 0, testControls: true });
  const running = new Set();
  t.after(async () => {
    for (const auth of running) await auth.dispose();
    await server.close();
    await rm(folder, { recursive: true, force: true });
  });
  return {
    async start(options = {}) {
      const ipcMain = new FakeIpcMain();
      substitute('electron', () => ({
        ipcMain,
        powerMonitor: new FakePowerMonitor(),
        app: new FakeApp(),
        shell: new FakeShell(),
      }));
      const auth = createAuth({
        vault: {
          id: 'com.example.test',
          path: join(folder, 'vault'),
          keychain: { passphrase: 'a passphrase' },
        },
        provider: { type: 'better-auth', baseUrl: `${server.url}/api/auth` },
        rendererOrigins: [APP],
        account: 'ada',
        ...options,
      });
      running.add(auth);
      const window = new FakeWindow(PAGE);
      auth.register(window);
      await auth.session();
      const call = (channel, ...args) => ipcMain.invoke(channel, window.event(), ...args);
      return {
        auth,
        call,
        ipcMain,
        window,
        /** Whom the server takes this app for: an address, or the code of the failure. */
        async served() {
          const answer = await call(CHANNELS.fetch, `${server.url}/api/profile`);
          if (!answer.ok) return answer.code;
          const { status, body } = answer.value;
          return status === 200 ? JSON.parse(Buffer.from(body)).user.email : status;
        },
      };
    },
  };
}

function must(answer) {
  assert.equal(answer.ok, true, answer.message);
  return answer.value;
}

test('two accounts: each its own session, one at the front, also at the next start', async (t) => {
  const { start } = await computer(t);
  const first = await start();
  must(await first.call(CHANNELS.signUp, PEOPLE.ada));
  await first.auth.switchAccount('grace');
  assert.equal(await first.served(), 401);
  must(await first.call(CHANNELS.signUp, PEOPLE.grace));
  assert.equal(await first.served(), PEOPLE.grace.email);
  await first.auth.switchAccount('ada');
  assert.equal(await first.served(), PEOPLE.ada.email);
  await first.auth.switchAccount('grace');
  await first.auth.dispose();

  const { auth, call, served } = await start();
  assert.equal(auth.snapshot().account, 'grace');
  assert.equal(await served(), PEOPLE.grace.email);
  assert.deepEqual(
    (await auth.accounts()).map(({ name, signedIn, active }) => [name, signedIn, active]),
    [
      ['ada', true, false],
      ['grace', true, true],
    ],
  );
  must(await call(CHANNELS.signOut));
  await auth.switchAccount('ada');
  assert.equal(await served(), PEOPLE.ada.email, 'the sign-out of one is not that of the other');
});

test('requests that are under way during switches are answered for their own account, or not at all', async (t) => {
  const { start } = await computer(t);
  const { auth, call, served } = await start();
  must(await call(CHANNELS.signUp, PEOPLE.ada));
  await auth.switchAccount('grace');
  must(await call(CHANNELS.signUp, PEOPLE.grace));
  let superseded = 0;
  for (let round = 0; round < 20; round += 1) {
    const name = round % 2 === 0 ? 'ada' : 'grace';
    const before = auth.snapshot().user.email;
    const underWay = [served(), served()];
    await auth.switchAccount(name);
    for (const answer of await Promise.all(underWay)) {
      assert.ok(answer === before || answer === 'ERR_SUPERSEDED', `${answer} to ${before}`);
      if (answer === 'ERR_SUPERSEDED') superseded += 1;
    }
    assert.equal(await served(), PEOPLE[name].email);
  }
  assert.ok(superseded > 0, 'some were under way');
});

test('a lock holds over a restart, and its unlock asks the app', async (t) => {
  const { start } = await computer(t);
  let first = await start();
  must(await first.call(CHANNELS.signUp, PEOPLE.ada));
  must(await first.call(CHANNELS.lock));
  await first.auth.dispose();
  first = await start();
  assert.equal(first.auth.snapshot().state, 'locked');
  assert.equal((await first.call(CHANNELS.unlock)).code, 'ERR_UNLOCK_REFUSED');
  await first.auth.dispose();

  const { auth, call, served } = await start({ onUnlockRequest: async () => true });
  assert.equal(await served(), 'ERR_SESSION_LOCKED');
  must(await call(CHANNELS.unlock));
  assert.equal(await served(), PEOPLE.ada.email);
  assert.equal(auth.snapshot().user.email, PEOPLE.ada.email);
});

test('a lifetime that ends is a departure', async (t) => {
  const { start } = await computer(t);
  const { auth, call } = await start({
    policy: { maxLifetimeMs: 300 },
    onSignedOut: () => new Promise(() => {}),
  });
  const left = new Promise((resolve) => auth.onChange((each) => each.awaitingRestart && resolve(each)));
  must(await call(CHANNELS.signUp, PEOPLE.ada));
  const { state, reason } = await left;
  assert.deepEqual([state, reason], ['expired', 'lifetime']);
  const { email, password } = PEOPLE.ada;
  const answer = await call(CHANNELS.signIn, { method: 'password', email, password });
  assert.equal(answer.code, 'ERR_AWAITING_RESTART');
});

test('a refused message is told to the app and kept in the vault', async (t) => {
  const { start } = await computer(t);
  const { auth, ipcMain } = await start();
  const told = new Promise((resolve) => auth.onAnomaly(resolve));
  await ipcMain.invoke(CHANNELS.signOut, new FakeWindow(PAGE).event());
  assert.equal((await told).kind, 'unknownSender');
  const deadline = Date.now() + 5000;
  let kinds = [];
  while (kinds.length === 0 && Date.now() < deadline) {
    kinds = (await auth.audit()).map(({ kind }) => kind);
  }
  assert.deepEqual(kinds, ['unknownSender']);
});

test('what the recipe’s surface stores is there at the next start, and goes when the page clears it', async (t) => {
  const { start } = await computer(t);
  const first = await start();
  provideSecureStorage(first.auth);
  must(await first.call(RECIPE_CHANNELS.setToken, 'refreshToken', 'kept'));
  await first.auth.dispose();
  const second = await start();
  provideSecureStorage(second.auth);
  const stored = async () => must(await second.call(RECIPE_CHANNELS.getToken, 'refreshToken'));
  assert.equal(await stored(), 'kept');
  must(await second.call(RECIPE_CHANNELS.clearAll));
  assert.equal(await stored(), null);
});

test('a page sees a renewal begin and end, and finds it in the list', async (t) => {
  const { start } = await computer(t);
  const { call, window } = await start();
  must(await call(CHANNELS.signUp, PEOPLE.ada));
  must(await call(CHANNELS.refresh));
  const heard = () =>
    window.webContents.sent
      .filter(([channel]) => channel === CHANNELS.refreshed)
      .map(([, refresh]) => refresh);
  // Events come through a queue, the answer does not.
  for (const until = Date.now() + 10_000; heard().length < 2 && Date.now() < until; ) await setImmediate();
  const [begun, ended] = heard();
  assert.deepEqual([begun.outcome, begun.number], [null, ended.number]);
  assert.ok(['renewed', 'confirmed'].includes(ended.outcome), ended.outcome);
  assert.deepEqual(must(await call(CHANNELS.refreshes)).at(-1), ended);
});
