// The types of `Store` are electron-store 12's: types/store.ts compiles against either, with the same refusals.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createRequire } from 'node:module';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const tsc = createRequire(import.meta.url).resolve('typescript/bin/tsc');
const project = fileURLToPath(new URL('./types', import.meta.url));

test('what an app writes for electron-store 12 compiles, and its mistakes do not', async () => {
  const { stdout } = await promisify(execFile)(process.execPath, [tsc, '--project', project]).catch(
    (error) => error,
  );
  assert.equal(stdout, '');
});
