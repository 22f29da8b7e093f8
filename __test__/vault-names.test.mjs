// Names of values: any text is one name, and two texts are never the same name.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { rejects } from './addon.mjs';
import { newVaultOptions, openVault } from './vault-folder.mjs';

const NAMES = [
  '',
  ' ',
  '__proto__',
  'constructor',
  'toString',
  'session',
  'latchkey',
  '../../etc/passwd',
  'a/b',
  'a.b',
  'NUL\0inside',
  'NUL\0',
  'NUL',
  '\u00e9', // é as one character (NFC)
  'e\u0301', // and as two (NFD)
  '\ufeffbyte order mark',
  '\u{1f511}',
  'k'.repeat(10_240),
];

test('every name keeps its own value, also after reopening', async (t) => {
  const options = await newVaultOptions(t);
  const vault = await openVault(t, options);
  for (const [number, name] of NAMES.entries()) await vault.set(name, `value ${number}`);
  await vault.close();
  const reopened = await openVault(t, options);
  assert.deepEqual(new Set(await reopened.keys()), new Set(NAMES));
  for (const [number, name] of NAMES.entries()) {
    assert.equal(await reopened.get(name), `value ${number}`, JSON.stringify(name.slice(0, 40)));
  }
  for (const name of NAMES) assert.equal(await reopened.delete(name), true);
  assert.deepEqual(await reopened.keys(), []);
});

test('a name may have 16384 bytes and no more', async (t) => {
  const vault = await openVault(t);
  await vault.set('k'.repeat(16_384), 'fits');
  await vault.set('ä'.repeat(8192), 'fits');
  await rejects('ERR_INVALID_ARGUMENT', () => vault.set('k'.repeat(16_385), 'value'));
  await rejects('ERR_INVALID_ARGUMENT', () => vault.set('ä'.repeat(8193), 'value'));
  assert.equal((await vault.keys()).length, 2);
});

test('a value may have 16 MiB and no more', async (t) => {
  const vault = await openVault(t);
  const largest = Buffer.alloc(16 * 1024 * 1024, 1);
  await vault.set('bytes', largest);
  assert.ok(largest.equals(await vault.get('bytes')));
  await rejects('ERR_INVALID_ARGUMENT', () => vault.set('bytes', Buffer.alloc(largest.length + 1)));
  await rejects('ERR_INVALID_ARGUMENT', () => vault.set('bytes', 'x'.repeat(largest.length + 1)));
  assert.ok(largest.equals(await vault.get('bytes')), 'the value is the one before');
});

// A lone surrogate has no UTF-8 form. Replaced by U+FFFD, two names would become one and a value would change.
test('text that is not Unicode is refused, never altered', async (t) => {
  const vault = await openVault(t);
  await rejects('ERR_INVALID_ARGUMENT', () => vault.set('\ud800', 'value'));
  await rejects('ERR_INVALID_ARGUMENT', () => vault.set('key', 'half a pair: \ud83d'));
  assert.deepEqual(await vault.keys(), []);
});
