// Which store in which vault: `cwd`, `name` and the app, as Electron gives it.
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { substitute } from './fake-electron.mjs';
import { folder, newName, refusal, Store, stored } from './store.mjs';

const userData = join(folder, 'user-data');
const app = { getPath: () => userData, getAppPath: () => folder, getVersion: () => '3.2.1' };
substitute('electron', () => ({ app, ipcMain: {} }));
process.type = 'browser'; // as Electron says it

const vaultFile = new Store().path;

test('the path is the vault’s file, which all stores of the app share', () => {
  assert.equal(vaultFile, join(folder, 'vault', 'vault.latchkey'));
  assert.equal(new Store({ name: newName() }).path, vaultFile);
});

for (const [what, one, other] of [
  ['no name and `config`', {}, { name: 'config' }],
  ['the folder of the app and none', { cwd: userData }, {}],
  ['a folder in it, relative and absolute', { cwd: 'sub' }, { cwd: join(userData, 'sub') }],
  ['a folder in `cwd` and in the name', { cwd: 'a/b', name: 'c' }, { name: 'a/b/c' }],
  ['`./` and nothing', { name: './config' }, { name: 'x/../config' }],
]) {
  test(`${what} name the same store`, (t) => {
    const store = new Store(one);
    t.after(() => store.clear());
    store.set('a', what);
    assert.equal(new Store(other).get('a'), what);
    assert.equal(store.path, vaultFile);
  });
}

test('folders and extensions make different stores of one name', () => {
  const name = stored({ a: 1 });
  for (const options of [{ cwd: 'sub' }, { cwd: '../up' }, { fileExtension: 'txt' }, { fileExtension: '' }]) {
    assert.equal(new Store({ name, ...options }).size, 0, JSON.stringify(options));
  }
});

test('a store with a folder elsewhere is in a vault that lies there', () => {
  const cwd = join(folder, 'stick', 'data');
  const store = new Store({ cwd, name: 'settings' });
  store.set('a', 1);
  assert.equal(store.path, join(cwd, 'vault.latchkey'));
  assert.ok(existsSync(store.path));
  assert.equal(new Store({ cwd: `${cwd}/.`, name: 'settings' }).get('a'), 1);
  assert.equal(new Store({ name: 'settings' }).size, 0);
});

test('the app’s version is the one that stores are migrated to', () => {
  const name = stored({ a: 1 });
  const seen = [];
  const note = (_store, { finalVersion }) => seen.push(finalVersion);
  new Store({ name, migrations: { '1.0.0': () => 0 }, beforeEachMigration: note });
  assert.deepEqual(seen, ['3.2.1']);
});

test('a page has no store', (t) => {
  process.type = 'renderer';
  t.after(() => (process.type = 'browser'));
  // A vault that is not open yet, as there is none in a page's process.
  assert.equal(
    refusal(() => new Store({ cwd: join(folder, 'page') })),
    'ERR_WRONG_PROCESS',
  );
});
