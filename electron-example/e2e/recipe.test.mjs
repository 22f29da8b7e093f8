// The published recipe moves in: its service with two other import lines, in real Electron, with what it had stored.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile, rename } from 'node:fs/promises';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Computer } from './app.mjs';

const APP = fileURLToPath(new URL('./recipe-app', import.meta.url));
const BEFORE = 'secure-storage.cjs';
const AFTER = 'secure-storage.moved.cjs';
const linuxOnly = { skip: process.platform !== 'linux' && 'the keyring of these tests is Linux' };

const TIMEOUT_MS = 60_000;

/** Runs the app with this service; answers what the page's calls came to. */
async function run(computer, service, calls, { sealed } = {}) {
  const out = computer.path('out.json');
  const isRoot = process.getuid?.() === 0;
  const args = [
    ...(isRoot ? ['--no-sandbox'] : []),
    `--user-data-dir=${computer.path('user-data')}`,
    '--password-store=gnome-libsecret',
    APP,
  ];
  const env = {
    ...computer.env,
    RECIPE_SERVICE: service,
    RECIPE_CALLS: JSON.stringify(calls),
    RECIPE_OUT: out,
    ...(sealed ? { RECIPE_SEALED: sealed } : {}),
  };
  const child = spawn(process.env.ELECTRON_PATH, args, { env, stdio: 'ignore', timeout: TIMEOUT_MS });
  const [code] = await once(child, 'exit');
  assert.equal(code, 0, 'the app ended badly');
  const answer = JSON.parse(await readFile(out, 'utf8'));
  assert.equal(answer.failed, undefined);
  return answer;
}

const done = { success: true };
const data = (value) => ({ success: true, data: value });

const SIGN_IN = [
  ['isAvailable'],
  ['setToken', 'accessToken', 'the access token'],
  ['setToken', 'refreshToken', 'the refresh token'],
  ['getToken', 'accessToken'],
];
const READ = [
  ['getToken', 'accessToken'],
  ['getToken', 'refreshToken'],
];

test('before and after differ in their two import lines and in nothing else', async () => {
  const [before, after] = await Promise.all(
    [BEFORE, AFTER].map(async (file) => (await readFile(`${APP}/${file}`, 'utf8')).split('\n')),
  );
  assert.equal(before.length, after.length);
  const changed = before.flatMap((line, at) => (line === after[at] ? [] : [[line, after[at]]]));
  assert.deepEqual(changed, [
    [
      "const { safeStorage } = require('electron');",
      "const { safeStorage } = require('electron-latchkey/safe-storage');",
    ],
    ["const Store = require('electron-store');", "const Store = require('electron-latchkey/store');"],
  ]);
});

test(
  'the moved service does what the recipe does, over restarts, and works before ready',
  linuxOnly,
  async (t) => {
    const computer = await Computer.create(t);
    const first = await run(computer, AFTER, SIGN_IN);
    assert.deepEqual([first.isReady, first.beforeReady], [false, true]);
    assert.deepEqual(first.answers, [data(true), done, done, data('the access token')]);
    const again = await run(computer, AFTER, [...READ, ['deleteToken', 'accessToken'], ...READ]);
    const [access, refresh] = [data('the access token'), data('the refresh token')];
    assert.deepEqual(again.answers, [access, refresh, done, data(null), refresh]);
    const cleared = await run(computer, AFTER, [['clearAll'], ...READ]);
    assert.deepEqual(cleared.answers, [done, data(null), data(null)]);
    assert.deepEqual(await filesOfStore(computer), [], 'electron-store wrote nothing');
  },
);

for (const sealed of ['reseal', 'keep']) {
  test(
    `what Electron sealed and electron-store kept is there after the move (${sealed})`,
    linuxOnly,
    async (t) => {
      const computer = await Computer.create(t);
      const before = await run(computer, BEFORE, SIGN_IN);
      assert.deepEqual(before.answers, [data(true), done, done, data('the access token')]);
      const file = computer.path('user-data', 'secure-storage.json');
      const stored = await readFile(file, 'utf8');
      assert.match(JSON.parse(stored).tokens.accessToken, /^djEx/, 'sealed as v11');

      const moved = await run(computer, AFTER, READ, { sealed });
      assert.deepEqual(moved.report.entries, [
        { source: 0, key: 'tokens', status: 'imported', reason: null },
      ]);
      assert.deepEqual(moved.answers, [data('the access token'), data('the refresh token')]);
      assert.deepEqual(await filesOfStore(computer), ['secure-storage.json.imported']);
      assert.equal(await readFile(`${file}.imported`, 'utf8'), stored);

      // Signed out, and started again: the importer runs, and nothing comes back.
      const signOut = await run(computer, AFTER, [['deleteToken', 'refreshToken'], ...READ], { sealed });
      assert.deepEqual(signOut.answers, [done, data('the access token'), data(null)]);
      assert.deepEqual(signOut.report.entries[0].status, 'skipped');

      // And back: the file under its old name, and the old service reads it.
      await rename(`${file}.imported`, file);
      const back = await run(computer, BEFORE, READ);
      assert.deepEqual(back.answers, [data('the access token'), data('the refresh token')]);
    },
  );
}

async function filesOfStore(computer) {
  const files = await readdir(computer.path('user-data'));
  return files.filter((name) => name.startsWith('secure-storage')).sort();
}
