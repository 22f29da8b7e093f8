// The service of the published recipe: tokens sealed by safeStorage, kept by electron-store.
const { safeStorage } = require('electron-latchkey/safe-storage');
const Store = require('electron-latchkey/store');

const store = new Store({ name: 'secure-storage' });

const secureStorage = {
  isAvailable() {
    return safeStorage.isEncryptionAvailable();
  },

  setToken(key, value) {
    if (!safeStorage.isEncryptionAvailable()) throw new Error('Encryption is not available');
    const encrypted = safeStorage.encryptString(value);
    store.set(`tokens.${key}`, encrypted.toString('base64'));
  },

  getToken(key) {
    const encrypted = store.get(`tokens.${key}`);
    if (!encrypted) return null;
    return safeStorage.decryptString(Buffer.from(encrypted, 'base64'));
  },

  deleteToken(key) {
    store.delete(`tokens.${key}`);
  },

  clearAll() {
    store.clear();
  },
};

module.exports = secureStorage;
