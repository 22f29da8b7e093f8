import type { Result } from '../protocol.js';
import { RECIPE_CHANNELS, type SecureStorage, type SecureStorageResult } from '../recipe-protocol.js';
import { invokeOf } from './invoke.js';

/**
 * Exposes {@link SecureStorage} as `window[key]`, exactly as the published recipe has it. Needs `provideSecureStorage()` in
 * main, where its price is written down.
 */
export function exposeSecureStorage(key = 'secureStorage'): void {
  const { contextBridge, ipcRenderer } = require('electron') as typeof import('electron');
  const call = invokeOf(ipcRenderer);
  const storage: SecureStorage = {
    isAvailable: async () => withData(await call<boolean>(RECIPE_CHANNELS.isAvailable)),
    setToken: async (name, value) => withoutData(await call(RECIPE_CHANNELS.setToken, name, value)),
    getToken: async (name) => withData(await call<string | null>(RECIPE_CHANNELS.getToken, name)),
    deleteToken: async (name) => withoutData(await call(RECIPE_CHANNELS.deleteToken, name)),
    clearAll: async () => withoutData(await call(RECIPE_CHANNELS.clearAll)),
  };
  contextBridge.exposeInMainWorld(key, Object.freeze(storage));
}

function withData<T>(result: Result<T>): SecureStorageResult<T> {
  return result.ok ? { success: true, data: result.value } : { success: false, error: result.message };
}

function withoutData(result: Result<unknown>): SecureStorageResult {
  return result.ok ? { success: true } : { success: false, error: result.message };
}
