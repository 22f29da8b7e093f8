import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { runSteps, StepError } from './steps.mjs';

let folder;
let printed;
const run = (steps, options) =>
  runSteps(steps, { folder, print: (line) => printed.push(line), onFailure() {}, ...options });

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'steps-'));
  printed = [];
});

afterEach(() => rm(folder, { recursive: true }));

test('leaves out a step whose fingerprint has not changed, and says so', async () => {
  let runs = 0;
  let inputs = 'one';
  const step = { name: 'Build', fingerprint: async () => inputs, run: async () => void runs++ };
  await run([step]);
  await run([step]);
  assert.equal(runs, 1);
  assert.match(printed.at(-1), /^· unchanged: Build {2}/);
  inputs = 'two';
  await run([step]);
  assert.equal(runs, 2);
});

test('runs again when an output is gone or a generated file was edited', async () => {
  const output = path.join(folder, 'output');
  let runs = 0;
  const step = {
    name: 'Build',
    fingerprint: async () => 'same',
    outputs: [output],
    generated: [output],
    run: async () => {
      runs++;
      await writeFile(output, 'made');
    },
  };
  await run([step]);
  await rm(output);
  await run([step]);
  assert.equal(runs, 2);
  await run([step]);
  assert.equal(runs, 2);
});

test('a step that failed runs again', async () => {
  let fail = true;
  const step = {
    name: 'Build',
    fingerprint: async () => 'same',
    run: async () => {
      if (fail) throw new Error('no compiler');
    },
  };
  await assert.rejects(run([step]), StepError);
  fail = false;
  await run([step]);
  assert.match(printed.at(-1), /^✓ Build/);
});

test('an input that changes during the work counts as changed afterwards', async () => {
  let inputs = 'before';
  let runs = 0;
  const step = {
    name: 'Build',
    fingerprint: async () => inputs,
    run: async () => {
      runs++;
      inputs = 'edited meanwhile';
    },
  };
  await run([step]);
  await run([step]);
  assert.equal(runs, 2);
});

test('a step that ends without its output has failed', async () => {
  const step = { name: 'Build', outputs: [path.join(folder, 'never')], run: async () => {} };
  await assert.rejects(run([step]), /without making .*never/);
});

test('what comes after a step waits for it; the rest does not', async () => {
  const order = [];
  let release;
  const held = new Promise((resolve) => {
    release = resolve;
  });
  await run([
    { name: 'first', run: () => held.then(() => order.push('first')) },
    { name: 'after', after: ['first'], run: async () => order.push('after') && undefined },
    {
      name: 'beside',
      run: async () => {
        order.push('beside');
        release();
      },
    },
  ]);
  assert.deepEqual(order, ['beside', 'first', 'after']);
});

test('a failure is told once, with the end of its output, and nothing after it starts', async () => {
  let started = false;
  let ended = 0;
  const steps = [
    {
      name: 'Rust addon',
      run: async ({ log }) => {
        log('error[E0308]: mismatched types\n');
        throw new Error('it ended with 101');
      },
    },
    {
      name: 'Example',
      after: ['Rust addon'],
      run: async () => {
        started = true;
      },
    },
  ];
  await assert.rejects(run(steps, { onFailure: () => ended++ }), (error) => {
    assert.match(error.message, /^✗ Rust addon failed after .*: it ended with 101\nerror\[E0308\]/);
    return true;
  });
  assert.deepEqual([started, ended], [false, 1]);
  assert.ok(existsSync(path.join(folder, 'logs', 'rust-addon.log')));
  assert.match(await readFile(path.join(folder, 'logs', 'rust-addon.log'), 'utf8'), /E0308/);
});

test('an order that names a step not listed before is refused', async () => {
  await assert.rejects(run([{ name: 'a', after: ['b'], run: async () => {} }]), /a comes after b/);
});
