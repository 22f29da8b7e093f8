// The public types are what an app relies on: what it may write compiles, and its mistakes do not. Each mistake in types/ has
// its `@ts-expect-error`, so one that compiles is an error as well.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createRequire } from 'node:module';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const tsc = createRequire(import.meta.url).resolve('typescript/bin/tsc');

async function compile(project) {
  const args = [tsc, '--project', fileURLToPath(new URL(`./types/${project}`, import.meta.url))];
  const { stdout } = await promisify(execFile)(process.execPath, args).catch((error) => error);
  return stdout;
}

test('the types of the addon and of the main process take what an app writes and refuse its mistakes', async () => {
  assert.equal(await compile('tsconfig.main.json'), '');
});

test('the types of a page, with Vue and Pinia, take what a page writes and refuse its mistakes', async () => {
  assert.equal(await compile('tsconfig.page.json'), '');
});
