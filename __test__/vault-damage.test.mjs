// A vault file that was changed, cut, replaced or removed from outside: an error that says so, and the file stays.
import assert from 'node:assert/strict';
import { mkdir, readFile, rename, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { ready, start, stop } from '../scripts/processes.mjs';
import { rejects, Vault } from './addon.mjs';
import { inChild } from './child.mjs';
import { newVaultOptions, openVault } from './vault-folder.mjs';

/** Options of a closed vault with three values, and its file. */
async function usedVault(t) {
  const options = await newVaultOptions(t);
  const vault = await openVault(t, options);
  for (const key of ['a', 'b', 'c']) await vault.set(key, `value of ${key}`);
  const file = vault.protection().path;
  await vault.close();
  return { options, file, bytes: await readFile(file) };
}

test('a flipped bit anywhere is noticed, and the file stays', async (t) => {
  const { options, file, bytes } = await usedVault(t);
  for (let at = 0; at < bytes.length; at += 7) {
    const damaged = Buffer.from(bytes);
    damaged[at] ^= 1;
    await writeFile(file, damaged);
    const error = await Vault.open(options).then(
      (vault) => vault.keys().then((keys) => ({ code: `opened with ${keys}` })),
      (reason) => reason,
    );
    const codes = /^ERR_(VAULT_(TAMPERED|CORRUPT|VERSION|FOREIGN)|KEY_(INVALID|MISSING))$/;
    assert.match(error.code, codes, `byte ${at} of ${bytes.length}`);
    assert.deepEqual(await readFile(file), damaged, `byte ${at}: the file was changed`);
  }
  await writeFile(file, bytes);
  assert.deepEqual(await (await openVault(t, options)).keys(), ['a', 'b', 'c']);
});

test('an empty file and other files are no vault, and stay', async (t) => {
  const { options, file } = await usedVault(t);
  for (const content of ['', 'x', '{"token":"in the clear"}', '\0'.repeat(5000)]) {
    await writeFile(file, content);
    await rejects('ERR_VAULT_CORRUPT', () => Vault.open(options));
    assert.equal(await readFile(file, 'utf8'), content);
  }
});

test('a write that was cut off is dropped, and what was before it is there', async (t) => {
  const { options, file, bytes } = await usedVault(t);
  await truncate(file, bytes.length - 1);
  const vault = await openVault(t, options);
  assert.deepEqual(await vault.keys(), ['a', 'b']);
  await vault.set('c', 'again');
  assert.deepEqual(await (await openVault(t, options)).keys(), ['a', 'b', 'c']);
});

test('a link in place of the file or the lock is not followed', async (t) => {
  if (process.platform === 'win32') return t.skip('making links needs a privilege on Windows');
  const { options, file } = await usedVault(t);
  const elsewhere = path.join(options.path, 'elsewhere');
  await rename(file, elsewhere);
  await symlink(elsewhere, file);
  await rejects('ERR_VAULT_IO', () => Vault.open(options));
  await rm(file);
  await rename(elsewhere, file);
  const lock = path.join(options.path, 'vault.lock');
  await rm(lock);
  await symlink('/dev/null', lock);
  await rejects('ERR_VAULT_IO', () => Vault.open(options));
});

test('a folder in place of the file, and a file in place of the folder, are I/O errors', async (t) => {
  const { options, file } = await usedVault(t);
  await rm(file);
  await mkdir(file);
  await rejects('ERR_VAULT_IO', () => Vault.open(options));
  await rm(options.path, { recursive: true });
  await writeFile(options.path, 'a file');
  await rejects('ERR_VAULT_IO', () => Vault.open(options));
});

test('a file removed under an open vault is an error, and put back all is well', async (t) => {
  const options = await newVaultOptions(t);
  const vault = await openVault(t, options);
  await vault.set('key', 'value');
  const file = vault.protection().path;
  await rename(file, `${file}.away`);
  await rejects('ERR_VAULT_IO', () => vault.get('key'));
  await rejects('ERR_VAULT_IO', () => vault.set('key', 'other'));
  await rename(`${file}.away`, file);
  assert.equal(await vault.get('key'), 'value');
});

test('a lock that another holds is waited for, and then busy', async (t) => {
  if (process.platform !== 'linux') return t.skip('flock(1) is Linux');
  const options = await newVaultOptions(t);
  const vault = await openVault(t, { ...options, lockTimeoutMs: 200 });
  await vault.set('key', 'value');
  const holder = start('flock', [
    path.join(options.path, 'vault.lock'),
    'sh',
    '-c',
    'echo held; exec sleep 60',
  ]);
  t.after(() => stop(holder));
  await ready(holder, { name: 'flock', pattern: /held/ });
  const started = performance.now();
  const error = await rejects('ERR_VAULT_BUSY', () => vault.set('key', 'other'));
  assert.match(error.message, /200 ms/);
  assert.ok(performance.now() - started >= 200);
  assert.equal(await vault.get('key'), 'value', 'reading needs no lock');
  await stop(holder);
  await vault.set('key', 'other');
});

// A limit on the size of files stands in for a full disk: the write fails half-way in the same place.
test('a write that does not fit on the disk is an error, and the vault is as before', async (t) => {
  if (process.platform === 'win32') return t.skip('Windows has no such limit');
  const options = await newVaultOptions(t);
  const work = async ({ addon }, given) => {
    const vault = await addon.Vault.open(given);
    await vault.set('small', 'fits');
    const code = await vault.set('large', Buffer.alloc(200_000)).catch((error) => error.code);
    await vault.set('another', 'fits too');
    return [code, await vault.get('small'), await vault.keys()];
  };
  const left = ['another', 'small'];
  assert.deepEqual(await inChild(t, work, options, { fileBlocks: 64 }), ['ERR_VAULT_IO', 'fits', left]);
  assert.deepEqual(await (await openVault(t, options)).keys(), left);
});
