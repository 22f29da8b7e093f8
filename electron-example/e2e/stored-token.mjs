// node stored-token.mjs <vault directory> <server>: prints the session token as JSON. A process of its own, because the
// keyring is found by the environment that a process was started with.
import { AuthSession, Vault } from 'electron-latchkey';

/** The app's, see src/main/auth.ts. */
const VAULT_ID = 'com.example.latchkey';

const [path, apiUrl] = process.argv.slice(2);
const vault = await Vault.open({ id: VAULT_ID, path });
const session = await AuthSession.open({
  vault,
  account: 'first',
  provider: { type: 'better-auth', baseUrl: `${apiUrl}/api/auth` },
});
const token = await session.accessToken().catch((error) => {
  if (error.code === 'ERR_NOT_SIGNED_IN') return null;
  throw error;
});
await session.close();
await vault.close();
console.log(JSON.stringify(token));
