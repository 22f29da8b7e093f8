import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FakeAddon, FakeWindow } from './fake-electron.mjs';
import { CHANNELS, PAGE, settle, startAuth, startOpenAuth } from './start.mjs';

const URL = 'http://127.0.0.1:4711/api/profile';
const ANSWER = {
  status: 200,
  statusText: 'OK',
  url: URL,
  headers: [],
  first: Buffer.from('{}'),
  complete: true,
};
const forever = () => new Promise(() => undefined);

test('a page gives up its own request, and the addon is told', async () => {
  const { addon, call } = await startOpenAuth();
  addon.session.replies.fetch = forever;
  const [first, second] = ['r1', 'r2'].map((requestId) => call(CHANNELS.fetch, URL, { requestId }));
  await settle();
  assert.deepEqual(await call(CHANNELS.cancelFetch, 'r1'), { ok: true, value: null });
  const { ok, code } = await first;
  assert.deepEqual([ok, code], [false, 'ERR_ABORTED']);
  assert.equal(await Promise.race([second, settle().then(() => 'under way')]), 'under way');
});

test('no page gives up the request of another', async () => {
  const { addon, auth, ipcMain, call } = await startOpenAuth();
  addon.session.replies.fetch = forever;
  const other = new FakeWindow(PAGE);
  auth.register(other);
  const request = call(CHANNELS.fetch, URL, { requestId: 'r1' });
  await settle();
  const given = await ipcMain.invoke(CHANNELS.cancelFetch, other.event(), 'r1');
  assert.equal(given.ok, true);
  assert.equal(await Promise.race([request, settle().then(() => 'under way')]), 'under way');
});

test('a request is given up while the vault still opens, and is then never sent', async () => {
  const addon = new FakeAddon();
  let open;
  addon.openVault = () => new Promise((resolve) => (open = resolve));
  const { call, auth } = startAuth({ addon });
  const request = call(CHANNELS.fetch, URL, { requestId: 'r1' });
  await call(CHANNELS.cancelFetch, 'r1');
  open();
  assert.equal((await request).code, 'ERR_ABORTED');
  await auth.session();
  assert.deepEqual(addon.session.calls, []);
});

test('an id is free again when its request is over, and not before', async () => {
  const { addon, call } = await startOpenAuth();
  let answer;
  addon.session.replies.fetch = () => new Promise((resolve) => (answer = resolve));
  const request = call(CHANNELS.fetch, URL, { requestId: 'r1' });
  await settle();
  assert.equal((await call(CHANNELS.fetch, URL, { requestId: 'r1' })).code, 'ERR_INVALID_ARGUMENT');
  answer(ANSWER);
  assert.equal((await request).ok, true);
  addon.session.replies.fetch = ANSWER;
  assert.equal((await call(CHANNELS.fetch, URL, { requestId: 'r1' })).ok, true);
  assert.equal((await call(CHANNELS.cancelFetch, 'r1')).ok, true, 'what is over stays as it is');
});

for (const [what, id] of [
  ['nothing', undefined],
  ['a number', 1],
  ['an empty text', ''],
  ['a text over 64 characters', 'x'.repeat(65)],
]) {
  test(`cancelling ${what} is refused`, async () => {
    const { call } = await startOpenAuth();
    assert.equal((await call(CHANNELS.cancelFetch, id)).code, 'ERR_INVALID_ARGUMENT');
  });
}
