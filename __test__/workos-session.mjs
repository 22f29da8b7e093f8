// Sessions on the WorkOS of peers/workos-server.mjs, signed in as a person does: in the browser.
import { openSession } from './auth-server.mjs';
import { newVaultOptions, openVault } from './vault-folder.mjs';

export { openedAgain } from './peer-session.mjs';

/** A session without anybody: `{ session, vault, vaultOptions }`. */
export async function opened(t, server, options) {
  const vaultOptions = await newVaultOptions(t);
  const vault = await openVault(t, vaultOptions);
  const session = await openSession(t, server, { vault, provider: server.provider, ...options });
  return { session, vault, vaultOptions };
}

/** Begins in the browser, plays the person there, and answers what the callback came to. */
export async function throughBrowser(session, server, request) {
  const { signIn } = await session.signIn({ method: 'browser', ...request });
  const { result } = await session.handleCallback(await server.browse(signIn.url));
  return result;
}

/** A session with somebody new signed in: `{ session, user, vault, vaultOptions }`. */
export async function signedIn(t, server, { user = server.addUser(), ...options } = {}) {
  const app = await opened(t, server, options);
  await throughBrowser(app.session, server, { loginHint: user.email });
  return { ...app, user };
}

/** What the requests for tokens showed, oldest first. */
export function shown(server) {
  return server.requests.filter(({ path }) => path === server.refreshPath).map(({ body }) => body);
}

/** An organization with this member. */
export function organizationOf(server, user, { name = 'Analytical Engines', role = 'member' } = {}) {
  const organization = server.admin.addOrganization(name);
  server.admin.addMember(organization, user, role);
  return organization;
}
