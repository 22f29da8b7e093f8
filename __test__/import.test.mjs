// Moving in through the built addon: files of real conf and Electron, a real keyring, and processes that are killed.
import assert from 'node:assert/strict';
import { cp, readdir, readFile, rename, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { rejects } from './addon.mjs';
import { inChild, startChild } from './child.mjs';
import { DesktopSession } from './desktop-session.mjs';
import { emptyFolder, newVaultOptions, openVault } from './vault-folder.mjs';

const { importFrom, importFromSync } = createRequire(import.meta.url)('../index.js');

const linuxOnly = { skip: process.platform !== 'linux' && 'the Secret Service is Linux', timeout: 60_000 };
const VECTORS = fileURLToPath(new URL('../tests/vectors/import/', import.meta.url));
const ELECTRON = 'electron-store-8.2.0-gnome-libsecret';
const KEY = 'the key in the app’s code';

/** A copy of a fixture under the name that electron-store gives it. */
async function fixture(t, name) {
  const file = path.join(await emptyFolder(t), 'config.json');
  await cp(path.join(VECTORS, name), file);
  return file;
}

const statuses = ({ entries }) => entries.map(({ key, status }) => [key, status]);

/** What a Store over this vault would read: each member's JSON. */
const importInto = (vault, source, more) => importFrom({ vault, sources: [source], ...more });

test('the file of each version of conf comes over, value by value as conf reads it', async (t) => {
  const values = JSON.parse(await readFile(path.join(VECTORS, 'values.json'), 'utf8'));
  const map = Object.fromEntries(Object.keys(values).map((name) => [name, name]));
  const files = (await readdir(VECTORS)).filter((name) => /^conf-.*\.conf$/.test(name));
  assert.ok(files.length > 20);
  for (const name of files) {
    const vault = await openVault(t);
    const [encryptionAlgorithm] = /aes-256-\w+/.exec(name) ?? [];
    const { entries, renamed } = await importInto(vault, {
      type: 'electron-store',
      path: await fixture(t, name),
      map,
      ...(name.includes('-key') ? { encryptionKey: KEY } : {}),
      ...(encryptionAlgorithm ? { encryptionAlgorithm } : {}),
    });
    assert.ok(entries.length > 0 && entries.every(({ status }) => status === 'imported'), name);
    assert.match(renamed[0].to, /config\.json\.imported$/);
    for (const [key, value] of Object.entries(values)) {
      const found = await vault.get(key);
      assert.deepEqual(typeof value === 'string' ? found : JSON.parse(found), value, `${name}: ${key}`);
    }
  }
});

test('an encryptionKey may be bytes, and a wrong one is reported without touching anything', async (t) => {
  const vault = await openVault(t);
  const source = { type: 'electron-store', path: await fixture(t, 'conf-16.0.0-aes-256-gcm-key.conf') };
  const gcm = { ...source, encryptionAlgorithm: 'aes-256-gcm' };
  const wrong = await importInto(vault, { ...gcm, encryptionKey: 'another' });
  assert.deepEqual([statuses(wrong), wrong.renamed], [[[null, 'damaged']], []]);
  const right = await importInto(vault, { ...gcm, encryptionKey: Buffer.from(KEY) });
  assert.equal(right.renamed.length, 1);
});

test('the synchronous form does the same, and bad options are refused with our code', async (t) => {
  const vault = await openVault(t);
  const file = await fixture(t, 'conf-16.0.0-plain.conf');
  const dry = importFromSync({ vault, sources: [{ type: 'electron-store', path: file }], dryRun: true });
  assert.deepEqual(dry.renamed, []);
  const wet = importFromSync({ vault, sources: [{ type: 'electron-store', path: file }] });
  assert.deepEqual(wet.entries, dry.entries);
  const bad = [
    null,
    {},
    { vault, sources: [{ type: 'other' }] },
    { vault, sources: [{ type: 'electron-store' }] },
    { vault, sources: [{ type: 'electron-store', path: 'config.json' }] },
    { vault, sources: [{ type: 'electron-store', path: file, sealed: 'open' }] },
    { vault, sources: [{ type: 'electron-store', path: file, sealed: 'other', app: 'app' }] },
    { vault, sources: [{ type: 'electron-store', path: file, encryptionAlgorithm: 'des' }] },
    { vault, sources: [{ type: 'keytar' }] },
    { vault: {}, sources: [] },
  ];
  for (const options of bad) {
    await rejects('ERR_INVALID_ARGUMENT', () => importFrom(options));
    assert.throws(() => importFromSync(options), { name: 'LatchkeyError', code: 'ERR_INVALID_ARGUMENT' });
  }
});

async function importAndRead({ addon }, { options, sources, keys }) {
  const vault = await addon.Vault.open(options);
  const report = await addon.importFrom({ vault, sources });
  const values = {};
  for (const key of keys ?? (await vault.keys())) values[key] = await vault.get(key);
  return { report, values };
}

const SEALED = ['plain', 'tokens', 'hex', 'latin1', 'buffer', 'list', 'nothing'];

async function electronsSource(t) {
  return {
    type: 'electron-store',
    path: await fixture(t, `${ELECTRON}.conf`),
    app: 'Fixture App',
    map: Object.fromEntries(SEALED.map((name) => [name, name])),
  };
}

test('what Electron sealed is opened with the item that it left in the keyring', linuxOnly, async (t) => {
  const session = await DesktopSession.start(t);
  const password = await readFile(path.join(VECTORS, `${ELECTRON}.password`), 'utf8');
  await session.store({ application: 'Fixture App' }, password);
  const argument = { options: session.vault(), sources: [await electronsSource(t)] };
  const { report, values } = await inChild(t, importAndRead, argument, { env: session.appEnv });
  assert.deepEqual(
    report.entries.filter(({ status }) => status !== 'imported').map(({ key, status }) => [key, status]),
    [['damaged', 'damaged']],
  );
  assert.deepEqual(values, {
    plain: 'a plain value',
    tokens: '{"accessToken":"the access token","refreshToken":"the refresh token 🔑"}',
    hex: 'in hex',
    latin1: 'in latin1, long enough for two blocks',
    buffer: 'as a Buffer',
    list: '["first","in a list"]',
    nothing: '',
  });
  // The keyring is as it was.
  assert.deepEqual(await session.lookup({ application: 'Fixture App' }), [password]);
});

test(
  'a keyring without the item is reported value by value, and the rest comes over',
  linuxOnly,
  async (t) => {
    const session = await DesktopSession.start(t);
    const argument = { options: session.vault(), sources: [await electronsSource(t)] };
    const { report, values } = await inChild(t, importAndRead, argument, { env: session.appEnv });
    assert.equal(values.plain, 'a plain value');
    const damaged = report.entries.filter(({ status }) => status === 'damaged');
    assert.ok(damaged.length >= 6);
    assert.ok(damaged.every(({ reason }) => reason === 'its key is not in the keyring'));
  },
);

test("keytar's entries are found by its attributes and stay where they are", linuxOnly, async (t) => {
  const session = await DesktopSession.start(t);
  for (const [account, secret] of Object.entries({ alice: 'secret of alice', bob: 'secret of bob' }))
    await session.store({ service: 'my-app', account }, secret);
  await session.store({ service: 'another-app', account: 'alice' }, 'not ours');
  const sources = [{ type: 'keytar', service: 'my-app', map: { alice: 'token' } }];
  const argument = { options: session.vault(), sources };
  const { report, values } = await inChild(t, importAndRead, argument, { env: session.appEnv });
  assert.deepEqual(statuses(report), [
    ['alice', 'imported'],
    ['bob', 'imported'],
  ]);
  assert.deepEqual(values, { token: 'secret of alice', 'my-app/bob': 'secret of bob' });
  assert.deepEqual((await session.lookup({ service: 'my-app' })).sort(), [
    'secret of alice',
    'secret of bob',
  ]);
  const again = await inChild(t, importAndRead, argument, { env: session.appEnv });
  assert.deepEqual(statuses(again.report), [
    ['alice', 'present'],
    ['bob', 'present'],
  ]);
});

test(
  'a locked keyring is an error, nothing was touched, and the next import goes through',
  linuxOnly,
  async (t) => {
    const session = await DesktopSession.start(t);
    await session.store({ service: 'my-app', account: 'alice' }, 'secret of alice');
    const file = await fixture(t, 'conf-16.0.0-plain.conf');
    const sources = [
      { type: 'electron-store', path: file, map: { text: 'text' } },
      { type: 'keytar', service: 'my-app' },
    ];
    const work = async ({ addon, say, hear }, argument) => {
      const vault = await addon.Vault.open(argument.options);
      await say('open');
      await hear();
      const refused = await addon.importFrom({ vault, sources: argument.sources }).catch(({ code }) => code);
      await say({ refused, keys: await vault.keys() });
      await hear();
      await addon.importFrom({ vault, sources: argument.sources });
      return vault.keys();
    };
    const child = startChild(t, work, { options: session.vault(), sources }, { env: session.appEnv });
    await child.heard();
    await session.lock();
    child.tell('go');
    assert.deepEqual(await child.heard(), { refused: 'ERR_KEYCHAIN_LOCKED', keys: [] });
    assert.ok((await readdir(path.dirname(file))).includes('config.json'));
    await session.unlock();
    child.tell('go');
    assert.deepEqual(await child.result(), ['my-app/alice', 'text']);
  },
);

test('killed at any moment, run again, it comes to the same', { timeout: 120_000 }, async (t) => {
  const expected = Object.fromEntries(
    Array.from({ length: 300 }, (_, number) => [`key ${number}`, `value ${number}`]),
  );
  const map = Object.fromEntries(Object.keys(expected).map((name) => [name, name]));
  const work = async ({ addon, say }, { options, source }) => {
    const vault = await addon.Vault.open(options);
    await say('open');
    await addon.importFrom({ vault, sources: [source] });
  };
  for (const delayMs of [0, 1, 2, 3, 5, 8]) {
    const folder = await emptyFolder(t);
    const file = path.join(folder, 'config.json');
    const json = JSON.stringify(expected, undefined, '\t');
    await writeFile(file, json);
    const options = await newVaultOptions(t);
    const source = { type: 'electron-store', path: file, map };
    const child = startChild(t, work, { options, source });
    await child.heard();
    // No wait for an event: the point is to strike anywhere.
    await new Promise((resolve) => setTimeout(resolve, delayMs));
    child.kill('SIGKILL');
    await child.exited;
    const [left] = await readdir(folder);
    assert.equal(await readFile(path.join(folder, left), 'utf8'), json);
    const vault = await openVault(t, options);
    await importInto(vault, source);
    const found = {};
    for (const key of await vault.keys()) found[key] = await vault.get(key);
    assert.deepEqual(found, Object.fromEntries(Object.entries(expected).sort()));
    assert.deepEqual(await readdir(folder), ['config.json.imported']);
    // The person puts it back by hand: nothing comes back that the app has deleted.
    await vault.delete('key 7');
    await rename(path.join(folder, 'config.json.imported'), file);
    await importInto(vault, source);
    assert.equal(await vault.has('key 7'), false);
  }
});
