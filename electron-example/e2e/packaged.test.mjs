// The example as an app to install: in an archive, the addon beside it, fuses set.
import assert from 'node:assert/strict';
import { access, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import asar from '@electron/asar';
import fuses from '@electron/fuses';
import { launchPackaged } from '../../scripts/packaged-app.mjs';
import { packageExample } from '../../scripts/packaging.mjs';
import { Computer } from './app.mjs';
import { callApi, seesAccount, seesSignInForm, signIn } from './page.mjs';
import { DEMO_USER, Server } from './server.mjs';

const { FuseV1Options, getCurrentFuseWire } = fuses;

/** How a fuse lies in the program. */
const ON = '1'.charCodeAt();
const OFF = '0'.charCodeAt();

let folder;
let executable;
let resources;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'latchkey-packaged-'));
  const said = [];
  try {
    executable = await packageExample({ to: folder, onOutput: (chunk) => said.push(chunk) });
  } catch (error) {
    throw new Error(`${error.message}\n${Buffer.concat(said)}`, { cause: error });
  }
  resources = join(dirname(executable), 'resources');
});

after(() => rm(folder, { recursive: true, force: true }));

test('the archive holds what the app needs, and nothing of its making', async () => {
  const files = asar.listPackage(join(resources, 'app.asar')).map((file) => file.slice(1));
  for (const needed of ['dist/main/index.cjs', 'dist/preload/index.cjs', 'dist/renderer/index.html']) {
    assert.ok(files.includes(needed), needed);
  }
  const unwanted = files.filter((file) => /\.(map|ts|vue|rs)$|\.test\.|(^|\/)(src|e2e|server)\//.test(file));
  assert.deepEqual(unwanted, []);
  const packages = files.filter((file) => /^node_modules\/[^/]+$/.test(file));
  assert.match(
    packages.join(' '),
    /^node_modules\/electron-latchkey node_modules\/electron-latchkey-\S+ node_modules\/semver$/,
  );
});

test('the addon lies beside the archive, where the system can load it', async () => {
  const unpacked = await readdir(join(resources, 'app.asar.unpacked'), { recursive: true });
  const addons = unpacked.filter((file) => file.endsWith('.node'));
  assert.equal(addons.length, 1);
  const [addon] = addons;
  assert.deepEqual(
    (await readFile(join(resources, 'app.asar.unpacked', addon))).subarray(1, 4).toString(),
    'ELF',
  );
});

test('the fuses are set as electron-builder.yml says', async () => {
  const wire = await getCurrentFuseWire(executable);
  const expected = {
    RunAsNode: OFF,
    EnableNodeOptionsEnvironmentVariable: OFF,
    EnableNodeCliInspectArguments: OFF,
    EnableCookieEncryption: ON,
    OnlyLoadAppFromAsar: ON,
    EnableEmbeddedAsarIntegrityValidation: ON,
  };
  const found = Object.fromEntries(Object.keys(expected).map((name) => [name, wire[FuseV1Options[name]]]));
  assert.deepEqual(found, expected);
});

test('signs in, and after a restart it is still signed in', async (t) => {
  const server = await Server.start(t);
  const computer = await Computer.create(t);
  let app = await start(t, computer, server);
  await seesSignInForm(app);
  await signIn(app, DEMO_USER);
  await seesAccount(app, DEMO_USER);
  assert.equal(await app.close(), 0);

  app = await start(t, computer, server);
  await seesAccount(app, DEMO_USER);
  assert.equal((await callApi(app)).outcome, 'ok');
  assert.equal(await app.close(), 0);
});

test('runs no code that is not its own: by NODE_OPTIONS, as Node, by a debugger, from a folder', async (t) => {
  const server = await Server.start(t);
  const computer = await Computer.create(t);
  const trace = computer.path('trace');
  const foreign = computer.path('foreign.cjs');
  await writeFile(foreign, `require('node:fs').writeFileSync(${JSON.stringify(trace)}, '')`);
  const beside = join(resources, 'app');
  await mkdir(beside);
  t.after(() => rm(beside, { recursive: true }));
  await writeFile(join(beside, 'package.json'), JSON.stringify({ main: foreign }));

  const app = await start(t, computer, server, {
    args: ['--inspect=0', foreign],
    env: { NODE_OPTIONS: `--require=${foreign}`, ELECTRON_RUN_AS_NODE: '1' },
  });
  await seesSignInForm(app);
  assert.equal(await app.close(), 0);
  await assert.rejects(access(trace), { code: 'ENOENT' });
  assert.doesNotMatch(app.said(), /Debugger listening/);
});

async function start(t, computer, server, { args = [], env = {} } = {}) {
  const isRoot = process.getuid() === 0;
  const app = await launchPackaged(executable, {
    args: [
      ...(isRoot ? ['--no-sandbox'] : []), // Chromium's sandbox cannot start as root
      `--user-data-dir=${computer.path('user-data')}`,
      '--password-store=basic',
      ...args,
    ],
    env: { ...computer.env, LATCHKEY_API_URL: server.url, LATCHKEY_VAULT_DIR: computer.vault, ...env },
  });
  t.after(() => app.kill());
  return { ...app, page: await app.firstWindow() };
}
