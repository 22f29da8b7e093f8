// No D-Bus, or nobody on it who keeps secrets: the vault says so, and writes nothing.
import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { test } from 'node:test';
import { inChild, startChild } from './child.mjs';
import { DesktopSession } from './desktop-session.mjs';

const linuxOnly = { skip: process.platform !== 'linux' && 'the Secret Service is Linux', timeout: 30_000 };

const open = async ({ addon }, options) => {
  const vault = await addon.Vault.open(options);
  await vault.close();
  return 'opened';
};

async function refusesAndWritesNothing(t, session, address) {
  const before = await readdir(session.folder, { recursive: true });
  const env = { ...session.appEnv, DBUS_SESSION_BUS_ADDRESS: address };
  const { error } = await inChild(t, open, session.vault(), { env });
  assert.deepEqual(
    [error?.isError, error?.name, error?.code],
    [true, 'LatchkeyError', 'ERR_KEYCHAIN_UNAVAILABLE'],
    error?.message,
  );
  assert.match(error.message, /install and start a Secret Service such as gnome-keyring/);
  assert.deepEqual(await readdir(session.folder, { recursive: true }), before);
}

const ADDRESSES = {
  'unset, and no bus in the runtime folder': undefined,
  empty: '',
  'pointing to a socket that is not there': 'unix:path=/nonexistent/bus',
  "'disabled:', which Chromium sets": 'disabled:',
  'of an unknown form': 'somewhere over the rainbow',
};
for (const [how, address] of Object.entries(ADDRESSES)) {
  test(`a bus address that is ${how}`, linuxOnly, async (t) => {
    await refusesAndWritesNothing(t, await DesktopSession.start(t, { bus: false }), address);
  });
}

test('a bus without a secret service', linuxOnly, async (t) => {
  const session = await DesktopSession.start(t, { keyring: false });
  await refusesAndWritesNothing(t, session, session.env.DBUS_SESSION_BUS_ADDRESS);
});

test('a service that starts later is found without a restart', linuxOnly, async (t) => {
  const session = await DesktopSession.start(t, { keyring: false });
  const app = startChild(t, retry, session.vault(), { env: session.appEnv });
  assert.equal(await app.heard(), 'ERR_KEYCHAIN_UNAVAILABLE');
  await session.startKeyring();
  app.tell('again');
  assert.equal(await app.result(), 'kept');
});

test('a service that was stopped and started again is found without a restart', linuxOnly, async (t) => {
  const session = await DesktopSession.start(t);
  const [first, second] = [session.vault('first'), session.vault('second')];
  const work = async ({ addon, say, hear }, [before, during]) => {
    const vault = await addon.Vault.open(before);
    await say('open');
    await hear();
    const code = await addon.Vault.open(during).then(
      () => 'opened',
      (error) => error.code,
    );
    // The key is in memory: a vault that is open does not need the service.
    await vault.set('still', 'works');
    await say([code, await vault.get('still')]);
    await hear();
    const later = await addon.Vault.open(during);
    await later.set('key', 'value');
    return later.get('key');
  };
  const app = startChild(t, work, [first, second], { env: session.appEnv });
  assert.equal(await app.heard(), 'open');
  await session.stopKeyring();
  app.tell('stopped');
  assert.deepEqual(await app.heard(), ['ERR_KEYCHAIN_UNAVAILABLE', 'works']);
  await session.startKeyring();
  app.tell('started');
  assert.equal(await app.result(), 'value');
});

// Opens, and when that fails says why and opens again once told to.
async function retry({ addon, say, hear }, options) {
  let vault;
  try {
    vault = await addon.Vault.open(options);
  } catch (error) {
    await say(error.code);
    await hear();
    vault = await addon.Vault.open(options);
  }
  await vault.set('key', 'kept');
  return vault.get('key');
}
