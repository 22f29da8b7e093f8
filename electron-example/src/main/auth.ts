import { type Auth, createAuth } from 'electron-latchkey/main';
import { APP_ORIGIN } from './app-scheme';
import { idleTimeoutFromEnvironment, vaultDirectoryFromEnvironment } from './environment';
import { confirmUnlock } from './unlock';

/** Names the app's vault and its entry in the keychain for good: renaming the app loses nothing. */
const VAULT_ID = 'com.example.latchkey';

export function startAuth(apiUrl: string): Auth {
  const path = vaultDirectoryFromEnvironment();
  return createAuth({
    vault: path === undefined ? { id: VAULT_ID } : { id: VAULT_ID, path },
    provider: { type: 'better-auth', baseUrl: `${apiUrl}/api/auth` },
    rendererOrigins: [APP_ORIGIN],
    policy: { idleTimeoutMs: idleTimeoutFromEnvironment(), lockOnScreenLock: true, lockOnSuspend: true },
    onUnlockRequest: confirmUnlock,
  });
}
