// Everything that must be there before the example or a test can run, from a fresh clone on.

import { buildSteps } from './builds.mjs';
import { clerkClientSteps } from './clerk-client.mjs';
import { electronSteps } from './electron-runtime.mjs';
import { npmPackagesSteps } from './npm-packages.mjs';
import { runSteps } from './steps.mjs';
import { systemPackagesSteps } from './system-packages.mjs';

/** `needs`: whether a screen and a keyring must be brought along, `{ screen, keyring }`. */
export function setUp(needs) {
  return runSteps([
    ...systemPackagesSteps(needs),
    ...npmPackagesSteps(),
    ...electronSteps(),
    ...clerkClientSteps(),
    ...buildSteps(),
  ]);
}
