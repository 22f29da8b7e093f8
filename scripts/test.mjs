// npm test: sets up what is missing, runs every suite, and closes with the line that counts the tests.
// `--long` gives the suites that have a long form the time for it.

import { add, format, NONE } from './counts.mjs';
import { endEverything, handleSignals, isEnding } from './processes.mjs';
import { setUp } from './setup.mjs';
import { StepError, seconds } from './steps.mjs';
import { SUITES } from './suites.mjs';

const inCI = Boolean(process.env.CI) && process.env.CI !== 'false';
const { long } = parseArguments(process.argv.slice(2));

handleSignals();
const results = (await prepare()) ? await runSuites() : [{ name: 'Set-up', ...NONE, failed: 1 }];
await endEverything();
report(results);

async function prepare() {
  try {
    await setUp({ screen: true, keyring: true });
    return true;
  } catch (error) {
    console.log(error instanceof StepError ? error.message : error);
    return false;
  }
}

async function runSuites() {
  const env = { ...process.env, ...(long ? { LATCHKEY_LONG: '1' } : {}) };
  const show = (chunk) => process.stdout.write(chunk);
  const results = [];
  for (const suite of SUITES) {
    if (isEnding()) break; // Ctrl-C
    console.log(`\n━━━ ${suite.name}`);
    const startedAt = Date.now();
    const counts = await runSuite(suite, { show, env });
    const took = Date.now() - startedAt;
    console.log(`    ${format(counts)}  ${seconds(took)}`);
    results.push({ name: suite.name, ...counts, took });
  }
  return results;
}

async function runSuite(suite, context) {
  try {
    const counts = await suite.run(context);
    if (counts.passed + counts.failed > 0) return counts;
    console.log(`✗ ${suite.name}: no test ran`);
  } catch (error) {
    console.log(`✗ ${error.message}`);
  }
  return { ...NONE, failed: 1 };
}

function report(results) {
  const total = results.reduce(add, NONE);
  const width = Math.max(...results.map(({ name }) => name.length));
  console.log();
  for (const { name, passed, failed, skipped, took = 0 } of results) {
    const mark = failed > 0 ? '✗' : '✓';
    const counts = [passed, failed, skipped].map((count) => String(count).padStart(6)).join('');
    console.log(`${mark} ${name.padEnd(width)} ${counts}  ${seconds(took).padStart(8)}`);
  }
  if (inCI && total.skipped > 0) console.log('Skipped tests fail the run in CI.');
  process.exitCode = total.failed > 0 || (inCI && total.skipped > 0) ? 1 : 0;
  console.log(format(total));
}

function parseArguments(args) {
  const unknown = args.filter((argument) => argument !== '--long');
  if (unknown.length > 0) {
    console.error(`Unknown: ${unknown.join(' ')}. npm test takes --long, or nothing.`);
    process.exit(2);
  }
  return { long: args.includes('--long') };
}
