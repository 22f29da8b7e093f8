// The suites `npm test` runs, in the order of what fails fastest. Each answers its counts; a check (a linter, a
// compiler) counts as one test.

import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { GENERATED } from './builds.mjs';
import { countCargo, countTap, countVitest } from './counts.mjs';
import { openDisplay } from './display.mjs';
import { electronExecutable } from './electron-runtime.mjs';
import { CommandError, npm, run } from './processes.mjs';
import { example, root } from './repo.mjs';
import { openPrivateSecretService } from './secret-service.mjs';

/** No suite takes this long; one that hangs must not hang the run. */
const SUITE_TIMEOUT_MS = 30 * 60_000;
const LONG_SUITE_TIMEOUT_MS = 180 * 60_000;

const CLIPPY = ['clippy', '--locked', '--all-targets'];
const biome = path.join(root, 'node_modules', '@biomejs', 'biome', 'bin', 'biome');
const vitest = path.join(example, 'node_modules', 'vitest', 'vitest.mjs');

export const SUITES = [
  check('Rust format', 'cargo', ['fmt', '--check']),
  check('JavaScript format and lint', process.execPath, [biome, 'ci', '--colors=off', '.']),
  ...generatedFilesCheck(),
  { name: 'Types of the example', run: typesOfTheExample },
  nodeTests('The scripts', 'scripts'),
  check('Rust lint, core alone', 'cargo', [...CLIPPY, '--no-default-features', '--', '-D', 'warnings']),
  check('Rust documentation', 'cargo', ['doc', '--locked', '--no-deps', '--no-default-features']),
  check('Rust lint, with Node', 'cargo', [...CLIPPY, '--', '-D', 'warnings']),
  { name: 'The core, without Node', run: rustTests },
  nodeTests('The servers of the tests', '__test__/peers'),
  nodeTests('The addon in Node', '__test__', { keyring: true }),
  nodeTests('The packed package', '__test__/package', { keyring: true, electron: true }),
  nodeTests('The bridge', 'bridge/test'),
  nodeTests('The documents', 'docs/test', { keyring: true }),
  { name: "The example's renderer", run: rendererTests },
  nodeTests("The example's server", 'electron-example/server'),
  nodeTests('The example in Electron', 'electron-example/e2e', { keyring: true, electron: true }),
];

function check(name, command, args) {
  return {
    name,
    async run({ show, env }) {
      await run(command, args, { cwd: root, env, onOutput: show, timeoutMs: SUITE_TIMEOUT_MS, shown: name });
      return { passed: 1, failed: 0, skipped: 0 };
    },
  };
}

// Without a repository (an unpacked archive) there is nothing to compare with.
function generatedFilesCheck() {
  if (!existsSync(path.join(root, '.git'))) return [];
  // A container's root may run what another user checked out, which git refuses to look at unless told.
  const args = ['-c', `safe.directory=${root}`, 'diff', '--exit-code', '--', ...GENERATED, 'Cargo.lock'];
  return [check('Generated files are committed as built', 'git', args)];
}

async function typesOfTheExample({ show, env }) {
  await npm(['run', '--silent', 'typecheck'], {
    cwd: example,
    env,
    onOutput: show,
    timeoutMs: SUITE_TIMEOUT_MS,
  });
  return { passed: 1, failed: 0, skipped: 0 };
}

async function rustTests({ show, env }) {
  const args = ['test', '--locked', '--no-default-features', '--no-fail-fast'];
  const { output, ended } = await toTheEnd('cargo', args, { cwd: root, env, onOutput: show });
  return atLeastOneFailure(countCargo(output), ended);
}

/** All `*.test.mjs` of a folder, one file at a time: some of them measure, and windows share one screen. */
function nodeTests(name, folder, { keyring = false, electron = false } = {}) {
  return {
    name,
    async run({ show, env }) {
      const files = (await readdir(path.join(root, folder)))
        .filter((file) => file.endsWith('.test.mjs'))
        .sort()
        .map((file) => path.join(folder, file));
      if (files.length === 0) throw new Error(`there is no test in ${folder}`);
      const childEnv = {
        ...env,
        ...(keyring ? await keyringEnv(show) : {}),
        ...(electron ? await electronEnv() : {}),
      };
      return inTemporaryFolder(async (temporary) => {
        const tap = path.join(temporary, 'result.tap');
        const args = ['--test', '--test-concurrency=1', ...reporters({ spec: 'stdout', tap }), ...files];
        const options = { cwd: root, env: childEnv, onOutput: show };
        const { ended } = await toTheEnd(process.execPath, args, options);
        return atLeastOneFailure(countTap(await readFile(tap, 'utf8')), ended);
      });
    },
  };
}

async function rendererTests({ show, env }) {
  return inTemporaryFolder(async (temporary) => {
    const json = path.join(temporary, 'result.json');
    const args = [vitest, 'run', '--reporter=default', '--reporter=json', `--outputFile.json=${json}`];
    const { ended } = await toTheEnd(process.execPath, args, { cwd: example, env, onOutput: show });
    return atLeastOneFailure(countVitest(await readFile(json, 'utf8')), ended);
  });
}

// Failing tests are counted, so a runner that ends with an error is no error here.
async function toTheEnd(command, args, options) {
  let output = '';
  const onOutput = (chunk) => {
    output += chunk;
    options.onOutput(chunk);
  };
  try {
    const timeoutMs = options.env.LATCHKEY_LONG ? LONG_SUITE_TIMEOUT_MS : SUITE_TIMEOUT_MS;
    await run(command, args, { timeoutMs, ...options, onOutput });
    return { output, ended: 'well' };
  } catch (error) {
    if (error instanceof CommandError && error.code !== 'ENOENT') return { output, ended: 'badly' };
    throw error;
  }
}

// A runner that crashed, did not compile or was stopped may have counted no failure at all.
function atLeastOneFailure(counts, ended) {
  return ended === 'badly' && counts.failed === 0 ? { ...counts, failed: 1 } : counts;
}

async function keyringEnv(show) {
  const { env, note } = await openPrivateSecretService();
  show(`(keychain: ${note})\n`);
  return env;
}

async function electronEnv() {
  const { env } = await openDisplay();
  return { ...env, ELECTRON_PATH: electronExecutable() };
}

function reporters(destinations) {
  return Object.entries(destinations).flatMap(([reporter, destination]) => [
    `--test-reporter=${reporter}`,
    `--test-reporter-destination=${destination}`,
  ]);
}

async function inTemporaryFolder(work) {
  const folder = await mkdtemp(path.join(tmpdir(), 'latchkey-test-'));
  try {
    return await work(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
