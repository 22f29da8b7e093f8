// A vault in use: what is stored comes back as it was given, from memory and after reopening.
import assert from 'node:assert/strict';
import { readdir, readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { rejects, Vault } from './addon.mjs';
import { newVaultOptions, openVault } from './vault-folder.mjs';

const VALUES = {
  text: 'a refresh token',
  'empty text': '',
  'text beyond ASCII': 'Schlüssel 🔑 ключ',
  'text with NUL': 'before\0after',
  'long text': 'ä'.repeat(100_000),
  bytes: Buffer.from([0, 255, 128, 10, 13]),
  'no bytes': Buffer.alloc(0),
  'bytes that are UTF-8': Buffer.from('not text'),
  'a megabyte': Buffer.alloc(1_000_000, 0xa5),
};

async function assertHolds(vault) {
  for (const [name, value] of Object.entries(VALUES)) {
    const found = await vault.get(name);
    assert.equal(Buffer.isBuffer(found), Buffer.isBuffer(value), name);
    assert.deepEqual(found, value, name);
  }
}

test('text comes back as text and bytes as a Buffer, also after reopening', async (t) => {
  const options = await newVaultOptions(t);
  const vault = await openVault(t, options);
  for (const [name, value] of Object.entries(VALUES)) assert.equal(await vault.set(name, value), undefined);
  await assertHolds(vault);
  await vault.close();
  await assertHolds(await openVault(t, options));
});

test('a view of a larger buffer is stored as the part it shows, as it was at the call', async (t) => {
  const vault = await openVault(t);
  const whole = new Uint8Array([1, 2, 3, 4, 5]);
  const stored = vault.set('part', whole.subarray(1, 3));
  whole.fill(9);
  await stored;
  assert.deepEqual(await vault.get('part'), Buffer.from([2, 3]));
});

test('changing a Buffer that was read changes nothing in the vault', async (t) => {
  const vault = await openVault(t);
  await vault.set('bytes', Buffer.from('intact'));
  (await vault.get('bytes')).fill(0);
  assert.deepEqual(await vault.get('bytes'), Buffer.from('intact'));
});

test('what is not there is null, false and no name', async (t) => {
  const vault = await openVault(t);
  assert.deepEqual([await vault.get('key'), await vault.has('key'), await vault.keys()], [null, false, []]);
  assert.equal(await vault.delete('key'), false);
  assert.equal(await vault.clear(), undefined);
});

test('set replaces, delete says whether it was there, keys are sorted', async (t) => {
  const vault = await openVault(t);
  for (const key of ['b', 'a', 'ä', 'B']) await vault.set(key, 'first');
  await vault.set('a', Buffer.from('second'));
  assert.deepEqual(await vault.get('a'), Buffer.from('second'));
  assert.deepEqual(await vault.keys(), ['B', 'a', 'b', 'ä']);
  assert.deepEqual([await vault.delete('a'), await vault.delete('a')], [true, false]);
  assert.deepEqual([await vault.has('a'), await vault.has('b')], [false, true]);
});

test('clear removes everything, durably', async (t) => {
  const options = await newVaultOptions(t);
  const vault = await openVault(t, options);
  await Promise.all(Array.from({ length: 20 }, (_, number) => vault.set(`key ${number}`, 'value')));
  assert.equal((await vault.keys()).length, 20);
  await vault.clear();
  assert.deepEqual(await vault.keys(), []);
  await vault.close();
  assert.deepEqual(await (await openVault(t, options)).keys(), []);
});

test('writes that were called in one turn take effect in that order', async (t) => {
  const vault = await openVault(t);
  for (let round = 0; round < 10; round++) {
    const numbers = Array.from({ length: 20 }, (_, number) => `${round} ${number}`);
    await Promise.all(numbers.map((number) => vault.set('same', number)));
    assert.equal(await vault.get('same'), numbers.at(-1));
    await Promise.all([vault.set('gone', 'value'), vault.delete('gone')]);
    assert.equal(await vault.has('gone'), false);
  }
});

test('a value with a time to live is gone when it has passed, also after reopening', async (t) => {
  const options = await newVaultOptions(t);
  const vault = await openVault(t, options);
  await vault.set('short', 'value', { ttlMs: 150 });
  await vault.set('long', 'value', { ttlMs: 60_000 });
  await vault.set('for ever', 'value', {});
  await vault.set('was short', 'value', { ttlMs: 150 });
  await vault.set('was short', 'value');
  assert.equal(await vault.get('short'), 'value');
  await setTimeout(200);
  const left = ['for ever', 'long', 'was short'];
  assert.deepEqual(
    [await vault.get('short'), await vault.has('short'), await vault.keys()],
    [null, false, left],
  );
  assert.equal(await vault.delete('short'), false);
  await vault.close();
  assert.deepEqual(await (await openVault(t, options)).keys(), left);
});

test('protection tells the backend and the file, which only its owner can read', async (t) => {
  const options = await newVaultOptions(t);
  const vault = await openVault(t, options);
  await vault.set('key', 'a value that must not lie in the clear');
  const { backend, description, path: file } = vault.protection();
  const backends = { linux: 'secret-service', darwin: 'keychain', win32: 'credential-manager' };
  assert.equal(backend, backends[process.platform]);
  assert.match(description, /^The key is kept by .*\.$/);
  assert.equal(file, path.join(options.path, 'vault.latchkey'));
  const sealed = await readFile(file);
  assert.equal(sealed.includes('must not lie'), false);
  if (process.platform === 'win32') return;
  const mode = async (at) => ((await stat(at)).mode & 0o777).toString(8);
  for (const name of await readdir(options.path))
    assert.equal(await mode(path.join(options.path, name)), '600');
  assert.equal(await mode(options.path), '700');
});

test('without a path the vault lies in the data directory, under its id', async (t) => {
  const { id, path: folder } = await newVaultOptions(t);
  if (process.platform !== 'linux') return t.skip('XDG_DATA_HOME is Linux');
  const before = process.env.XDG_DATA_HOME;
  t.after(() => (process.env.XDG_DATA_HOME = before));
  process.env.XDG_DATA_HOME = folder;
  const vault = await openVault(t, { id });
  assert.equal(vault.protection().path, path.join(folder, id, 'vault.latchkey'));
});

test('a closed vault refuses every call, and closing again is fine', async (t) => {
  const vault = await Vault.open(await newVaultOptions(t));
  await vault.set('key', 'value');
  await vault.close();
  await rejects('ERR_VAULT_CLOSED', () => vault.get('key'));
  await rejects('ERR_VAULT_CLOSED', () => vault.set('key', 'value'));
  await rejects('ERR_VAULT_CLOSED', () => vault.delete('key'));
  await rejects('ERR_VAULT_CLOSED', () => vault.has('key'));
  await rejects('ERR_VAULT_CLOSED', () => vault.keys());
  await rejects('ERR_VAULT_CLOSED', () => vault.clear());
  assert.equal(await vault.close(), undefined);
});
