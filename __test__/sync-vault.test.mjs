// The vault of the drop-ins: opened and used in one breath, with the errors of the other.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertError, SyncVault } from './addon.mjs';
import { inChild } from './child.mjs';
import { DesktopSession } from './desktop-session.mjs';
import { newVaultOptions, openVault } from './vault-folder.mjs';

function throws(code, call) {
  let error;
  try {
    call();
  } catch (thrown) {
    error = thrown;
  }
  assertError(error, code);
}

const open = ({ addon }, options) => addon.SyncVault.open(options).protection();

test('opens the vault that Vault.open opens, before the call returns', async (t) => {
  const options = await newVaultOptions(t);
  const vault = SyncVault.open(options);
  const { unlockMs, ...protection } = vault.protection();
  assert.ok(unlockMs > 0);
  const { unlockMs: _other, ...same } = (await openVault(t, options)).protection();
  assert.deepEqual(protection, same);
  vault.close();
});

test('throws for options that are none, without a promise', () => {
  for (const options of [undefined, null, 1, {}, { id: '' }, { id: 'a', path: 'relative' }]) {
    throws('ERR_INVALID_ARGUMENT', () => SyncVault.open(options));
  }
});

for (const processType of ['renderer', 'worker', 'utility']) {
  test(`a ${processType} process of Electron is refused`, async (t) => {
    const options = await newVaultOptions(t);
    assert.equal((await inChild(t, open, options, { processType })).error.code, 'ERR_WRONG_PROCESS');
  });
}

test('a keychain that hangs is waited for until the deadline, and can be tried again', async (t) => {
  const session = await DesktopSession.start(t);
  session.freeze();
  const { error } = await inChild(t, open, session.vault('vault', 300), { env: session.env });
  assert.equal(error.code, 'ERR_KEYCHAIN_TIMEOUT');
  session.thaw();
  const { backend } = await inChild(t, open, session.vault(), { env: session.env });
  assert.equal(backend, 'secret-service');
});

test('a locked keychain is told apart', async (t) => {
  const session = await DesktopSession.start(t);
  await session.lock();
  assert.equal(
    (await inChild(t, open, session.vault(), { env: session.env })).error.code,
    'ERR_KEYCHAIN_LOCKED',
  );
});
