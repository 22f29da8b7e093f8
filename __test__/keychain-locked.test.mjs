// A locked keyring, and nobody who could be asked to unlock it: on the bus this is the same as a prompt that was
// shown and dismissed.
import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { inChild, startChild } from './child.mjs';
import { DesktopSession } from './desktop-session.mjs';

const linuxOnly = { skip: process.platform !== 'linux' && 'the Secret Service is Linux', timeout: 30_000 };

const keep = async ({ addon }, options) => {
  const vault = await addon.Vault.open(options);
  await vault.set('key', 'precious');
};

// Opens, says how that failed, and opens again once told to.
const openTwice = async ({ addon, say, hear }, options) => {
  const error = await addon.Vault.open(options).catch((reason) => reason);
  await say(error.code);
  await hear();
  const vault = await addon.Vault.open(options);
  await vault.set('another', 'secret');
  return Promise.all([vault.get('key'), vault.get('another')]);
};

async function lockedSession(t) {
  const session = await DesktopSession.start(t);
  await inChild(t, keep, session.vault('used'), { env: session.appEnv });
  await session.lock();
  return session;
}

test('opening a vault that has been used says locked', linuxOnly, async (t) => {
  const session = await lockedSession(t);
  const { error } = await inChild(t, keep, session.vault('used'), { env: session.appEnv });
  assert.equal(error.code, 'ERR_KEYCHAIN_LOCKED', error.message);
});

test('making a new vault says locked, and makes neither file nor key', linuxOnly, async (t) => {
  const session = await lockedSession(t);
  const options = { ...session.vault('fresh'), id: 'test.latchkey.fresh' };
  const { error } = await inChild(t, keep, options, { env: session.appEnv });
  const written = await readdir(path.join(session.folder, 'fresh')).catch(() => []);
  assert.deepEqual(
    written.filter((name) => !name.endsWith('.lock')),
    [],
  );
  await session.unlock();
  assert.deepEqual(await session.lookup({ service: options.id }), []);
  assert.equal(error.code, 'ERR_KEYCHAIN_LOCKED', error.message);
});

test('once it is unlocked both open without a restart', linuxOnly, async (t) => {
  const session = await lockedSession(t);
  const vaults = [session.vault('used'), { ...session.vault('fresh'), id: 'test.latchkey.fresh' }];
  const apps = vaults.map((options) => startChild(t, openTwice, options, { env: session.appEnv }));
  for (const app of apps) assert.match(await app.heard(), /^ERR_KEYCHAIN_/);
  await session.unlock();
  for (const app of apps) app.tell('unlocked');
  assert.deepEqual(await apps[0].result(), ['precious', 'secret']);
  assert.deepEqual(await apps[1].result(), [null, 'secret']);
});

test('a vault that is open stays open when the keyring is locked', linuxOnly, async (t) => {
  const session = await DesktopSession.start(t);
  const work = async ({ addon, say, hear }, options) => {
    const vault = await addon.Vault.open(options);
    await say('open');
    await hear();
    await vault.set('key', 'kept');
    return vault.get('key');
  };
  const app = startChild(t, work, session.vault(), { env: session.appEnv });
  await app.heard();
  await session.lock();
  app.tell('locked');
  assert.equal(await app.result(), 'kept');
});
