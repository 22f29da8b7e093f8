// The step runner: runs what must be done before anything can start, as much at once as the order allows,
// and says of each step what it does and how long it took. A step whose inputs have not changed since it
// last succeeded, and whose outputs are there, is left out.

import { existsSync } from 'node:fs';
import { appendFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fingerprint } from './fingerprint.mjs';
import { endEverything } from './processes.mjs';
import { cache, relative } from './repo.mjs';

/** How much of a failed step's output is shown: npm says why at the beginning, cargo at the end. */
const FIRST_LINES = 30;
const LAST_LINES = 50;

/**
 * Runs the steps. A step is
 * `{ name, after?: names, doing?: text, fingerprint?, outputs?: paths, generated?: paths, run(context) }`;
 * `run` may return a few words about what it found. `fingerprint()` hashes what the step depends on; without
 * it a step always runs. `generated` are files it writes that a person could edit: then it runs again.
 * `context` has `log(chunk)`, which writes to the step's log, and `finished(name)`, to wait for a step that
 * only some of the work needs.
 */
export async function runSteps(
  steps,
  { folder = cache, print = console.log, onFailure = endEverything } = {},
) {
  await mkdir(path.join(folder, 'steps'), { recursive: true });
  await mkdir(path.join(folder, 'logs'), { recursive: true });
  const startedAt = Date.now();
  const running = new Map();
  const finished = (name) => running.get(name);
  const unchanged = [];
  let failure;

  for (const step of steps) {
    const before = (step.after ?? []).map((name) => {
      if (!running.has(name))
        throw new Error(`${step.name} comes after ${name}, which is not listed before it`);
      return running.get(name);
    });
    const work = Promise.all(before).then(async () => {
      if (failure) throw failure;
      if (await isUnchanged(step, folder)) unchanged.push(step.name);
      else await runStep(step, { folder, print, finished });
    });
    // The first failure is the one to show; what fails after it fails because of it.
    work.catch((error) => {
      if (failure) return;
      failure = error;
      return onFailure(error);
    });
    running.set(step.name, work);
  }

  await Promise.allSettled(running.values());
  if (failure) throw failure;
  if (unchanged.length > 0) print(`· unchanged: ${unchanged.join(', ')}  ${seconds(Date.now() - startedAt)}`);
}

/** A step that failed; its message is complete, with the end of the step's output. */
export class StepError extends Error {
  constructor(message) {
    super(message);
    this.name = 'StepError';
  }
}

/** `2.1 s`, for people. */
export function seconds(ms) {
  return `${(ms / 1000).toFixed(1)} s`;
}

async function runStep(step, { folder, print, finished }) {
  const logFile = path.join(folder, 'logs', `${slug(step)}.log`);
  await writeFile(logFile, '');
  let pending = Promise.resolve();
  const log = (chunk) => {
    pending = pending.then(() => appendFile(logFile, chunk));
  };
  if (step.doing) print(`… ${step.name}: ${step.doing}`);
  const startedAt = Date.now();
  try {
    // Taken before the work: an input edited meanwhile makes the next run do it again.
    const inputs = await step.fingerprint?.();
    const found = await step.run({ log, finished });
    const missing = missingOutputs(step);
    if (missing.length > 0) throw new Error(`it ended without making ${missing.map(relative).join(', ')}`);
    if (inputs) {
      const record = { inputs, generated: await generatedFingerprint(step) };
      await writeFile(recordFile(step, folder), JSON.stringify(record));
    }
    print(`✓ ${step.name}${found ? `: ${found}` : ''}  ${seconds(Date.now() - startedAt)}`);
  } catch (error) {
    await pending;
    const output = excerpt(await readFile(logFile, 'utf8'));
    throw new StepError(
      [
        `✗ ${step.name} failed after ${seconds(Date.now() - startedAt)}: ${error.message}`,
        ...(output ? [output, `(all of it: ${relative(logFile)})`] : []),
      ].join('\n'),
    );
  } finally {
    await pending;
  }
}

function excerpt(output) {
  const lines = output.trimEnd().split('\n');
  if (lines.length <= FIRST_LINES + LAST_LINES) return lines.join('\n');
  return [...lines.slice(0, FIRST_LINES), '[…]', ...lines.slice(-LAST_LINES)].join('\n');
}

async function isUnchanged(step, folder) {
  if (!step.fingerprint || missingOutputs(step).length > 0) return false;
  let record;
  try {
    record = JSON.parse(await readFile(recordFile(step, folder), 'utf8'));
  } catch {
    return false; // never done, or the record is damaged: do it again
  }
  const [inputs, generated] = await Promise.all([step.fingerprint(), generatedFingerprint(step)]);
  return record.inputs === inputs && record.generated === generated;
}

function generatedFingerprint(step) {
  return fingerprint(step.generated ?? []);
}

function missingOutputs(step) {
  return (step.outputs ?? []).filter((file) => !existsSync(file));
}

function recordFile(step, folder) {
  return path.join(folder, 'steps', `${slug(step)}.json`);
}

function slug(step) {
  return step.name.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-');
}
