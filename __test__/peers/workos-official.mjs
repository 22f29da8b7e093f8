// The vendor's own client, `@workos/authkit-electron` 0.1.2: its session manager with the collaborators that its
// `createAuthKit` gives it, on a server of the test's. Only what Electron would do is done here: the browser is the
// test's, and the store (electron-store sealed by safeStorage) is in memory.
import { AuthKitCore, AuthOperations, sessionEncryption } from '@workos/authkit-session';
import { createWorkOS } from '@workos-inc/node';
import { toAuthKitConfig } from '../../node_modules/@workos/authkit-electron/dist/main/config.js';
import { createSessionManager } from '../../node_modules/@workos/authkit-electron/dist/main/session-manager.js';

/**
 * @param {{ url: string, provider: { clientId: string, redirectUri: string } }} server
 * @returns its session manager, what it has stored, and each URL that it has sent the browser to
 */
export function officialClient(server) {
  const { clientId, redirectUri } = server.provider;
  const { hostname, port } = new URL(server.url);
  const config = toAuthKitConfig({ clientId, redirectUri }, 'a password for the state, 32 characters');
  const client = createWorkOS({ clientId, apiHostname: hostname, port: Number(port), https: false });
  const core = new AuthKitCore(config, client, sessionEncryption);
  const storage = newStorage();
  const opened = [];
  const ceremony = {
    open: async (url) => void opened.push(url),
    endSession: async (url) => void opened.push(url),
  };
  const operations = new AuthOperations(core, client, config, sessionEncryption);
  const manager = createSessionManager({ core, operations, storage, client, clientId, ceremony });
  return { manager, client, storage, opened };
}

/** Signs in through the browser that `browse` plays. */
export async function signInOfficially({ manager, opened }, browse, options) {
  await manager.beginSignIn(options);
  const callback = new URL(await browse(opened.at(-1)));
  return manager.completeCallback(callback.searchParams.get('code'), callback.searchParams.get('state'));
}

function newStorage() {
  let session = null;
  const verifiers = new Map();
  return {
    getSession: () => session,
    setSession: (value) => {
      session = value;
    },
    clearSession: () => {
      session = null;
    },
    setPendingVerifier: (key, value) => void verifiers.set(key, value),
    takePendingVerifier: (key) => {
      const value = verifiers.get(key) ?? null;
      verifiers.delete(key);
      return value;
    },
  };
}
