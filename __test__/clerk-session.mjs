// Sessions on the fake Clerk.
import { openSession } from './auth-server.mjs';
import { ClerkServer, PASSWORD } from './peers/clerk-server.mjs';
import { newVaultOptions, openVault } from './vault-folder.mjs';

export const claimsOf = (token) => JSON.parse(Buffer.from(token.split('.')[1], 'base64url'));

export const passwordOf = ({ email }) => ({ method: 'password', email, password: PASSWORD });

/** A session on an instance of its own, and nobody signed in: `{ server, session, vaultOptions, open }`. */
export async function opened(t, { provider, ...options } = {}) {
  const server = await ClerkServer.start(t, {
    accessTokenSeconds: 60,
    refuseOlderRotations: true,
    ...options,
  });
  let vault;
  t.after(() => vault?.close()); // before its folder goes
  const vaultOptions = await newVaultOptions(t);
  vault = await openVault(t, vaultOptions);
  const open = (more) =>
    openSession(t, server, { vault, provider: { ...server.provider, ...provider }, ...more });
  return { server, session: await open(), vault, vaultOptions, open };
}

/** The same with somebody signed in by password: `person` and `sessionId` too. */
export async function entered(t, { person: fields, ...options } = {}) {
  const at = await opened(t, options);
  const person = at.server.addPerson(fields);
  await at.session.signIn(passwordOf(person));
  const [{ id: sessionId }] = at.server.instance.sessionsOf(person);
  return { ...at, person, sessionId };
}
