// npm run bench: sets up what is missing, measures in real Electron under a private keyring, prints tables and
// writes the numbers to a file. `-- --release` measures the addon as it is shipped, which takes minutes to build.

import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { addonFile } from '../scripts/builds.mjs';
import { atEnd, endEverything, handleSignals } from '../scripts/processes.mjs';
import { cache, relative } from '../scripts/repo.mjs';
import { StepError, seconds } from '../scripts/steps.mjs';
import { about } from './about.mjs';
import { openPrograms } from './processes.mjs';
import { publish } from './publish.mjs';
import { startServers } from './server.mjs';
import { releaseAddon, releasePackage, setUp } from './set-up.mjs';
import { sizesOf } from './sizes.mjs';
import { measureFirstOpen, measureIdle, measureStart } from './startup.mjs';
import { tables } from './tables.mjs';

const PARTS = ['start', 'vault', 'store', 'session', 'peers'];

const { release, quick, docs, output, only } = parseArguments();
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
  const programs = await openPrograms({ package: release ? releasePackage() : undefined });
  const { folder, inElectron } = programs;
  const servers = await startServers();
  atEnd(() => servers.close());
  const { close, ...addresses } = servers;
  const setting = {
    ...programs,
    home: path.join(folder, 'stores'),
    servers: addresses,
    sizes: sizesOf({ quick }),
  };
  const result = {
    about: await about({
      command: ['npm run bench', ...typed()].join(' '),
      addon: release ? releaseAddon() : addonFile(),
      profile: release ? 'release' : 'start',
      inElectron,
      folder,
    }),
  };
  const measures = {
    start: measureStarts,
    vault: measureVault,
    store: measureStore,
    session: measureSession,
    peers: measurePeers,
  };
  for (const part of PARTS) {
    if (!only || only === part) Object.assign(result, await measures[part](setting));
  }

  console.log(`\n${tables(result)}`);
  const text = `${JSON.stringify(result, rounded, 1)}\n`;
  await mkdir(path.dirname(output), { recursive: true });
  await writeFile(output, text);
  if (docs) await publish(text);
  console.log(`\nMeasured in ${seconds(Date.now() - startedAt)}; every number is in ${relative(output)}`);
}

async function measureStarts({ inElectron, home, servers, sizes }) {
  console.log(`… what it adds to the start of an app, ${sizes.starts} starts`);
  const start = await measureStart({
    inElectron,
    home,
    entries: sizes.startEntries,
    starts: sizes.starts,
  });
  console.log(`… memory and threads of an app that does nothing, ${2 * sizes.idle.turns} starts`);
  return { start, idle: await measureIdle({ inElectron, home, servers, ...sizes.idle }) };
}

async function measureVault({ inElectron, home, sizes }) {
  const use = [];
  for (const [entries, turns] of sizes.use) {
    console.log(`… set and get with ${entries} entries`);
    use.push(await inElectron('use', { home, entries, turns }));
  }
  console.log(`… the first open in a new process, ${sizes.firstOpens} starts of each kind`);
  const held = sizes.use.map(([entries]) => entries);
  const largest = Math.max(...held);
  const firstOpen = await measureFirstOpen({ inElectron, home, entries: largest, starts: sizes.firstOpens });
  console.log('… opening again in one process');
  const reopen = await inElectron('reopen', { home, sizes: [0, ...held], turns: sizes.reopenTurns });
  return { use, firstOpen, reopen };
}

async function measureStore({ inElectron, home, sizes }) {
  const store = [];
  for (const [entries, turns] of sizes.store) {
    console.log(`… Store beside electron-store with ${entries} entries`);
    store.push(await inElectron('store', { home, entries, turns }));
  }
  return { store };
}

async function measureSession({ inElectron, home, servers, sizes }) {
  console.log('… tokens and requests of a session');
  return { session: await inElectron('session', { home, ...servers, sizes: sizes.session }) };
}

async function measurePeers({ inNode, home, servers, sizes }) {
  const options = { home, ...servers, sizes: sizes.session };
  console.log("… requests beside Node's own fetch");
  const nodeFetch = await inNode('fetch', options);
  console.log('… a session beside @azure/msal-node');
  const msal = await inNode('msal', options);
  console.log('… a session beside @workos/authkit-electron');
  return { nodeFetch, msal, authkit: await inNode('authkit', options) };
}

function rounded(_key, value) {
  return typeof value === 'number' && !Number.isInteger(value) ? Number(value.toPrecision(4)) : value;
}

function typed() {
  const given = process.argv.slice(2);
  return given.length > 0 ? ['--', ...given] : [];
}

function parseArguments() {
  try {
    const { values } = parseArgs({
      options: {
        release: { type: 'boolean', default: false },
        quick: { type: 'boolean', default: false },
        docs: { type: 'boolean', default: false },
        output: { type: 'string' },
        only: { type: 'string' },
      },
    });
    if (values.only !== undefined && !PARTS.includes(values.only))
      throw new Error(`Unknown: ${values.only}.`);
    const output = values.output ? path.resolve(values.output) : path.join(cache, 'bench', 'results.json');
    return { ...values, output };
  } catch (error) {
    console.error(
      `${error.message}\nnpm run bench takes -- --release, --output <file>, --only ${PARTS.join('|')}, --docs (puts the numbers into docs) and --quick (so little that the numbers mean nothing), or nothing.`,
    );
    process.exit(2);
  }
}
