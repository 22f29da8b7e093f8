import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rename, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { fingerprint } from './fingerprint.mjs';

let base;
const of = (paths, options) => fingerprint(paths, { base, ...options });

beforeEach(async () => {
  base = await mkdtemp(path.join(tmpdir(), 'fingerprint-'));
  await mkdir(path.join(base, 'src', 'deep'), { recursive: true });
  await writeFile(path.join(base, 'Cargo.toml'), 'one');
  await writeFile(path.join(base, 'src', 'deep', 'a.rs'), 'two');
});

afterEach(() => rm(base, { recursive: true }));

test('stays the same for the same contents, whatever their times', async () => {
  const before = await of(['Cargo.toml', 'src']);
  await utimes(path.join(base, 'Cargo.toml'), 1, 1);
  assert.equal(await of(['src', 'Cargo.toml']), before);
});

for (const [what, change] of [
  ['a changed content', () => writeFile(path.join(base, 'src/deep/a.rs'), 'owt')],
  ['a new file', () => writeFile(path.join(base, 'src/b.rs'), '')],
  ['a removed file', () => rm(path.join(base, 'src/deep/a.rs'))],
  ['a renamed file', () => rename(path.join(base, 'src/deep/a.rs'), path.join(base, 'src/deep/b.rs'))],
]) {
  test(`changes with ${what}`, async () => {
    const before = await of(['Cargo.toml', 'src']);
    await change();
    assert.notEqual(await of(['Cargo.toml', 'src']), before);
  });
}

test('does not mistake a byte moved between two files for no change', async () => {
  await writeFile(path.join(base, 'src/x'), 'ab');
  await writeFile(path.join(base, 'src/y'), 'c');
  const before = await of(['src']);
  await writeFile(path.join(base, 'src/x'), 'a');
  await writeFile(path.join(base, 'src/y'), 'bc');
  assert.notEqual(await of(['src']), before);
});

test('changes with the further values', async () => {
  assert.notEqual(await of(['src'], { values: ['20'] }), await of(['src'], { values: ['22'] }));
});

test('leaves ignored names out, at any depth', async () => {
  const before = await of(['src'], { ignore: ['dist'] });
  await mkdir(path.join(base, 'src/deep/dist'));
  await writeFile(path.join(base, 'src/deep/dist/out.js'), 'made');
  assert.equal(await of(['src'], { ignore: ['dist'] }), before);
});

test('tells a missing file from an empty one', async () => {
  const missing = await of(['Cargo.lock']);
  await writeFile(path.join(base, 'Cargo.lock'), '');
  assert.notEqual(await of(['Cargo.lock']), missing);
});
