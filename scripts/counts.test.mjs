import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { add, countCargo, countTap, countVitest, format, NONE } from './counts.mjs';

test('cargo: adds up every binary, and counts ignored tests as skipped', () => {
  const output = `
running 2 tests
test vault::opens ... ok
test result: ok. 12 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.02s
   Doc-tests electron_latchkey
test result: FAILED. 3 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out; finished in 1.10s
`;
  assert.deepEqual(countCargo(output), { passed: 15, failed: 2, skipped: 1 });
});

test('cargo: what did not compile has run no test', () => {
  assert.deepEqual(countCargo('error: could not compile `electron-latchkey`'), NONE);
});

test('node: reads what this Node really prints', async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'counts-'));
  try {
    await writeFile(
      path.join(folder, 'all.test.mjs'),
      `import { describe, it, test } from 'node:test';
       test('passes', () => console.log('# pass 99'));
       test('fails', () => { throw new Error('on purpose'); });
       test('skipped', { skip: true }, () => {});
       test('to do', { todo: true }, () => {});
       test('cancelled', (context) => { context.test('never awaited', () => new Promise(() => {})); });
       describe('a group', () => it('passes too', () => {}));`,
    );
    await writeFile(path.join(folder, 'empty.test.mjs'), '');
    const { stdout } = spawnSync(process.execPath, ['--test', '--test-reporter=tap', folder], {
      encoding: 'utf8',
      env: { ...process.env, NODE_TEST_CONTEXT: undefined }, // or it reports to this test's own runner
    });
    assert.deepEqual(countTap(stdout), { passed: 2, failed: 3, skipped: 2 }, stdout);
  } finally {
    await rm(folder, { recursive: true });
  }
});

test('vitest: a file that does not load is a failure', () => {
  const json = JSON.stringify({
    numPassedTests: 4,
    numFailedTests: 1,
    numPendingTests: 2,
    numTodoTests: 1,
    testResults: [
      { status: 'passed', assertionResults: [{}, {}] },
      { status: 'failed', assertionResults: [{}] },
      { status: 'failed', assertionResults: [] },
    ],
  });
  assert.deepEqual(countVitest(json), { passed: 4, failed: 2, skipped: 3 });
});

test('the closing line', () => {
  assert.equal(
    format(add({ passed: 1, failed: 2, skipped: 3 }, { passed: 10, failed: 20, skipped: 30 })),
    '11 passed, 22 failed, 33 skipped',
  );
});
