// Looks into the vault that an app left behind, with the addon and the keyring that the app used.
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { AuthSession, Vault } from 'electron-latchkey';
import { VAULT_ID } from './app.mjs';

/** The session token in the vault, or null when it holds none. The app must have quit. */
export async function storedToken(path, apiUrl) {
  const vault = await Vault.open({ id: VAULT_ID, path });
  try {
    const session = await AuthSession.open({
      vault,
      provider: { type: 'better-auth', baseUrl: `${apiUrl}/api/auth` },
    });
    try {
      return await session.accessToken();
    } catch (error) {
      if (error.code === 'ERR_NOT_SIGNED_IN') return null;
      throw error;
    } finally {
      await session.close();
    }
  } finally {
    await vault.close();
  }
}

/** All bytes of the vault's files. */
export async function sealedBytes(path) {
  const names = await readdir(path);
  return Buffer.concat(await Promise.all(names.map((name) => readFile(join(path, name)))));
}
