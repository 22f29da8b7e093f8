import type { AuthSession, Vault } from 'electron-latchkey';
import type { Protection } from '../protocol.js';
import { BridgeError } from './failure.js';
import type { CreateAuthOptions } from './options.js';

export interface Opened {
  vault: Vault;
  session: AuthSession;
  protection: Protection;
}

/** Opens the vault, then the session in it. Leaves nothing open when it fails. */
export async function openAddon(options: CreateAuthOptions): Promise<Opened> {
  const addon = loadAddon();
  const vault = await addon.Vault.open(options.vault);
  try {
    const { backend, description, path } = vault.protection();
    const { provider, allowedOrigins, http } = options;
    const session = await addon.AuthSession.open({
      vault,
      provider,
      ...(allowedOrigins === undefined ? {} : { allowedOrigins }),
      ...(http === undefined ? {} : { http }),
    });
    return { vault, session, protection: { backend, description, path } };
  } catch (error) {
    await vault.close().catch(() => undefined); // the first error is the one to tell
    throw error;
  }
}

// Loaded on demand, so that an addon that cannot load is a problem the window can show and not a crash at start.
function loadAddon(): typeof import('electron-latchkey') {
  try {
    return require('electron-latchkey');
  } catch (cause) {
    throw new BridgeError(
      'ERR_ADDON_NOT_LOADED',
      'The native part of electron-latchkey could not be loaded. Install the package again on this platform.',
      { cause },
    );
  }
}
