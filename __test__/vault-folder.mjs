// Folders and vaults that are gone when their test ends.
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Vault } from './addon.mjs';

/** An empty folder. */
export async function emptyFolder(t) {
  const folder = await mkdtemp(path.join(tmpdir(), 'latchkey-addon-'));
  // What still ends may write meanwhile.
  t.after(() => rm(folder, { recursive: true, force: true, maxRetries: 10 }));
  return folder;
}

/** Options of a vault that nobody else has: a folder, and a key, of its own. */
export async function newVaultOptions(t) {
  return { id: `test.latchkey.${randomUUID()}`, path: path.join(await emptyFolder(t), 'vault') };
}

/** Opens a vault that is closed when the test ends. */
export async function openVault(t, options) {
  const vault = await Vault.open(options ?? (await newVaultOptions(t)));
  t.after(() => vault.close());
  return vault;
}
