// What must be there before anything can be measured.

import { cp } from 'node:fs/promises';
import path from 'node:path';
import { ADDON, addonFile, BRIDGE, buildSteps } from '../scripts/builds.mjs';
import { needsScreen } from '../scripts/display.mjs';
import { electronSteps } from '../scripts/electron-runtime.mjs';
import { fingerprint } from '../scripts/fingerprint.mjs';
import { npmPackagesSteps } from '../scripts/npm-packages.mjs';
import { npm } from '../scripts/processes.mjs';
import { cache, root } from '../scripts/repo.mjs';
import { runSteps } from '../scripts/steps.mjs';
import { systemPackagesSteps } from '../scripts/system-packages.mjs';

const folder = path.join(root, 'bench');

/** `release`: measure the addon as it is shipped, not as `npm start` builds it. */
export async function setUp({ release }) {
  const built = (wanted) => buildSteps().find(({ name }) => name === wanted);
  const addon = built(ADDON);
  await runSteps([
    ...systemPackagesSteps({ screen: needsScreen(), keyring: true }),
    ...npmPackagesSteps(),
    benchPackages,
    ...electronSteps(),
    release ? asReleased(addon) : addon,
    built(BRIDGE),
  ]);
  if (release) await copyPackage();
}

// Everything but the addon, which is built into the copy.
async function copyPackage() {
  for (const part of ['index.js', 'loader.js', 'package.json', 'bridge/dist']) {
    await cp(path.join(root, part), path.join(releasePackage(), part), { recursive: true });
  }
}

/** The copy of Latchkey that `--release` measures, */
export function releasePackage() {
  return path.join(cache, 'bench', 'release');
}

/** and its addon. */
export function releaseAddon() {
  return path.join(releasePackage(), path.basename(addonFile()));
}

const benchPackages = {
  name: 'npm packages of the benchmark',
  doing: 'npm ci in bench',
  fingerprint: () =>
    fingerprint(['package-lock.json'], { base: folder, values: [process.platform, process.arch] }),
  outputs: [path.join(folder, 'node_modules', '.package-lock.json')],
  run: async ({ log }) => {
    await npm(['ci', '--no-audit', '--no-fund'], { cwd: folder, onOutput: log });
  },
};

function asReleased(step) {
  const file = releaseAddon();
  return {
    ...step,
    name: 'Rust addon, as released',
    doing: 'cargo build --release (about five minutes the first time)',
    outputs: [file],
    generated: undefined, // beside the addon, not in the checkout
    run: async ({ log }) => {
      const args = ['run', '--silent', 'build:release', '--', '--output-dir', path.dirname(file)];
      await npm(args, { cwd: root, onOutput: log });
    },
  };
}
