// What stands in the keyring decides: a wrong, double or missing item is never replaced, chosen from or made anew.
import assert from 'node:assert/strict';
import { cp, mkdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { inChild } from './child.mjs';
import { DesktopSession } from './desktop-session.mjs';

const linuxOnly = { skip: process.platform !== 'linux' && 'the Secret Service is Linux', timeout: 30_000 };

const SERVICE = 'test.latchkey.app';

/** Where the root key of a DesktopSession.vault() lies. A change here would lose every user's vault. */
async function itemOf(session, name) {
  const slot = (await vaultFile(session, name)).subarray(108, 124);
  return { service: SERVICE, username: `latchkey-root-key.${slot.toString('hex')}` };
}

/** Version, generation of the oldest file that is not an old copy, epoch, key. */
const ITEM_BYTES = 1 + 8 + 4 + 32;
const GENERATION = Array(8).fill(0);

async function openAndRead({ addon }, options) {
  const vault = await addon.Vault.open(options);
  return vault.get('key');
}

async function openAndWrite({ addon }, options) {
  const vault = await addon.Vault.open(options);
  await vault.set('key', 'precious');
}

/** A session in which the vault has been used. */
async function usedSession(t) {
  const session = await DesktopSession.start(t);
  assert.equal(await inChild(t, openAndWrite, session.vault(), { env: session.appEnv }), undefined);
  return session;
}

const vaultFile = (session, name = 'vault') => readFile(path.join(session.folder, name, 'vault.latchkey'));

async function opens(t, session, name) {
  const answer = await inChild(t, openAndRead, session.vault(name), { env: session.appEnv });
  return answer?.error?.code ?? answer;
}

test("the key is one item, found by the vault id and the file's slot", linuxOnly, async (t) => {
  const session = await usedSession(t);
  const [secret, ...more] = await session.lookup({ service: SERVICE });
  assert.deepEqual(more, []);
  assert.deepEqual(await session.lookup(await itemOf(session)), [secret]);
  assert.equal(Buffer.from(secret, 'base64').length, ITEM_BYTES);
  assert.equal((await vaultFile(session)).includes('precious'), false);
});

test('two folders with one id have two items, and each its own', linuxOnly, async (t) => {
  const session = await usedSession(t);
  assert.equal(await opens(t, session, 'new'), null);
  assert.equal((await session.lookup({ service: SERVICE })).length, 2);
  await session.clear(await itemOf(session, 'new'));
  assert.equal(await opens(t, session, 'new'), 'ERR_KEY_MISSING');
  assert.equal(await opens(t, session), 'precious');
});

test('two items that match are ambiguous, and both stay', linuxOnly, async (t) => {
  const session = await usedSession(t);
  const item = await itemOf(session);
  await session.store({ ...item, another: 'one' }, 'c29tZXRoaW5nIGVsc2U=');
  const before = [await session.lookup(item), await vaultFile(session)];
  assert.equal(before[0].length, 2);
  assert.equal(await opens(t, session), 'ERR_KEYCHAIN_AMBIGUOUS');
  assert.deepEqual([await session.lookup(item), await vaultFile(session)], before);
  await session.clear({ ...item, another: 'one' });
  assert.equal(await opens(t, session), 'precious');
});

const base64 = (...bytes) => Buffer.from(bytes).toString('base64');
const KEY = Array(32).fill(7);
const WRONG_ITEMS = {
  'that is too short': base64(...Array(ITEM_BYTES - 1).fill(1)),
  'that is too long': base64(...Array(ITEM_BYTES + 1).fill(1)),
  'that is empty': '',
  'that is not base64': 'my cat walked over the keyboard',
  'of a newer version': base64(2, ...Array(ITEM_BYTES - 1).fill(0)),
  'that is another key': base64(1, ...GENERATION, 1, 0, 0, 0, ...KEY),
  'of another epoch': base64(1, ...GENERATION, 9, 0, 0, 0, ...KEY),
};
test('an item that is not the key is an error, and all stays as it is', linuxOnly, async (t) => {
  const session = await usedSession(t);
  const [file, item] = [await vaultFile(session), await itemOf(session)];
  const [key] = await session.lookup(item);
  for (const [how, secret] of Object.entries(WRONG_ITEMS)) {
    await session.store(item, secret);
    assert.equal(await opens(t, session), 'ERR_KEY_INVALID', `an item ${how}`);
    assert.deepEqual(await session.lookup(item), [secret], how);
    assert.deepEqual(await vaultFile(session), file, how);
  }
  await session.store(item, key);
  assert.equal(await opens(t, session), 'precious', 'the key put back opens the vault');
});

test('a vault file without its key is an error, and no key is made', linuxOnly, async (t) => {
  const session = await usedSession(t);
  const [file, item] = [await vaultFile(session), await itemOf(session)];
  const [key] = await session.lookup(item);
  await session.clear(item);
  assert.equal(await opens(t, session), 'ERR_KEY_MISSING');
  assert.deepEqual(await session.lookup(item), []);
  assert.deepEqual(await vaultFile(session), file);
  await session.store(item, key);
  assert.equal(await opens(t, session), 'precious');
});

test("another vault's file is refused, and no key is made for it", linuxOnly, async (t) => {
  const session = await usedSession(t);
  await mkdir(path.join(session.folder, 'foreign'));
  await cp(path.join(session.folder, 'vault'), path.join(session.folder, 'foreign'), { recursive: true });
  const options = { ...session.vault('foreign'), id: 'test.latchkey.other' };
  const answer = await inChild(t, openAndRead, options, { env: session.appEnv });
  assert.equal(answer?.error?.code, 'ERR_VAULT_FOREIGN');
  assert.deepEqual(await session.lookup({ service: options.id }), []);
  const own = { ...options, path: path.join(session.folder, 'own') };
  await inChild(t, openAndWrite, own, { env: session.appEnv });
  const again = await inChild(t, openAndRead, options, { env: session.appEnv });
  assert.equal(again?.error?.code, 'ERR_VAULT_FOREIGN');
});
