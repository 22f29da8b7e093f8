// What is compared. Each store keeps `entries` values of 1 KB under the names that `keyOf` gives.

const { randomBytes } = require('node:crypto');
const fs = require('node:fs');
const path = require('node:path');
const latchkey = require('./latchkey.cjs');

/** As long as many access tokens are. */
const VALUE_BYTES = 1024;

/** A new value: text that looks like a token. */
function newValue() {
  return randomBytes((VALUE_BYTES * 3) / 4).toString('base64url');
}

function keyOf(index) {
  return `token-${String(index).padStart(6, '0')}`;
}

/** Electron-latchkey's vault. */
class Vault {
  #vault;

  static folder(home, entries) {
    return path.join(home, `vault-${entries}`);
  }

  /** The one place that knows how a vault is opened. */
  static async open(home, entries) {
    const opened = new Vault();
    opened.#vault = await latchkey.addon().Vault.open({
      id: `latchkey-bench-${entries}`,
      path: Vault.folder(home, entries),
    });
    return opened;
  }

  async fill(entries) {
    for (let index = 0; index < entries; index++) await this.set(keyOf(index), newValue());
  }

  set(key, value) {
    return this.#vault.set(key, value);
  }

  get(key) {
    return this.#vault.get(key);
  }

  /** Of the time that opening took, what the keychain took. */
  keychainMs() {
    return this.#vault.protection().unlockMs;
  }

  close() {
    return this.#vault.close();
  }
}

/** safeStorage + electron-store, as the recipe pairs them. */
class Pair {
  #store;
  #safeStorage = require('electron').safeStorage;

  static folder(home, entries) {
    return path.join(home, `pair-${entries}`);
  }

  static open(home, entries) {
    const Store = require('electron-store');
    const opened = new Pair();
    opened.#store = new Store({ cwd: Pair.folder(home, entries) });
    return opened;
  }

  /** One write, or filling 10,000 entries would take an hour. */
  fill(entries) {
    const content = {};
    for (let index = 0; index < entries; index++) content[keyOf(index)] = this.#seal(newValue());
    this.#store.store = content;
  }

  set(key, value) {
    this.#store.set(key, this.#seal(value));
  }

  get(key) {
    return this.#safeStorage.decryptString(Buffer.from(this.#store.get(key), 'base64'));
  }

  /** Fails where Chromium fell back to a password that is the same on every machine: that is no comparison. */
  requireKeychain() {
    if (!this.#safeStorage.isEncryptionAvailable()) throw new Error('safeStorage has no encryption here');
    const version = this.#safeStorage.encryptString('probe').subarray(0, 3).toString();
    if (process.platform === 'linux' && version !== 'v11') {
      throw new Error(`safeStorage does not use the keyring here: its values begin with ${version}`);
    }
  }

  #seal(value) {
    return this.#safeStorage.encryptString(value).toString('base64');
  }
}

/** The limit: as many bytes as the vault writes for one value, appended to a file and synced, and nothing else. */
class Disk {
  #fd;
  #bytes;
  #end;

  constructor(home, entries, frameBytes) {
    this.#bytes = randomBytes(frameBytes);
    this.#fd = fs.openSync(path.join(home, `disk-${entries}`), 'w+');
    fs.writeSync(this.#fd, Buffer.alloc(entries * frameBytes, 1));
    fs.fsyncSync(this.#fd);
    this.#end = entries * frameBytes;
  }

  /** On the JavaScript thread, which stands still meanwhile: the least that any call could take. */
  append() {
    fs.writeSync(this.#fd, this.#bytes, 0, this.#bytes.length, this.#end);
    fs.fdatasyncSync(this.#fd);
    this.#end += this.#bytes.length;
  }

  /** Synced off the JavaScript thread, in one trip there and back: the least for a call that lets the app go on. */
  async appendAsync() {
    fs.writeSync(this.#fd, this.#bytes, 0, this.#bytes.length, this.#end);
    await new Promise((resolve, reject) => {
      fs.fdatasync(this.#fd, (error) => (error ? reject(error) : resolve()));
    });
    this.#end += this.#bytes.length;
  }

  close() {
    fs.closeSync(this.#fd);
  }
}

/** What the files in a folder hold and what they take, in bytes. */
function sizeOnDisk(folder) {
  let length = 0;
  let allocated = 0;
  for (const name of fs.readdirSync(folder)) {
    const found = fs.statSync(path.join(folder, name));
    length += found.size;
    allocated += found.blocks * 512;
  }
  return { length, allocated };
}

module.exports = { Disk, Pair, Vault, keyOf, newValue, sizeOnDisk };
