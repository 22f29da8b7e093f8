// npm run package: the example as an app to install, in electron-example/out. `npm run package -- --tour` plays the tour in
// what it has made.

import { rm } from 'node:fs/promises';
import path from 'node:path';
import { needsScreen } from './display.mjs';
import { launchPackaged } from './packaged-app.mjs';
import { packageExample } from './packaging.mjs';
import { endEverything, handleSignals } from './processes.mjs';
import { example, relative } from './repo.mjs';
import { setUp } from './setup.mjs';
import { StepError, seconds } from './steps.mjs';

const OUT = path.join(example, 'out');

const { tour } = parseArguments(process.argv.slice(2));
handleSignals();
try {
  await setUp({ screen: tour && needsScreen(), keyring: tour });
  const startedAt = performance.now();
  await rm(OUT, { recursive: true, force: true });
  const executable = await packageExample({ to: OUT, onOutput: (chunk) => process.stdout.write(chunk) });
  console.log(`✓ Packaged: ${relative(executable)}  ${seconds(performance.now() - startedAt)}`);
  if (tour) process.exitCode = await playTour(executable);
} catch (error) {
  console.error(error instanceof StepError ? error.message : error);
  process.exitCode = 1;
} finally {
  await endEverything();
}

// Only now: what the tour needs may have been installed a moment ago.
async function playTour(executable) {
  const { runTour } = await import('./tour.mjs');
  return runTour({ launch: (options) => launchPackaged(executable, options) });
}

function parseArguments(args) {
  const unknown = args.filter((argument) => argument !== '--tour');
  if (unknown.length > 0) {
    console.error(`Unknown: ${unknown.join(' ')}. npm run package takes -- --tour, or nothing.`);
    process.exit(2);
  }
  return { tour: args.includes('--tour') };
}
