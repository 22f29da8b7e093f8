import { type Auth, createAuth } from 'electron-latchkey/main';
import { APP_ORIGIN } from './app-scheme';
import { idleTimeoutFromEnvironment, vaultDirectoryFromEnvironment } from './environment';
import { confirmUnlock } from './unlock';

/** Names the app's vault and its entry in the keychain for good: renaming the app loses nothing. */
const VAULT_ID = 'com.example.latchkey';

/** On which the browser comes back to the app. The server's page sends it there. */
const URL_SCHEME = 'com.example.latchkey';

export function startAuth(apiUrl: string): Auth {
  const path = vaultDirectoryFromEnvironment();
  return createAuth({
    vault: path === undefined ? { id: VAULT_ID } : { id: VAULT_ID, path },
    provider: {
      type: 'better-auth',
      baseUrl: `${apiUrl}/api/auth`,
      signInUrl: `${apiUrl}/sign-in`,
      redirectUri: `${URL_SCHEME}://auth/callback`,
    },
    deepLinks: { scheme: URL_SCHEME },
    rendererOrigins: [APP_ORIGIN],
    policy: { idleTimeoutMs: idleTimeoutFromEnvironment(), lockOnScreenLock: true, lockOnSuspend: true },
    onUnlockRequest: confirmUnlock,
  });
}
