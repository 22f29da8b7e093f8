// electron-latchkey/safe-storage over the built addon: Electron's names, without its weak forms.
import assert from 'node:assert/strict';
import { createCipheriv, createHash, pbkdf2Sync } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { inChild } from './child.mjs';
import { DesktopSession } from './desktop-session.mjs';
import { openVault } from './vault-folder.mjs';

const require = createRequire(import.meta.url);
const { safeStorageOver } = require('../bridge/dist/cjs/safe-storage/index.js');

const BRIDGE = fileURLToPath(new URL('../bridge/dist/cjs/safe-storage/index.js', import.meta.url));
const VECTORS = fileURLToPath(new URL('../tests/vectors/import/', import.meta.url));
const ELECTRON = 'electron-store-8.2.0-gnome-libsecret';

const failed = { name: 'LatchkeyError', code: 'ERR_DECRYPTION_FAILED' };

async function storage(t, options) {
  const vault = await openVault(t);
  return { vault, safeStorage: safeStorageOver({ vault, ...options }) };
}

test('what is encrypted comes back, synchronously and asynchronously, and differs each time', async (t) => {
  const { safeStorage } = await storage(t);
  for (const text of ['a token', '', 'Schlüssel 🔑', 'x'.repeat(1_000_000)]) {
    const [one, other] = [safeStorage.encryptString(text), await safeStorage.encryptStringAsync(text)];
    assert.ok(Buffer.isBuffer(one) && Buffer.isBuffer(other));
    assert.notDeepEqual(one, other);
    assert.equal(safeStorage.decryptString(other), text);
    assert.deepEqual(await safeStorage.decryptStringAsync(one), { result: text, shouldReEncrypt: false });
  }
  assert.equal(safeStorage.isEncryptionAvailable(), true);
  assert.equal(await safeStorage.isAsyncEncryptionAvailable(), true);
});

test('a changed, cut or foreign ciphertext is refused, with the same code in both forms', async (t) => {
  const { safeStorage } = await storage(t);
  const encrypted = safeStorage.encryptString('a token');
  const changed = Buffer.from(encrypted);
  changed[changed.length - 1] ^= 1;
  const { safeStorage: other } = await storage(t);
  const foreign = other.encryptString('a token');
  for (const bad of [changed, encrypted.subarray(0, 20), foreign, Buffer.from('plain'), Buffer.alloc(0)]) {
    assert.throws(() => safeStorage.decryptString(bad), failed);
    await assert.rejects(safeStorage.decryptStringAsync(bad), failed);
  }
});

test('bad arguments have our code: the async forms reject', async (t) => {
  const { safeStorage } = await storage(t);
  const invalid = { name: 'LatchkeyError', code: 'ERR_INVALID_ARGUMENT' };
  for (const bad of [undefined, null, 1, {}, '\ud800']) {
    assert.throws(() => safeStorage.encryptString(bad), invalid);
    await assert.rejects(safeStorage.encryptStringAsync(bad), invalid);
  }
  for (const bad of [undefined, null, 'text', {}]) {
    assert.throws(() => safeStorage.decryptString(bad), invalid);
    await assert.rejects(safeStorage.decryptStringAsync(bad), invalid);
  }
});

test('after the key was rotated everything is read, and what is older asks to be encrypted anew', async (t) => {
  const { vault, safeStorage } = await storage(t);
  const before = safeStorage.encryptString('before');
  await vault.rotateKey();
  const after = safeStorage.encryptString('after');
  const read = (encrypted) => safeStorage.decryptStringAsync(encrypted);
  assert.deepEqual(await read(before), { result: 'before', shouldReEncrypt: true });
  assert.deepEqual(await read(after), { result: 'after', shouldReEncrypt: false });
});

test('there is no plain text, and no name for it', async (t) => {
  const { safeStorage } = await storage(t);
  assert.throws(() => safeStorage.setUsePlainTextEncryption(true), { code: 'ERR_INVALID_ARGUMENT' });
  assert.equal(safeStorage.setUsePlainTextEncryption(false), undefined);
  const expected = process.platform === 'linux' ? 'gnome_libsecret' : 'unknown';
  assert.equal(safeStorage.getSelectedStorageBackend(), expected);
});

test('without a vault that opens, nothing is available and every call says why', () => {
  const safeStorage = safeStorageOver(); // no Electron here, so nothing names the default vault
  assert.equal(safeStorage.isEncryptionAvailable(), false);
  assert.equal(safeStorage.getSelectedStorageBackend(), 'unknown');
  assert.throws(() => safeStorage.encryptString('x'), { code: 'ERR_INVALID_ARGUMENT' });
});

/** Chromium's own parameters (os_crypt_linux.cc), by Node's crypto. */
function chromium(prefix, password, text) {
  const key = pbkdf2Sync(password, 'saltysalt', 1, 16, 'sha1');
  const cipher = createCipheriv('aes-128-cbc', key, Buffer.alloc(16, ' '));
  return Buffer.concat([Buffer.from(prefix), cipher.update(text), cipher.final()]);
}

test("the fixed key of Chromium's v10 is the one in its source", () => {
  const key = pbkdf2Sync('peanuts', 'saltysalt', 1, 16, 'sha1').toString('hex');
  assert.equal(key, 'fd621fe5a2b402539dfa147ca9272778');
  const empty = pbkdf2Sync('', 'saltysalt', 1, 16, 'sha1').toString('hex');
  assert.equal(empty, 'd0d0ec9c7d77d43ac54187fa4818d17f');
});

const linuxOnly = { skip: process.platform !== 'linux' && 'the Secret Service is Linux', timeout: 60_000 };

test('the weak v10 of Linux is read, asks to be encrypted anew, and can be refused', linuxOnly, async (t) => {
  const { vault, safeStorage } = await storage(t, { app: 'Some App' });
  for (const password of ['peanuts', '']) {
    const sealed = chromium('v10', password, 'a token');
    assert.deepEqual(await safeStorage.decryptStringAsync(sealed), {
      result: 'a token',
      shouldReEncrypt: true,
    });
    const strict = safeStorageOver({ vault, app: null });
    assert.throws(() => strict.decryptString(sealed), failed);
  }
});

async function decryptAll({ addon }, { bridge, options, app, sealed }) {
  const { createRequire: requireFrom } = await import('node:module');
  const { safeStorageOver: over } = requireFrom(bridge)(bridge);
  const safeStorage = over({ vault: await addon.Vault.open(options), app });
  return Promise.all(
    sealed.map((text) =>
      safeStorage.decryptStringAsync(Buffer.from(text, 'base64')).catch(({ code }) => code),
    ),
  );
}

test(
  "what real Electron encrypted is read with the keyring's item, and without it refused",
  linuxOnly,
  async (t) => {
    const session = await DesktopSession.start(t);
    const { tokens } = JSON.parse(await readFile(`${VECTORS}${ELECTRON}.conf`, 'utf8'));
    const password = await readFile(`${VECTORS}${ELECTRON}.password`, 'utf8');
    const argument = {
      bridge: BRIDGE,
      options: session.vault(),
      app: 'Fixture App',
      sealed: [tokens.accessToken, tokens.refreshToken],
    };
    const inSession = () => inChild(t, decryptAll, argument, { env: session.appEnv });
    assert.deepEqual(await inSession(), ['ERR_DECRYPTION_FAILED', 'ERR_DECRYPTION_FAILED']);
    await session.store({ application: 'Fixture App' }, password);
    assert.deepEqual(await inSession(), [
      { result: 'the access token', shouldReEncrypt: true },
      { result: 'the refresh token 🔑', shouldReEncrypt: true },
    ]);
  },
);

test('the ciphertext does not hold the text, nor its digest', async (t) => {
  const { safeStorage } = await storage(t);
  const encrypted = safeStorage.encryptString('a token that is long enough');
  assert.equal(encrypted.includes('a token'), false);
  assert.equal(
    encrypted.includes(createHash('sha256').update('a token that is long enough').digest()),
    false,
  );
});
