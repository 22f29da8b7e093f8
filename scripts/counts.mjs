// How many tests passed, failed and were skipped, read from what each kind of test runner prints.

/** The counts of nothing. */
export const NONE = Object.freeze({ passed: 0, failed: 0, skipped: 0 });

export function add(left, right) {
  return {
    passed: left.passed + right.passed,
    failed: left.failed + right.failed,
    skipped: left.skipped + right.skipped,
  };
}

/** The closing line: `12 passed, 0 failed, 0 skipped`. */
export function format({ passed, failed, skipped }) {
  return `${passed} passed, ${failed} failed, ${skipped} skipped`;
}

/** cargo test: one `test result:` line for each test binary. */
export function countCargo(output) {
  const lines = output.matchAll(/^test result: \w+\. (\d+) passed; (\d+) failed; (\d+) ignored;/gm);
  return [...lines].reduce(
    (sum, [, passed, failed, ignored]) =>
      add(sum, { passed: Number(passed), failed: Number(failed), skipped: Number(ignored) }),
    NONE,
  );
}

/** node --test: the summary that closes its TAP. Cancelled tests did not pass; a todo is not a test that ran. */
export function countTap(tap) {
  const number = (label) =>
    Number([...tap.matchAll(new RegExp(`^# ${label} (\\d+)$`, 'gm'))].at(-1)?.[1] ?? 0);
  return {
    // A file without tests is reported as one passing test of the file's name, which it is not.
    passed: number('pass') - emptyFiles(tap),
    failed: number('fail') + number('cancelled'),
    skipped: number('skipped') + number('todo'),
  };
}

/** vitest --reporter=json. A file that does not load has no failed tests, and is a failure all the same. */
export function countVitest(json) {
  const { numPassedTests, numFailedTests, numPendingTests, numTodoTests, testResults } = JSON.parse(json);
  const unloaded = testResults.filter(
    ({ status, assertionResults }) => status === 'failed' && assertionResults.length === 0,
  );
  return {
    passed: numPassedTests,
    failed: numFailedTests + unloaded.length,
    skipped: numPendingTests + numTodoTests,
  };
}

function emptyFiles(tap) {
  return [...tap.matchAll(/^ok \d+ - (?:\/|\w:).*\.test\.mjs$/gm)].length;
}
