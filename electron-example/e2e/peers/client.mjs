// The official client as a page runs it, unchanged, over the session's fetch.
import { createAuthClient } from 'better-auth/client';
import { twoFactorClient, usernameClient } from 'better-auth/client/plugins';

/** @param {(request: Request) => Promise<Response>} fetch what the page's `createAuthFetch` is */
export function officialClient(baseURL, fetch) {
  return createAuthClient({
    baseURL,
    basePath: '/api/auth',
    fetchOptions: { customFetchImpl: (input, init) => fetch(new Request(input, init)) },
    plugins: [twoFactorClient(), usernameClient()],
  });
}
