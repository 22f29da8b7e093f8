// Several processes on one vault: no write is lost, and the first run of two makes one key.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { inChild, startChild } from './child.mjs';
import { newVaultOptions, openVault } from './vault-folder.mjs';

const PROCESSES = 4;
const KEYS = 100;

async function writeKeys({ addon, say, hear }, { options, name, count }) {
  const vault = await addon.Vault.open(options);
  await say('open');
  await hear();
  for (let number = 0; number < count; number++)
    await vault.set(`${name} ${number}`, `${name} wrote ${number}`);
  return (await vault.keys()).length;
}

async function startWriters(t, options) {
  const writers = Array.from({ length: PROCESSES }, (_, number) =>
    startChild(t, writeKeys, { options, name: `writer ${number}`, count: KEYS }),
  );
  await Promise.all(writers.map((writer) => writer.heard()));
  for (const writer of writers) writer.tell('go');
  return writers;
}

test(`${PROCESSES} processes write ${KEYS} keys each, and none is lost`, { timeout: 60_000 }, async (t) => {
  const options = await newVaultOptions(t);
  const watching = await openVault(t, options);
  const writers = await startWriters(t, options);
  for (const writer of writers) assert.ok((await writer.result()) >= KEYS);
  for (const vault of [watching, await openVault(t, options)]) {
    assert.equal((await vault.keys()).length, PROCESSES * KEYS);
    assert.equal(await vault.get('writer 3 99'), 'writer 3 wrote 99');
  }
});

test('processes that open a vault for the first time at once make one key', {
  timeout: 60_000,
}, async (t) => {
  for (let round = 0; round < 3; round++) {
    const options = await newVaultOptions(t);
    const work = async ({ addon, say, hear }, [given, name]) => {
      await say('ready');
      await hear();
      const vault = await addon.Vault.open(given);
      await vault.set(name, `from ${name}`);
    };
    const apps = ['first', 'second', 'third'].map((name) => startChild(t, work, [options, name]));
    await Promise.all(apps.map((app) => app.heard()));
    for (const app of apps) app.tell('go');
    for (const app of apps) assert.equal(await app.result(), undefined);
    const vault = await openVault(t, options);
    assert.deepEqual(await vault.keys(), ['first', 'second', 'third']);
    assert.equal(await vault.get('second'), 'from second');
  }
});

test('what another process wrote, removed or cleared is seen by the next read', async (t) => {
  const options = await newVaultOptions(t);
  const vault = await openVault(t, options);
  const change = (work) => inChild(t, work, options);
  await change(async ({ addon }, given) => {
    const other = await addon.Vault.open(given);
    await other.set('a', 'from there');
    await other.set('b', Buffer.from('bytes'));
  });
  assert.deepEqual([await vault.get('a'), await vault.get('b')], ['from there', Buffer.from('bytes')]);
  await change(async ({ addon }, given) => (await addon.Vault.open(given)).delete('a'));
  assert.deepEqual(await vault.keys(), ['b']);
  await change(async ({ addon }, given) => (await addon.Vault.open(given)).clear());
  assert.deepEqual([await vault.has('b'), await vault.keys()], [false, []]);
});

test('a process killed in the middle of writing leaves a vault that others read and write', async (t) => {
  const options = await newVaultOptions(t);
  const vault = await openVault(t, options);
  const work = async ({ addon, say }, given) => {
    const other = await addon.Vault.open(given);
    for (let number = 0; ; number++) {
      await other.set('count', String(number));
      if (number === 20) await say('writing');
    }
  };
  for (let round = 0; round < 5; round++) {
    const writer = startChild(t, work, options);
    await writer.heard();
    writer.kill('SIGKILL');
    await writer.exited;
    assert.ok(Number(await vault.get('count')) >= 20);
    await vault.set('after', String(round));
    assert.equal(await (await openVault(t, options)).get('after'), String(round));
  }
});

test('a file that grew old is rewritten under the eyes of other processes', {
  timeout: 60_000,
}, async (t) => {
  const options = await newVaultOptions(t);
  const vault = await openVault(t, options);
  await vault.set('kept', 'value');
  const before = (await readFile(vault.protection().path)).length;
  // Values replaced often enough that the file is mostly garbage more than once.
  await inChild(
    t,
    async ({ addon }, given) => {
      const other = await addon.Vault.open(given);
      for (let number = 0; number < 8; number++) await other.set('large', Buffer.alloc(600_000, number));
      await other.set('large', 'small');
      for (let number = 0; number < 4; number++) await other.set('large', `small ${number}`);
    },
    options,
  );
  assert.deepEqual([await vault.get('kept'), await vault.get('large')], ['value', 'small 3']);
  await vault.set('mine', 'too');
  assert.deepEqual(await (await openVault(t, options)).keys(), ['kept', 'large', 'mine']);
  const after = (await readFile(vault.protection().path)).length;
  assert.ok(after < before + 8 * 600_000, `${after} bytes are left`);
});
