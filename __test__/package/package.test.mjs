// The packages as they are published: what is in them, and that npm and apps get along with nothing but them.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { cp, readdir, readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { npm, run } from '../../scripts/processes.mjs';
import { root } from '../../scripts/repo.mjs';
import { sandboxArguments } from '../../scripts/sandbox.mjs';
import { packMain, packPlatform, platformHere, platforms } from '../../scripts/tarballs.mjs';
import { newUser, startServer } from '../auth-server.mjs';
import { emptyFolder } from '../vault-folder.mjs';
import { Registry } from './registry.mjs';

const APP = fileURLToPath(new URL('./app', import.meta.url));
const TIMEOUT_MS = 120_000;

const t = { after }; // all of it is gone when the file ends
const tarballs = await emptyFolder(t);
const [main, platform, server] = await Promise.all([
  packMain(tarballs),
  packPlatform(tarballs),
  startServer(t),
]);
const registry = await Registry.start(t);
/** A folder with an app in which `npm install electron-latchkey` was run. */
const app = await emptyFolder(t);
await cp(APP, app, { recursive: true });
await publishAll(tarballs);
await install();

async function install() {
  const cache = path.join(app, '.npm-cache');
  const args = ['install', 'electron-latchkey', `--registry=${registry.url}`, `--cache=${cache}`];
  await npm([...args, '--no-audit', '--no-fund'], { cwd: app, timeoutMs: TIMEOUT_MS });
}

async function publishAll(to) {
  for (const packed of [main, platform]) await registry.publish(packed);
  for (const folder of await platforms()) {
    if (folder !== platformHere()) registry.describe(await manifestIn(path.join(root, 'npm', folder)));
  }
  for (const name of Object.keys((await manifestIn(root)).dependencies)) {
    const args = [
      'pack',
      '--json',
      '--silent',
      `--pack-destination=${to}`,
      path.join(root, 'node_modules', name),
    ];
    const [{ filename, integrity }] = JSON.parse(await npm(args, { cwd: to }));
    await registry.publish({ file: path.join(to, filename), integrity });
  }
}

test('the package holds what it runs and nothing else', () => {
  const files = main.files.map(({ path: file }) => file);
  const own = files.filter((file) => !file.startsWith('bridge/dist/'));
  assert.deepEqual(own.sort(), [
    'CHANGELOG.md',
    'LICENSE-APACHE',
    'LICENSE-MIT',
    'README.md',
    'index.d.ts',
    'index.js',
    'loader.js',
    'package.json',
  ]);
  const bridge = files.filter((file) => !own.includes(file) && !/\.d\.ts$|\.js$/.test(file));
  assert.deepEqual(bridge, ['bridge/dist/esm/package.json']);
  assert.deepEqual(
    files.filter((file) => /test|spec|\.map$/.test(file)),
    [],
  );
  assert.ok(main.size < 200_000, `${main.size} bytes packed`);
});

test('the package of a platform holds the addon and the licences', () => {
  assert.deepEqual(platform.files.map(({ path: file }) => file).sort(), [
    'LICENSE-APACHE',
    'LICENSE-MIT',
    'README.md',
    'THIRD-PARTY-LICENSES.txt',
    `latchkey.${platformHere()}.node`,
    'package.json',
  ]);
});

test('every file that the manifest names is in the package', async () => {
  const { exports, main: entry, types } = await installed('electron-latchkey');
  const conditions = Object.values(exports).flatMap((entry) =>
    typeof entry === 'string' ? [entry] : Object.values(entry),
  );
  const files = main.files.map(({ path: file }) => `./${file}`);
  for (const file of [entry, types, ...conditions]) assert.ok(files.includes(file), file);
});

test('the manifest asks for the package of each platform in its own version, and has nothing for developers', async () => {
  const manifest = await installed('electron-latchkey');
  const names = (await platforms()).map((folder) => `electron-latchkey-${folder}`);
  assert.equal(names.length, 6);
  assert.deepEqual(
    manifest.optionalDependencies,
    Object.fromEntries(names.map((name) => [name, manifest.version])),
  );
  for (const field of ['scripts', 'devDependencies', 'overrides', 'napi'])
    assert.ok(!(field in manifest), field);
});

test('the checkout asks for no package of a platform, and all of them have its version', async () => {
  const { version, optionalDependencies, napi } = await manifestIn(root);
  assert.equal(optionalDependencies, undefined);
  const folders = await platforms();
  assert.equal(napi.targets.length, folders.length);
  for (const folder of folders) {
    const manifest = await manifestIn(path.join(root, 'npm', folder));
    const { name, main: addon } = manifest;
    assert.deepEqual(
      { name, version: manifest.version, addon },
      { name: `electron-latchkey-${folder}`, version, addon: `latchkey.${folder}.node` },
    );
  }
});

test('the licences of what is compiled in are listed, with their texts', async () => {
  const file = path.join(app, 'node_modules', platform.name, 'THIRD-PARTY-LICENSES.txt');
  const list = await readFile(file, 'utf8');
  for (const crate of ['napi', 'reqwest', 'ring', 'rustls', 'tokio']) {
    assert.match(list, new RegExp(`^${crate} \\d\\S+: \\S`, 'm'));
  }
  for (const words of ['Apache License', 'Permission is hereby granted', 'UNICODE LICENSE', 'Brian Smith']) {
    assert.ok(list.includes(words), words);
  }
  assert.doesNotMatch(list, /^(proptest|divan|napi-derive|cc) \d/m, 'what only builds or tests the addon');
});

test('npm installs the package of this platform and no other', async () => {
  const folders = await readdir(path.join(app, 'node_modules'));
  const ours = folders.filter((name) => name.startsWith('electron-latchkey'));
  assert.deepEqual(ours.sort(), ['electron-latchkey', `electron-latchkey-${platformHere()}`]);
  const fetched = registry.fetched.filter((file) => file.startsWith('electron-latchkey'));
  assert.deepEqual(fetched.sort(), [main.file, platform.file].map((file) => path.basename(file)).sort());
});

test('Node opens a vault and a session, and again in another process', async (t) => {
  const { use, person } = await visitor(t);
  const first = await use(process.execPath, ['node.cjs'], { person });
  const { byName, ...answer } = first;
  assert.deepEqual(answer, { status: 200, state: 'active', email: person.email });
  const names = Object.keys(createRequire(import.meta.url)(path.join(root, 'index.js')));
  assert.deepEqual(
    names.filter((name) => !byName.includes(name)),
    [],
    'an ES module imports each by its name',
  );
  const { status, email } = await use(process.execPath, ['node.cjs']);
  assert.deepEqual({ status, email }, { status: 200, email: person.email });
});

test('a fresh Electron app opens a vault and a session in main, and its page is refused', async (t) => {
  const { use, person } = await visitor(t);
  const electron = process.env.ELECTRON_PATH;
  assert.ok(electron, 'ELECTRON_PATH says which Electron to run');
  const args = [...sandboxArguments(), app];
  assert.deepEqual(await use(electron, args, { person }), {
    status: 200,
    state: 'active',
    email: person.email,
    createAuth: 'function',
    page: { name: 'LatchkeyError', code: 'ERR_WRONG_PROCESS' },
  });
});

/** Somebody new with a vault of their own; `use` runs the app for them. */
async function visitor(t) {
  const folder = await emptyFolder(t);
  const given = {
    vault: { id: `test.latchkey.${randomUUID()}`, path: path.join(folder, 'vault') },
    provider: { type: 'better-auth', baseUrl: `${server.url}/api/auth` },
    resource: `${server.url}/api/profile`,
  };
  const use = async (program, args, more) => {
    const env = { ...process.env, PACKAGE_TEST: JSON.stringify({ ...given, ...more }) };
    const output = await run(program, args, { cwd: app, env, timeoutMs: TIMEOUT_MS });
    return JSON.parse(/^ANSWER (.+)$/m.exec(output)[1]);
  };
  return { use, person: newUser() };
}

function installed(name) {
  return manifestIn(path.join(app, 'node_modules', name));
}

async function manifestIn(folder) {
  return JSON.parse(await readFile(path.join(folder, 'package.json'), 'utf8'));
}
