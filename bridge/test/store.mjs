// Stores on a real addon, in a vault of this process that is gone when it ends.
import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { substitute } from './fake-electron.mjs';

const require = createRequire(import.meta.url);

/** electron-store, as it runs without Electron: with a folder of its own. */
export function loadElectronStore() {
  substitute('electron', () => ({}));
  return require('electron-store');
}

export const Store = require('electron-latchkey/store');
export const defaultVault = require('electron-latchkey/default-vault');

/** A passphrase, so that no keychain is needed. */
export const VAULT = { id: 'test.latchkey.store', keychain: { passphrase: 'a passphrase' } };

export const folder = mkdtempSync(join(tmpdir(), 'latchkey-store-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
defaultVault.configure({ ...VAULT, path: join(folder, 'vault') });

/** A name that no other store has. */
export const newName = () => `store-${randomUUID()}`;

/** A store of its own. */
export const newStore = (options) => new Store({ name: newName(), ...options });

/** The name of a store that holds `values`, as an app left them that had no migrations and no schema. */
export function stored(values) {
  const name = newName();
  new Store({ name }).store = values;
  return name;
}

/** A plain copy of what a store holds. */
export const plain = (value) => JSON.parse(JSON.stringify(value));

/** The error of a call that must throw one of ours. */
export function refusal(call) {
  try {
    call();
  } catch (error) {
    return error.name === 'LatchkeyError' ? error.code : error;
  }
  return 'did not throw';
}
