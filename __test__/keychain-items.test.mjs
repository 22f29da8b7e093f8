// What stands in the keyring decides: a wrong, double or missing item is never replaced, chosen from or made anew.
import assert from 'node:assert/strict';
import { cp, mkdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { inChild } from './child.mjs';
import { DesktopSession } from './desktop-session.mjs';

const linuxOnly = { skip: process.platform !== 'linux' && 'the Secret Service is Linux', timeout: 30_000 };

/** Where the root key of DesktopSession.vault() lies. A change here would lose every user's vault. */
const ITEM = { service: 'test.latchkey.app', username: 'latchkey-root-key' };

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

test('the key is one item, found by the vault id', linuxOnly, async (t) => {
  const session = await usedSession(t);
  const [secret, ...more] = await session.lookup({ service: ITEM.service });
  assert.deepEqual(more, []);
  assert.equal(Buffer.from(secret, 'base64').length, ITEM_BYTES);
  assert.equal((await vaultFile(session)).includes('precious'), false);
});

test('two items that match are ambiguous, and both stay', linuxOnly, async (t) => {
  const session = await usedSession(t);
  await session.store({ ...ITEM, another: 'one' }, 'c29tZXRoaW5nIGVsc2U=');
  const before = [await session.lookup(ITEM), await vaultFile(session)];
  assert.equal(before[0].length, 2);
  assert.equal(await opens(t, session), 'ERR_KEYCHAIN_AMBIGUOUS');
  assert.equal(await opens(t, session, 'new'), 'ERR_KEYCHAIN_AMBIGUOUS');
  assert.deepEqual([await session.lookup(ITEM), await vaultFile(session)], before);
  await session.clear({ ...ITEM, another: 'one' });
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
  const file = await vaultFile(session);
  const [key] = await session.lookup(ITEM);
  for (const [how, secret] of Object.entries(WRONG_ITEMS)) {
    await session.store(ITEM, secret);
    assert.equal(await opens(t, session), 'ERR_KEY_INVALID', `an item ${how}`);
    assert.deepEqual(await session.lookup(ITEM), [secret], how);
    assert.deepEqual(await vaultFile(session), file, how);
  }
  await session.store(ITEM, key);
  assert.equal(await opens(t, session), 'precious', 'the key put back opens the vault');
});

test('a vault file without its key is an error, and no key is made', linuxOnly, async (t) => {
  const session = await usedSession(t);
  const file = await vaultFile(session);
  const [key] = await session.lookup(ITEM);
  await session.clear(ITEM);
  assert.equal(await opens(t, session), 'ERR_KEY_MISSING');
  assert.deepEqual(await session.lookup(ITEM), []);
  assert.deepEqual(await vaultFile(session), file);
  await session.store(ITEM, key);
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
