// npm run bench: sets up what is missing, measures in real Electron under a private keyring, prints tables and
// writes the numbers to a file. `-- --release` measures the addon as it is shipped, which takes minutes to build.

import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { addonFile } from '../scripts/builds.mjs';
import { openDisplay } from '../scripts/display.mjs';
import { electronExecutable } from '../scripts/electron-runtime.mjs';
import { atEnd, endEverything, handleSignals, onPath, run } from '../scripts/processes.mjs';
import { cache, relative, root } from '../scripts/repo.mjs';
import { sandboxArguments } from '../scripts/sandbox.mjs';
import { openPrivateSecretService } from '../scripts/secret-service.mjs';
import { StepError, seconds } from '../scripts/steps.mjs';
import { startServers } from './server.mjs';
import { releaseAddon, setUp } from './set-up.mjs';
import { tables } from './tables.mjs';

/** Entries in the store, and how many turns the stores take: the pair's writes cost more the more it holds. */
const TURNS = new Map([
  [10, 200],
  [100, 200],
  [1000, 100],
  [10_000, 30],
]);
const SIZES = [...TURNS.keys()];
const LARGEST = Math.max(...SIZES);

/** Starts of Electron for each kind of first open. */
const STARTS = 12;
const REOPEN_TURNS = 20;

/** Far above what any one measurement takes. */
const MEASUREMENT_TIMEOUT_MS = 5 * 60_000;

/** The drop-in beside electron-store: entries, and turns. */
const STORE_TURNS = new Map([
  [10, 400],
  [1000, 100],
]);

const { release, output, only } = parseArguments();
handleSignals();
try {
  await setUp({ release });
  await bench();
} catch (error) {
  console.error(error instanceof StepError ? error.message : error);
  process.exitCode = 1;
} finally {
  await endEverything();
}

async function bench() {
  const startedAt = Date.now();
  const electron = await openElectron();
  const home = path.join(electron.folder, 'stores');
  const result = { about: await about(electron), store: [] };

  for (const [entries, turns] of STORE_TURNS) {
    console.log(`… Store beside electron-store with ${entries} entries`);
    result.store.push(await electron.measure('store', { home, entries, turns }));
  }
  if (only !== 'store') Object.assign(result, await measureVault(electron, home));

  console.log(`\n${tables(result)}`);
  await mkdir(path.dirname(output), { recursive: true });
  await writeFile(output, `${JSON.stringify(result, rounded, 1)}\n`);
  console.log(`\nMeasured in ${seconds(Date.now() - startedAt)}; every number is in ${relative(output)}`);
}

async function measureVault(electron, home) {
  const result = { use: [], firstOpen: [], reopen: {} };
  for (const [entries, turns] of TURNS) {
    console.log(`… set and get with ${entries} entries`);
    result.use.push(await electron.measure('use', { home, entries, turns }));
  }
  console.log(`… the first open in a new process, ${STARTS} starts of each kind`);
  result.firstOpen = await measureFirstOpen(electron, home);
  console.log('… opening again in one process');
  const sizes = [0, ...SIZES];
  result.reopen = await electron.measure('reopen', { home, sizes, turns: REOPEN_TURNS });
  console.log('… tokens and requests of a session');
  const servers = await startServers();
  atEnd(() => servers.close());
  result.session = await electron.measure('session', { home, ...servers });
  return result;
}

/** The app that measures, ready to be started with one measurement after another. */
async function openElectron() {
  const [display, secrets] = [await openDisplay(), await openPrivateSecretService()];
  console.log(`· Keychain: ${secrets.note}`);
  // On the disk of the checkout: the system's temporary folder may be memory.
  const base = process.env.LATCHKEY_BENCH_DIR ?? path.join(cache, 'bench');
  await mkdir(base, { recursive: true });
  const folder = await mkdtemp(path.join(base, 'run-'));
  atEnd(() => rm(folder, { recursive: true, force: true }));

  const args = [
    ...sandboxArguments(),
    ...display.args,
    ...(process.platform === 'linux' ? ['--password-store=gnome-libsecret'] : []),
    `--user-data-dir=${path.join(folder, 'electron')}`,
    path.join(root, 'bench'),
  ];
  const addon = release ? { NAPI_RS_NATIVE_LIBRARY_PATH: releaseAddon() } : {};
  const env = { ...process.env, ...display.env, ...secrets.env, ...addon };
  const resultFile = path.join(folder, 'result.json');
  const measure = async (measurement, options) => {
    const LATCHKEY_BENCH = JSON.stringify({ measurement, options, resultFile });
    await run(electronExecutable(), args, {
      env: { ...env, LATCHKEY_BENCH },
      timeoutMs: MEASUREMENT_TIMEOUT_MS,
    }).catch((error) => {
      throw new Error(`${measurement}: ${error.message}\n${error.output}`);
    });
    return JSON.parse(await readFile(resultFile, 'utf8'));
  };
  return { folder, measure };
}

// An empty store beside a full one: the difference is what the entries cost, the rest is the keychain's.
async function measureFirstOpen(electron, home) {
  await electron.measure('reopen', { home, sizes: [0], turns: 1 }); // makes the empty vault
  const kinds = ['vault', 'pair'].flatMap((store) => [0, LARGEST].map((entries) => ({ store, entries })));
  const runs = new Map(kinds.map((kind) => [kind, []]));
  for (let turn = 0; turn < STARTS; turn++) {
    for (const [kind, times] of runs) {
      await dropFromPageCache(home, kind);
      times.push(await electron.measure('open', { home, ...kind }));
    }
  }
  return Array.from(runs, ([kind, times]) => {
    const parts = Object.keys(times[0]).map((part) => [part, median(times.map((time) => time[part]))]);
    return { ...kind, ...Object.fromEntries(parts) };
  });
}

// So that the first open reads from the disk, as after the start of the machine. Only where GNU dd can ask for it.
async function dropFromPageCache(home, { store, entries }) {
  const name = { vault: 'vault.latchkey', pair: 'config.json' }[store];
  const file = path.join(home, `${store}-${entries}`, name);
  if (process.platform !== 'linux' || !onPath('dd')) return;
  await run('dd', [`if=${file}`, 'iflag=nocache', 'count=0', 'status=none']).catch(() => {});
}

async function about(electron) {
  const versions = await electron.measure('versions', {});
  const store = JSON.parse(await readFile(path.join(root, 'bench/package.json'), 'utf8'));
  const addon = await stat(release ? releaseAddon() : addonFile());
  return {
    date: new Date().toISOString().slice(0, 10),
    commit: git('rev-parse', '--short', 'HEAD'),
    uncommittedChanges: git('status', '--porcelain', '--', 'src', 'Cargo.toml', 'Cargo.lock') !== '',
    addon: { profile: release ? 'release' : 'start', bytes: addon.size },
    electron: versions.electron,
    node: versions.node,
    'electron-store': store.dependencies['electron-store'],
    os: `${os.type()} ${os.release().split('.').slice(0, 2).join('.')} ${os.arch()}`,
    cpu: `${os.cpus().length} × ${os.cpus()[0]?.model ?? 'unknown'}`,
    memoryGiB: Math.round(os.totalmem() / 2 ** 30),
    fileSystem: fileSystem(electron.folder),
    load: os.loadavg()[0],
  };
}

function git(...args) {
  try {
    return execFileSync('git', args, {
      cwd: root,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim();
  } catch {
    return 'unknown'; // a copy without its history
  }
}

function fileSystem(folder) {
  try {
    const listing = execFileSync('df', ['--output=fstype', folder], { encoding: 'utf8' });
    return listing.trim().split('\n').at(-1);
  } catch {
    return 'unknown'; // not GNU's df
  }
}

function median(samples) {
  return [...samples].sort((a, b) => a - b)[Math.floor(samples.length / 2)];
}

function rounded(_key, value) {
  return typeof value === 'number' ? Number(value.toPrecision(4)) : value;
}

function parseArguments() {
  try {
    const options = {
      release: { type: 'boolean', default: false },
      output: { type: 'string' },
      only: { type: 'string' },
    };
    const { values } = parseArgs({ options });
    const named = values.output ? path.resolve(values.output) : path.join(cache, 'bench', 'results.json');
    if (values.only !== undefined && values.only !== 'store') throw new Error(`Unknown: ${values.only}.`);
    return { release: values.release, output: named, only: values.only };
  } catch (error) {
    console.error(
      `${error.message}\nnpm run bench takes -- --release, --output <file> and --only store, or nothing.`,
    );
    process.exit(2);
  }
}
