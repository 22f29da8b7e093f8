// Sessions on the real OpenID Connect server, signed in by a browser that a script plays.
import assert from 'node:assert/strict';
import { openSession } from './auth-server.mjs';
import { Browser } from './peers/oidc-browser.mjs';
import { CALLBACK, OidcServer } from './peers/oidc-server.mjs';
import { newVaultOptions, openVault } from './vault-folder.mjs';

export { CALLBACK };

/** What the server says of this person. */
export const userOf = (login) => ({
  id: login,
  email: `${login}@example.com`,
  name: login,
  image: null,
  emailVerified: true,
});

/**
 * A server, and a session on it that the browser comes back to by a private scheme: `{ server, session, vaultOptions }`.
 * `provider`: further options of the provider's.
 */
export async function openOidc(t, { provider, ...options } = {}) {
  const server = await OidcServer.start(t, { accessTokenSeconds: 300, ...options });
  const vaultOptions = await newVaultOptions(t);
  const open = async () =>
    openSession(t, server, {
      vault: await openVault(t, vaultOptions),
      provider: { ...server.provider, redirectUri: CALLBACK, ...provider },
    });
  return { server, session: await open(), open };
}

/** Begins a sign-in in the browser, which waits then. */
export async function begin(session, request) {
  const begun = await session.signIn({ method: 'browser', ...request });
  assert.equal(begun.status, 'pending');
  assert.equal(begun.signIn.awaits, 'browser');
  return begun.signIn;
}

/** Signs this person in, in a browser that is new unless one is given; answers who. */
export async function signInBy(session, login, { browser = new Browser(), request, ...person } = {}) {
  const pending = await begin(session, request);
  const callback = await browser.visit(pending.url, { login, ...person });
  const { result } = await session.handleCallback(callback.href);
  assert.equal(result.status, 'complete');
  return result.user;
}
