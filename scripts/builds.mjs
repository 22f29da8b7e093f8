// What is compiled: the Rust addon, the bridge and the example. How is in the package.json of each; here is
// only when.

import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { fingerprint } from './fingerprint.mjs';
import { EXAMPLE_PACKAGES, ROOT_PACKAGES } from './npm-packages.mjs';
import { npm, onPath } from './processes.mjs';
import { example, root } from './repo.mjs';
import { SYSTEM_LIBRARIES } from './system-packages.mjs';

export const ADDON = 'Rust addon';
export const BRIDGE = 'Bridge';
export const EXAMPLE = 'Example';
const API_REFERENCE = 'API reference';

/** The addon's file as napi names it for this machine. */
export function addonFile() {
  const abi = { linux: '-gnu', win32: '-msvc' }[process.platform] ?? '';
  return path.join(root, `latchkey.${process.platform}-${process.arch}${abi}.node`);
}

/** The files the addon's build writes beside it, which are committed, */
const OF_THE_ADDON = ['index.js', 'index.d.ts'];
/** and what is written from the types. */
const OF_THE_TYPES = ['docs/api'];
/** All that builds write and that is committed. */
export const GENERATED = [...OF_THE_ADDON, ...OF_THE_TYPES];

const BRIDGE_INPUTS = ['bridge', 'tsconfig.json', 'tsconfig.cjs.json', 'tsconfig.esm.json'];

export function buildSteps() {
  return [
    {
      name: ADDON,
      after: [ROOT_PACKAGES],
      doing: 'cargo build (a few minutes the first time, seconds later)',
      fingerprint: async () => {
        const { napi, scripts } = JSON.parse(await readFile(path.join(root, 'package.json'), 'utf8'));
        return fingerprint(['Cargo.toml', 'Cargo.lock', 'build.rs', 'src', 'scripts/write-index.mjs'], {
          values: [napi, scripts['build:addon'], process.platform, process.arch],
        });
      },
      outputs: [addonFile()],
      generated: OF_THE_ADDON,
      run: async ({ log, finished }) => {
        if (!onPath('cargo')) {
          throw new Error('Rust is not installed. Get it from https://rustup.rs, then start again.');
        }
        if (!onPath('cc')) await finished(SYSTEM_LIBRARIES);
        await npm(['run', '--silent', 'build:addon'], { cwd: root, onOutput: log });
      },
    },
    {
      name: BRIDGE,
      after: [ROOT_PACKAGES],
      doing: 'TypeScript',
      fingerprint: () => fingerprint([...BRIDGE_INPUTS, 'index.d.ts'], { ignore: ['dist'] }),
      outputs: ['cjs', 'esm', 'preload-script.js'].map((name) => path.join(root, 'bridge', 'dist', name)),
      run: async ({ log }) => {
        await npm(['run', '--silent', 'build:bridge'], { cwd: root, onOutput: log });
      },
    },
    {
      name: API_REFERENCE,
      after: [ADDON, BRIDGE],
      fingerprint: async () => {
        const { exports } = JSON.parse(await readFile(path.join(root, 'package.json'), 'utf8'));
        const inputs = [...BRIDGE_INPUTS, 'index.d.ts', 'scripts/api-reference.mjs'];
        return fingerprint(inputs, { ignore: ['dist', 'test'], values: [exports] });
      },
      outputs: OF_THE_TYPES.map((folder) => path.join(root, folder)),
      generated: OF_THE_TYPES,
      run: async ({ log }) => {
        await npm(['run', '--silent', 'docs:api'], { cwd: root, onOutput: log });
      },
    },
    {
      name: EXAMPLE,
      after: [EXAMPLE_PACKAGES, BRIDGE],
      doing: 'vite build',
      fingerprint: () =>
        fingerprint(['electron-example', ...BRIDGE_INPUTS], {
          ignore: ['node_modules', 'dist', 'out', 'tour', 'e2e', 'server'],
        }),
      outputs: ['main/index.cjs', 'preload/index.cjs', 'renderer/index.html'].map((file) =>
        path.join(example, 'dist', file),
      ),
      run: async ({ log }) => {
        await npm(['run', '--silent', 'build'], { cwd: example, onOutput: log });
      },
    },
  ];
}
