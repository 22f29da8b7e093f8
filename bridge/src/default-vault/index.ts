/**
 * `electron-latchkey/default-vault`: the vault that the drop-ins share, one in a process.
 *
 * `electron-latchkey/store` and `electron-latchkey/safe-storage` open it on first use, by an id that comes from the `name`
 * in the app's package.json. The display name plays no part: renaming the app moves nothing.
 */
import type { SyncVault, VaultOptions } from 'electron-latchkey';
import { loadAddon } from '../main/addon.js';
import { BridgeError } from '../main/failure.js';
import { appVaultId, requireMainProcess } from './app-id.js';

export type { SyncVault, VaultOptions } from 'electron-latchkey';

/** As for `Vault.open`; the id may be left to the app's package.json. */
export type DefaultVaultOptions = Partial<VaultOptions>;

let configured: DefaultVaultOptions = {};
/** By folder; the default vault's own stands under null. */
const open = new Map<string | null, SyncVault>();

/**
 * Says how the default vault is opened. Call it before the first `Store` or the first call of `safeStorage`: in a file of its
 * own that main imports first, where stores are made while modules load.
 *
 * Throws `ERR_INVALID_ARGUMENT` when the vault is open already. What the options hold is checked when it is opened.
 */
export function configure(options: DefaultVaultOptions): void {
  if (typeof options !== 'object' || options === null) {
    throw new BridgeError('ERR_INVALID_ARGUMENT', 'options must be an object.');
  }
  if (open.size > 0) {
    throw new BridgeError(
      'ERR_INVALID_ARGUMENT',
      'The default vault is open already. Call configure() before the first Store and the first call of safeStorage.',
    );
  }
  configured = { ...options };
}

/**
 * The open default vault. The first call opens it, and blocks while the keychain answers: milliseconds, or until the person
 * has unlocked it, at most `keychainTimeoutMs`. A failure is not kept: the next call tries again.
 *
 * `folder`: instead of the default folder, for a `Store` with a `cwd` outside the app's own. It is a vault of its own, with
 * the same id.
 *
 * Throws what `Vault.open` rejects with, and `ERR_ADDON_NOT_LOADED`.
 */
export function defaultVault(folder: string | null = null): SyncVault {
  const opened = open.get(folder);
  if (opened !== undefined) return opened;
  requireMainProcess();
  const id = configured.id ?? appVaultId();
  const vault = loadAddon().SyncVault.open({
    ...configured,
    id,
    ...(folder === null ? {} : { path: folder }),
  });
  open.set(folder, vault);
  return vault;
}

/** Closes what is open, and wipes it from memory. The next use opens it again; a `Store` that was made before throws. */
export function close(): void {
  for (const vault of open.values()) vault.close();
  open.clear();
}
