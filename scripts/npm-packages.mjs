// Installs the packages of the two npm projects, the library and the example.

import { existsSync } from 'node:fs';
import path from 'node:path';
import { fingerprint } from './fingerprint.mjs';
import { npm } from './processes.mjs';
import { example, relative, root } from './repo.mjs';

export const ROOT_PACKAGES = 'npm packages';
export const EXAMPLE_PACKAGES = 'npm packages of the example';

export function npmPackagesSteps() {
  return [step(ROOT_PACKAGES, root), step(EXAMPLE_PACKAGES, example)];
}

function step(name, folder) {
  return {
    name,
    doing: `npm ci in ${relative(folder) === '.' ? 'the root' : relative(folder)}`,
    // The versions are the lock's; package.json's scripts and descriptions may change freely.
    fingerprint: () =>
      fingerprint(['package-lock.json'], {
        base: folder,
        values: [process.versions.modules, process.platform, process.arch],
      }),
    outputs: [path.join(folder, 'node_modules', '.package-lock.json')],
    run: async ({ log }) => {
      const verb = existsSync(path.join(folder, 'package-lock.json')) ? 'ci' : 'install';
      await npm([verb, '--no-audit', '--no-fund'], { cwd: folder, onOutput: log });
    },
  };
}
