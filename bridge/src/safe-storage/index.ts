/**
 * `electron-latchkey/safe-storage`: Electron's `safeStorage`, under the same names, over the default vault.
 *
 * It works before `ready`. It authenticates what it encrypts, and has no weak form to fall back to: where there is no keyring it
 * throws. What Electron encrypted is read too, with `shouldReEncrypt: true`.
 */
import { join } from 'node:path';
import type { SafeStorage as Sealer, SyncVault, Vault } from 'electron-latchkey';
import { electronApp } from '../default-vault/app-id.js';
import { defaultVault } from '../default-vault/index.js';
import { loadAddon } from '../main/addon.js';
import { BridgeError } from '../main/failure.js';

/** The names and shapes of Electron's `safeStorage`. */
export interface SafeStorage {
  /** Whether the vault is open, or can be opened. Opens it, which blocks while the keychain answers. */
  isEncryptionAvailable(): boolean;
  /**
   * Encrypts a string: differently each time.
   *
   * Throws what opening the vault throws; `ERR_INVALID_ARGUMENT`, `ERR_VAULT_CLOSED`, `ERR_VAULT_BUSY`, `ERR_VAULT_IO`,
   * `ERR_VAULT_TAMPERED`, `ERR_VAULT_CORRUPT`.
   */
  encryptString(plainText: string): Buffer;
  /**
   * Decrypts what `encryptString`, or Electron's, made.
   *
   * Throws `ERR_DECRYPTION_FAILED`, the keychain's errors where Electron's key is needed, and as `encryptString` does.
   */
  decryptString(encrypted: Buffer): string;
  /** As `isEncryptionAvailable`. */
  isAsyncEncryptionAvailable(): Promise<boolean>;
  /** As `encryptString`, off the main thread once the vault is open. */
  encryptStringAsync(plainText: string): Promise<Buffer>;
  /**
   * As `decryptString`, off the main thread once the vault is open. `shouldReEncrypt`: encrypting the string anew makes it
   * safer, because Electron encrypted it, or a key from before the vault's was rotated.
   */
  decryptStringAsync(encrypted: Buffer): Promise<{ result: string; shouldReEncrypt: boolean }>;
  /**
   * `gnome_libsecret` on Linux, for any Secret Service; `unknown` elsewhere and where the vault does not open. Never
   * `basic_text`. What protects the vault in truth is told by `protection()`.
   */
  getSelectedStorageBackend(): 'gnome_libsecret' | 'unknown';
  /** Refused: throws `ERR_INVALID_ARGUMENT` for `true`, since nothing here is ever stored in plain text. */
  setUsePlainTextEncryption(usePlainText: boolean): void;
}

/** Which vault seals, and what of Electron's is still read. */
export interface SafeStorageOptions {
  /** The vault that has the key. Default: the default vault, opened on first use. */
  vault?: Vault | SyncVault;
  /**
   * The name under which Electron's `safeStorage` encrypted, where that is not `app.getName()` any more. `null`: what Electron
   * encrypted is refused. Choose that once everything was encrypted anew: Electron's ciphertexts carry no authentication, so
   * whoever can write to the app's files could forge one.
   */
  app?: string | null;
}

/** The drop-in for Electron's `safeStorage`. */
export const safeStorage: SafeStorage = safeStorageOver();

/** `safeStorage` over another vault, or with other options. */
export function safeStorageOver(options: SafeStorageOptions = {}): SafeStorage {
  let current: { vault: Vault | SyncVault; sealer: Sealer } | null = null;

  function sealer(): Sealer {
    // The default vault may have been closed and opened anew.
    const vault = options.vault ?? defaultVault();
    if (current?.vault !== vault)
      current = { vault, sealer: loadAddon().SafeStorage.over({ vault, ...electron(options.app) }) };
    return current.sealer;
  }

  function isAvailable(): boolean {
    try {
      sealer();
      return true;
    } catch {
      return false;
    }
  }

  const made = {
    isEncryptionAvailable: isAvailable,
    encryptString: (plainText: string) => sealer().encryptString(plainText),
    decryptString: (encrypted: Buffer) => sealer().decryptString(encrypted).result,
    isAsyncEncryptionAvailable: async () => isAvailable(),
    encryptStringAsync: async (plainText: string) => sealer().encryptStringAsync(plainText),
    decryptStringAsync: async (encrypted: Buffer) => sealer().decryptStringAsync(encrypted),
    getSelectedStorageBackend: () => {
      const backend = isAvailable() ? current?.vault.protection().backend : undefined;
      return backend === 'secret-service' ? 'gnome_libsecret' : 'unknown';
    },
    setUsePlainTextEncryption: (usePlainText: boolean) => {
      if (!usePlainText) return;
      throw new BridgeError(
        'ERR_INVALID_ARGUMENT',
        'Latchkey never encrypts with a key that is no secret. Where there is no keyring, give the vault a passphrase: configure({ keychain: { passphrase } }) of electron-latchkey/default-vault.',
      );
    },
  } satisfies SafeStorage & import('electron').SafeStorage;
  return made;
}

/** Whose ciphertexts are read beside our own. */
function electron(named: string | null | undefined): { app?: string; localState?: string } {
  if (named === null) return {};
  // In plain Node the package `electron` is another thing, which fetches programs.
  const app = process.versions.electron === undefined ? null : electronApp();
  const name = named ?? app?.getName();
  if (name === undefined) return {};
  return {
    app: name,
    ...(app === null ? {} : { localState: join(app.getPath('userData'), 'Local State') }),
  };
}
