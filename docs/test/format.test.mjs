// docs/format.md says enough that another implementation reads a vault: format-reader.mjs is one.
import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { root } from './blocks.mjs';
import { readVault } from './format-reader.mjs';

const VECTORS = path.join(root, 'tests', 'vectors');

/** The table of tests/vectors.rs: what each file must answer. */
async function expected() {
  const source = await readFile(path.join(root, 'tests', 'vectors.rs'), 'utf8');
  const rows = [...source.matchAll(/\("(\w+)", (Ok|Err)\("([^"]+)"\)\)/g)];
  return new Map(rows.map(([, name, , answer]) => [name, answer]));
}

/** As the page has it: version 1, anchor 1, epoch 1, a key of 32 bytes 07, in the slot that the header of `valid` names. */
async function keychain() {
  const valid = await readFile(path.join(VECTORS, 'valid.latchkey'));
  const record = Buffer.concat([Buffer.from([1, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0]), Buffer.alloc(32, 7)]);
  const account = `latchkey-root-key.${valid.toString('hex', 108, 124)}`;
  return (name) => (name === account ? record.toString('base64') : null);
}

test('a reader written from the page gives the answer of the Rust tests for each vector', async () => {
  const answers = await expected();
  const item = await keychain();
  const files = (await readdir(VECTORS)).filter((name) => name.endsWith('.latchkey'));
  assert.equal(files.length, answers.size);
  const read = {};
  for (const file of files) {
    const name = path.basename(file, '.latchkey');
    if (name === 'valid_passphrase') continue; // Argon2id, which Node does not have
    const bytes = await readFile(path.join(VECTORS, file));
    try {
      read[name] = readVault(bytes, { vaultId: 'com.example.vectors', item }).get('key');
    } catch (error) {
      read[name] = error.message;
    }
  }
  answers.delete('valid_passphrase');
  assert.deepEqual(read, Object.fromEntries([...answers].sort()));
});
