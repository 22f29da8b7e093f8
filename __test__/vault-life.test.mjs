// Batches, change events, and the life of a vault's key: passphrase, rotation, recovery, rollback, wiping.
import assert from 'node:assert/strict';
import { EventEmitter, once } from 'node:events';
import { copyFile, readdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { rejects, Vault } from './addon.mjs';
import { emptyFolder, newVaultOptions, openVault } from './vault-folder.mjs';

/** Opens a second time what is open already, as another process would. */
const openAgain = (t, options) => openVault(t, options);

test('a batch is one write: all of it, or nothing', async (t) => {
  const options = await newVaultOptions(t);
  const vault = await openVault(t, options);
  await vault.set('gone', 'x');
  await vault.write([
    { key: 'a', value: '1' },
    { key: 'b', value: Buffer.from([2]), ttlMs: 60_000 },
    { key: 'gone', value: null },
  ]);
  assert.deepEqual(await vault.keys(), ['a', 'b']);
  for (const wrong of [
    [{ key: 'a', value: null }, { key: 'c' }],
    [
      { key: 'a', value: null },
      { key: 3, value: 'x' },
    ],
    [
      { key: 'a', value: null },
      { key: 'c', value: 'x', ttlMs: -1 },
    ],
    [
      { key: 'a', value: null },
      { key: '\ud800', value: 'x' },
    ],
    'a',
    null,
  ]) {
    await rejects('ERR_INVALID_ARGUMENT', () => vault.write(wrong));
  }
  assert.deepEqual(await (await openAgain(t, options)).keys(), ['a', 'b']);
});

test('listeners hear of changes by this vault and by another, until they stop', async (t) => {
  const options = await newVaultOptions(t);
  const vault = await openVault(t, options);
  const other = await openAgain(t, options);
  const events = new EventEmitter();
  const heard = [];
  const stop = vault.onChange((keys) => {
    heard.push(keys);
    events.emit('change');
  });
  // A listener does not keep the process alive, so a timer does while the test waits for it.
  const next = async () => {
    const tooLate = new AbortController();
    const timer = setTimeout(() => tooLate.abort(), 10_000);
    await once(events, 'change', { signal: tooLate.signal });
    clearTimeout(timer);
  };

  let change = next();
  await vault.set('mine', '1');
  await change;
  change = next();
  await other.set('theirs', '1');
  await change;
  assert.deepEqual(heard, [['mine'], ['theirs']]);
  stop();
  await vault.set('mine', '2');
  assert.equal(heard.length, 2);
  assert.throws(() => vault.onChange(42), { name: 'LatchkeyError', code: 'ERR_INVALID_ARGUMENT' });
});

test('a rotated key opens the vault, here and in whoever had it open', async (t) => {
  const options = await newVaultOptions(t);
  const vault = await openVault(t, options);
  const other = await openAgain(t, options);
  await vault.set('k', 'v');
  await vault.rotateKey();
  assert.equal(await other.get('k'), 'v');
  await other.set('l', 'w');
  assert.deepEqual(await (await openAgain(t, options)).keys(), ['k', 'l']);
});

test('a passphrase protects where no keychain does, and is never exchanged for one in silence', async (t) => {
  const options = await newVaultOptions(t);
  const withPassphrase = (passphrase) => ({ ...options, keychain: { passphrase } });
  const vault = await openVault(t, withPassphrase('correct horse'));
  assert.equal(vault.protection().backend, 'passphrase');
  await vault.set('k', 'v');
  await rejects('ERR_INVALID_PASSPHRASE', () => Vault.open(withPassphrase('wrong')));
  await rejects('ERR_PROTECTION_MISMATCH', () => Vault.open(options));
  await vault.changePassphrase('battery staple');
  await rejects('ERR_INVALID_PASSPHRASE', () => Vault.open(withPassphrase('correct horse')));
  assert.equal(await (await openAgain(t, withPassphrase('battery staple'))).get('k'), 'v');
  await rejects('ERR_INVALID_ARGUMENT', () => Vault.open({ ...options, keychain: 'none' }));

  const kept = await openVault(t);
  await rejects('ERR_PROTECTION_MISMATCH', () => kept.changePassphrase('any'));
});

test('a recovery copy brings everything back, and what was in the way is kept', async (t) => {
  const options = await newVaultOptions(t);
  const vault = await openVault(t, options);
  await vault.set('k', 'v');
  const copy = await vault.exportRecovery('on paper');
  assert.ok(Buffer.isBuffer(copy));
  assert.ok(!copy.includes('on paper'));
  await vault.set('k', 'later');
  await vault.close();
  await rejects('ERR_INVALID_PASSPHRASE', () => Vault.recover(options, copy, 'wrong'));
  await rejects('ERR_VAULT_CORRUPT', () => Vault.recover(options, copy.subarray(0, -1), 'on paper'));
  await rejects('ERR_INVALID_ARGUMENT', () => Vault.recover(options, 'copy', 'on paper'));
  const recovered = await Vault.recover(options, copy, 'on paper');
  t.after(() => recovered.close());
  assert.equal(await recovered.get('k'), 'v');
  assert.deepEqual((await readdir(options.path)).sort(), [
    'vault.key.lock',
    'vault.latchkey',
    'vault.lock',
    'vault.replaced-1',
  ]);
});

test('an older copy of the file is refused, unless it is wanted', async (t) => {
  const options = await newVaultOptions(t);
  const file = path.join(options.path, 'vault.latchkey');
  const old = path.join(await emptyFolder(t), 'old');
  const vault = await openVault(t, options);
  await vault.set('k', 'v');
  await vault.close();
  await copyFile(file, old);
  await rm(file);
  await (await openVault(t, options)).close();
  await copyFile(old, file);
  await rejects('ERR_VAULT_ROLLED_BACK', () => Vault.open(options));
  const wanted = await openVault(t, { ...options, allowRollback: true });
  assert.equal(await wanted.get('k'), 'v');
  assert.equal(await (await openAgain(t, options)).get('k'), 'v');
});

test('a wiped vault leaves neither file nor key', async (t) => {
  const options = await newVaultOptions(t);
  const vault = await openVault(t, options);
  await vault.set('k', 'v');
  await vault.wipe();
  await rejects('ERR_VAULT_CLOSED', () => vault.get('k'));
  assert.deepEqual((await readdir(options.path)).sort(), ['vault.key.lock', 'vault.lock']);
  assert.equal(await (await openAgain(t, options)).get('k'), null);
});

test('a worker that ends with calls under way takes nothing with it', async (t) => {
  const options = await newVaultOptions(t);
  const vault = await openVault(t, options);
  const startWriting = async ({ addon, given, round }) => {
    const own = await require(addon).Vault.open(given);
    for (let number = 0; number < 100; number++) own.set(`${round} ${number}`, `value of ${number}`);
    require('node:worker_threads').parentPort.postMessage('writing');
  };
  const addon = fileURLToPath(new URL('../index.js', import.meta.url));
  for (let round = 0; round < 5; round++) {
    const code = `(${startWriting})(require('node:worker_threads').workerData)`;
    const worker = new Worker(code, { eval: true, workerData: { addon, given: options, round } });
    await once(worker, 'message');
    await worker.terminate();
    await vault.set(`${round} mine`, 'value of mine');
  }
  const names = await vault.keys();
  assert.equal(names.filter((name) => name.endsWith('mine')).length, 5);
  for (const name of names) assert.equal(await vault.get(name), `value of ${name.split(' ')[1]}`);
});
