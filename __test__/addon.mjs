// The built addon as an application loads it, and what each of its errors must look like.
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';

export const { AuthSession, ErrorCode, StoreRecords, StoreSchema, SyncVault, Vault } = createRequire(
  import.meta.url,
)('../index.js');

/** Asserts that `error` is one of the package's own, with this code. */
export function assertError(error, code) {
  assert.ok(error instanceof Error, `not an Error: ${error}`);
  assert.deepEqual({ name: error.name, code: error.code }, { name: 'LatchkeyError', code }, error.message);
  assert.match(error.message, /^\S.*\.$/s, 'the message is a sentence');
}

/** Asserts that `call` gives a promise, never throws by itself, and that the promise is rejected with `code`. */
export async function rejects(code, call) {
  let promise;
  try {
    promise = call();
  } catch (error) {
    assert.fail(`threw instead of rejecting: ${error.code} ${error.message}`);
  }
  const error = await promise.then(
    (value) => assert.fail(`resolved to ${JSON.stringify(value)} instead of rejecting with ${code}`),
    (reason) => reason,
  );
  assertError(error, code);
  return error;
}
