// The surface: index.d.ts says what is there at run time, and nothing else.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { test } from 'node:test';
import * as named from '../index.js';
import { AuthSession, ErrorCode, StoreRecords, StoreSchema, SyncVault, Vault } from './addon.mjs';
import { inChild } from './child.mjs';
import { newVaultOptions, openVault } from './vault-folder.mjs';

const types = await readFile(new URL('../index.d.ts', import.meta.url), 'utf8');

const [, union] = /^export type ErrorCode = (.+)$/m.exec(types);
const codes = [...union.matchAll(/'([^']+)'/g)].map(([, code]) => code).sort();

test('the codes of the types are those of the addon', () => {
  assert.ok(codes.length > 30);
  assert.deepEqual(codes, Object.values(ErrorCode).sort());
  assert.deepEqual(Object.keys(ErrorCode), Object.values(ErrorCode));
});

test('every code that the documentation names exists', () => {
  const comments = [...types.matchAll(/\/\*\*.*?\*\//gs)].join('\n');
  const mentioned = new Set(comments.match(/ERR_[A-Z_]+/g));
  assert.ok(mentioned.size > 20);
  assert.deepEqual(
    [...mentioned].filter((code) => !codes.includes(code)),
    [],
  );
});

test('the classes have the methods that the types declare', () => {
  for (const [name, type] of Object.entries({ Vault, AuthSession, SyncVault, StoreRecords, StoreSchema })) {
    const [, body] = new RegExp(`export declare class ${name} \\{(.*?)\n\\}`, 's').exec(types);
    const declared = [...body.matchAll(/^ {2}(static )?(\w+)[(<]/gm)];
    const methods = declared.filter(([, isStatic]) => !isStatic).map(([, , method]) => method);
    const own = Object.getOwnPropertyNames(type.prototype).filter((method) => method !== 'constructor');
    assert.deepEqual(own.sort(), methods.sort(), name);
    for (const [, , method] of declared.filter(([, isStatic]) => isStatic)) {
      assert.equal(typeof type[method], 'function', `${name}.${method}`);
    }
  }
});

test('loads as CommonJS and by name as an ES module', () => {
  assert.equal(named.Vault, Vault);
  assert.equal(named.AuthSession, AuthSession);
  assert.equal(createRequire(import.meta.url)('..').Vault, Vault);
});

test('the classes are made by open only', async (t) => {
  assert.throws(() => new Vault());
  assert.throws(() => new AuthSession());
  for (const Inner of [SyncVault, StoreRecords, StoreSchema]) assert.throws(() => new Inner());
  const vault = await openVault(t);
  assert.ok(vault instanceof Vault);
});

const open = async ({ addon }, options) => {
  const opening = addon.Vault.open(options);
  const vault = await opening;
  await vault.close();
  return 'opened';
};

for (const processType of ['renderer', 'worker', 'service-worker', 'utility']) {
  test(`refuses to work where process.type is '${processType}'`, async (t) => {
    const { error } = await inChild(t, open, await newVaultOptions(t), { processType });
    const { isError, name, code } = error;
    assert.deepEqual(
      { isError, name, code },
      { isError: true, name: 'LatchkeyError', code: 'ERR_WRONG_PROCESS' },
    );
    assert.match(error.message, new RegExp(`'${processType}'.*main process only.*electron-latchkey/preload`));
  });
}

test("works where process.type is 'browser', which is Electron's main process", async (t) => {
  assert.equal(await inChild(t, open, await newVaultOptions(t), { processType: 'browser' }), 'opened');
});

test('the refusal of a wrong process is a rejection, as of any asynchronous call', async (t) => {
  const work = ({ addon }, options) => {
    let opening;
    try {
      opening = addon.Vault.open(options);
    } catch (error) {
      return `threw ${error.code}`;
    }
    return opening.then(
      () => 'opened',
      (error) => `rejected with ${error.code}`,
    );
  };
  const answer = await inChild(t, work, await newVaultOptions(t), { processType: 'renderer' });
  assert.equal(answer, 'rejected with ERR_WRONG_PROCESS');
});
