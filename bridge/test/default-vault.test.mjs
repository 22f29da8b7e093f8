// The vault that the drop-ins share: how it is named, configured, opened once.
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { substitute } from './fake-electron.mjs';

const require = createRequire(import.meta.url);
const { close, configure, defaultVault } = require('../dist/cjs/default-vault/index.js');

const passphrase = { passphrase: 'a passphrase' };

/** An app with this package.json, and an addon that notes what is opened. */
async function app(t, packageJson) {
  const folder = await mkdtemp(join(tmpdir(), 'latchkey-default-vault-'));
  if (packageJson !== undefined) await writeFile(join(folder, 'package.json'), packageJson);
  const opened = [];
  class SyncVault {
    static open(options) {
      opened.push(options);
      return new SyncVault();
    }
    close() {}
  }
  substitute('electron', () => ({ app: { getAppPath: () => folder, getName: () => 'The Display Name' } }));
  substitute('electron-latchkey', () => ({ SyncVault }));
  process.type = 'browser'; // as Electron says it
  t.after(async () => {
    delete process.type;
    close();
    configure({});
    await rm(folder, { recursive: true, force: true });
  });
  return opened;
}

for (const [name, id] of [
  ['my-app', 'my-app'],
  ['@my-company/my.app_2', 'my-company.my.app_2'],
]) {
  test(`an app whose package is ${name} has the vault ${id}`, async (t) => {
    const opened = await app(t, JSON.stringify({ name, productName: 'My App' }));
    defaultVault();
    assert.deepEqual(opened, [{ id }]);
  });
}

test('there is one default vault, and one for each folder', async (t) => {
  const opened = await app(t, '{"name":"my-app"}');
  assert.equal(defaultVault(), defaultVault());
  assert.equal(defaultVault('/elsewhere'), defaultVault('/elsewhere'));
  assert.notEqual(defaultVault(), defaultVault('/elsewhere'));
  assert.deepEqual(opened, [{ id: 'my-app' }, { id: 'my-app', path: '/elsewhere' }]);
});

test('what was configured is what is opened', async (t) => {
  const opened = await app(t, '{"name":"my-app"}');
  configure({ id: 'com.example.app', path: '/data', keychain: passphrase });
  defaultVault();
  assert.deepEqual(opened, [{ id: 'com.example.app', path: '/data', keychain: passphrase }]);
});

test('configuring comes too late once the vault is open', async (t) => {
  await app(t, '{"name":"my-app"}');
  defaultVault();
  assert.throws(() => configure({ id: 'other' }), { name: 'LatchkeyError', code: 'ERR_INVALID_ARGUMENT' });
});

for (const [what, packageJson] of [
  ['no package.json', undefined],
  ['a package.json without a name', '{}'],
  ['a package.json that is not JSON', '{'],
  ['a name that is no name', '{"name":"../other"}'],
  ['a name that begins with a dot', '{"name":".hidden"}'],
]) {
  test(`an app with ${what} is asked to name its vault`, async (t) => {
    const opened = await app(t, packageJson);
    assert.throws(() => defaultVault(), { name: 'LatchkeyError', code: 'ERR_INVALID_ARGUMENT' });
    configure({ id: 'com.example.app' });
    defaultVault();
    assert.equal(opened.length, 1);
  });
}

test('outside Electron the vault must be named', async (t) => {
  const opened = await app(t, '{"name":"my-app"}');
  delete process.type;
  substitute('electron', () => assert.fail('in plain Node it would be downloaded'));
  assert.throws(() => defaultVault(), { code: 'ERR_INVALID_ARGUMENT' });
  assert.deepEqual(opened, []);
});

test('a page has no vault', async (t) => {
  const opened = await app(t, '{"name":"my-app"}');
  process.type = 'renderer';
  assert.throws(() => defaultVault(), { code: 'ERR_WRONG_PROCESS' });
  assert.deepEqual(opened, []);
});

test('a vault that did not open is tried again by the next call', async (t) => {
  await app(t, '{"name":"my-app"}');
  let locked = true;
  const vault = { close() {} };
  const open = () => {
    if (locked) throw Object.assign(new Error('Locked.'), { code: 'ERR_KEYCHAIN_LOCKED' });
    return vault;
  };
  substitute('electron-latchkey', () => ({ SyncVault: { open } }));
  assert.throws(() => defaultVault(), { code: 'ERR_KEYCHAIN_LOCKED' });
  locked = false;
  assert.equal(defaultVault(), vault);
});
