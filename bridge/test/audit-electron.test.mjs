import assert from 'node:assert/strict';
import { constants } from 'node:fs';
import { copyFile, mkdtemp, open, readdir, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { substitute } from './fake-electron.mjs';

const require = createRequire(import.meta.url);
const { auditElectron } = require('../dist/cjs/main/index.js');
const { readFuses } = require('../dist/cjs/main/fuses.js');

const SENTINEL = 'dL7pKGdnNz796PbbjQWNKmHXBZaB9tsX';
/** RunAsNode, cookies, NODE_OPTIONS, inspect, asar integrity, only asar, V8 snapshot. */
const STOCK = '1011000';
const HARDENED = '0100110';
const GOOD = {
  contextIsolation: true,
  sandbox: true,
  nodeIntegration: false,
  webSecurity: true,
  allowRunningInsecureContent: false,
};
const RUNTIMES = fileURLToPath(new URL('../../.latchkey/electron/', import.meta.url));

function wire(states, version = 1, count = states.length) {
  return Buffer.concat([Buffer.from(SENTINEL), Buffer.from([version, count]), Buffer.from(states)]);
}

async function folder(t) {
  const path = await mkdtemp(join(tmpdir(), 'latchkey-audit-'));
  t.after(() => rm(path, { recursive: true, force: true }));
  return path;
}

async function executable(t, ...parts) {
  const path = join(await folder(t), 'electron');
  await writeFile(path, Buffer.concat(parts));
  return path;
}

/** An app with these pages, each given by what Electron says of it. */
async function audit(pages, path, switches = []) {
  const contents = pages.map((preferences, index) => ({
    id: index + 1,
    ...(preferences === undefined ? {} : { getLastWebPreferences: () => preferences }),
  }));
  substitute('electron', () => ({
    app: { commandLine: { hasSwitch: (name) => switches.includes(name) } },
    webContents: { getAllWebContents: () => contents },
  }));
  return auditElectron({ executable: path });
}

const namesOf = (findings) => findings.map(({ name, webContentsId }) => [name, webContentsId]);

test('an app that is set up well has no findings', async (t) => {
  const path = await executable(t, Buffer.alloc(1000), wire(HARDENED), Buffer.alloc(1000));
  assert.deepEqual(await audit([GOOD, GOOD], path), []);
});

for (const [preference, name] of [
  ['contextIsolation', 'CONTEXT_ISOLATION_OFF'],
  ['sandbox', 'SANDBOX_OFF'],
  ['nodeIntegration', 'NODE_INTEGRATION_ON'],
  ['webSecurity', 'WEB_SECURITY_OFF'],
  ['allowRunningInsecureContent', 'INSECURE_CONTENT_ALLOWED'],
]) {
  test(`a page whose ${preference} is ${!GOOD[preference]} is found, and said which`, async (t) => {
    const path = await executable(t, wire(HARDENED));
    const findings = await audit([GOOD, { ...GOOD, [preference]: !GOOD[preference] }], path);
    assert.deepEqual(namesOf(findings), [[name, 2]]);
    assert.ok(findings[0].message.length > 20 && findings[0].advice.length > 10);
  });
}

test('a page that Electron says nothing of is a finding, not a good one', async (t) => {
  const path = await executable(t, wire(HARDENED));
  assert.deepEqual(namesOf(await audit([undefined, null], path)), [
    ['PREFERENCES_NOT_READABLE', 1],
    ['PREFERENCES_NOT_READABLE', 2],
  ]);
});

test('--no-sandbox takes the sandbox from every page', async (t) => {
  const path = await executable(t, wire(HARDENED));
  assert.deepEqual(namesOf(await audit([GOOD], path, ['no-sandbox'])), [['SANDBOX_SWITCHED_OFF', null]]);
});

test('the fuses of stock Electron fall short', async (t) => {
  const path = await executable(t, wire(STOCK));
  const expected = [
    'FUSE_RUN_AS_NODE_ON',
    'FUSE_NODE_OPTIONS_ON',
    'FUSE_NODE_CLI_INSPECT_ON',
    'FUSE_COOKIE_ENCRYPTION_OFF',
    ...(process.platform === 'linux' ? [] : ['FUSE_ASAR_INTEGRITY_OFF']),
    'FUSE_ONLY_LOAD_APP_FROM_ASAR_OFF',
  ];
  assert.deepEqual(
    (await audit([], path)).map(({ name }) => name),
    expected,
  );
});

test('of a universal executable each half counts', async (t) => {
  const path = await executable(t, wire(HARDENED), Buffer.alloc(5000), wire('1100110'));
  assert.deepEqual(namesOf(await audit([], path)), [['FUSE_RUN_AS_NODE_ON', null]]);
});

test('a fuse that this Electron has removed, or does not have yet, is no finding', async (t) => {
  const path = await executable(t, wire('r100'));
  assert.deepEqual(await readFuses(path), [
    { cookieEncryption: true, nodeOptions: false, nodeCliInspect: false },
  ]);
  assert.deepEqual(await audit([], path), []);
});

for (const [what, ...parts] of [
  ['no wire', Buffer.alloc(4096)],
  ['nothing at all', Buffer.alloc(0)],
  ['a wire that is cut off', Buffer.from(SENTINEL), Buffer.from([1])],
  ['a wire shorter than it says', wire('010', 1, 9)],
  ['a wire of a version to come', wire(HARDENED, 2)],
]) {
  test(`an executable with ${what} is not taken for a good one`, async (t) => {
    const path = await executable(t, ...parts);
    assert.deepEqual(namesOf(await audit([], path)), [['FUSES_NOT_READABLE', null]]);
  });
}

test('an executable that is not there is not taken for a good one', async (t) => {
  const path = join(await folder(t), 'electron');
  assert.deepEqual(namesOf(await audit([], path)), [['FUSES_NOT_READABLE', null]]);
});

test('a wire is found once wherever it lies, also over the border of two chunks', async (t) => {
  const megabyte = 1024 * 1024;
  for (const at of [
    0,
    megabyte - 40,
    megabyte - 33,
    megabyte - 1,
    megabyte,
    megabyte + 5,
    2 * megabyte - 20,
  ]) {
    const path = await executable(t, Buffer.alloc(at), wire(HARDENED), Buffer.alloc(100));
    assert.equal((await readFuses(path)).length, 1, `at ${at}`);
  }
});

test('a copy of a real Electron is read, before and after its fuses are flipped', async (t) => {
  const [version] = await readdir(RUNTIMES);
  const path = join(await folder(t), 'electron');
  await copyFile(join(RUNTIMES, version, 'electron'), path, constants.COPYFILE_FICLONE);
  const [before, ...more] = await readFuses(path);
  assert.deepEqual(more, []);
  assert.deepEqual([before.runAsNode, before.onlyLoadAppFromAsar], [true, false]);
  await flip(path, HARDENED);
  assert.deepEqual(await audit([GOOD], path), []);
});

/** What `@electron/fuses` does to an executable. */
async function flip(path, states) {
  const file = await open(path, 'r+');
  try {
    const at = (await file.readFile()).indexOf(SENTINEL);
    await file.write(states, at + SENTINEL.length + 2);
  } finally {
    await file.close();
  }
}
