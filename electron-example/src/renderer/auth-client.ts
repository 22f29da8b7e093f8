import { twoFactorClient } from 'better-auth/client/plugins';
import { createAuthClient } from 'better-auth/vue';
import { createAuthFetch } from 'electron-latchkey/renderer';

/**
 * The official Better Auth client. The one line that differs from a web page is `customFetchImpl`:
 * requests leave through the main process, which adds the token and keeps those in the answers.
 */
export function makeAuthClient(apiUrl: string = window.latchkeyExample.apiUrl) {
  return createAuthClient({
    baseURL: apiUrl,
    plugins: [twoFactorClient()],
    fetchOptions: { customFetchImpl: createAuthFetch() },
  });
}
