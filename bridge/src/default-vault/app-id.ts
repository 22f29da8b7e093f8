import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { BridgeError } from '../main/failure.js';

/**
 * The vault id of this app: `name` of its package.json, with `@scope/name` as `scope.name`.
 *
 * Throws `ERR_INVALID_ARGUMENT` where there is no such name: outside Electron, or without a package.json.
 */
export function appVaultId(): string {
  const app = electronApp();
  if (app === null) {
    throw unnamed('electron-latchkey/store and safe-storage know the app by Electron, which is not here.');
  }
  const name = packageName(app.getAppPath());
  // npm's own rule for names of packages, without the letters that a vault id does not take.
  const [, scope, bare] = /^(?:@([a-z0-9._-]+)\/)?([a-z0-9_-][a-z0-9._-]*)$/i.exec(name ?? '') ?? [];
  if (bare === undefined) {
    throw unnamed(
      "The app's package.json has no name that can name a vault, such as 'my-app' or '@my-company/my-app'.",
    );
  }
  return scope === undefined ? bare : `${scope}.${bare}`;
}

/** Throws `ERR_WRONG_PROCESS` in a page, a preload script, a worker and a utility process: the addon serves main, and Node. */
export function requireMainProcess(): void {
  const { type } = process as { type?: string };
  if (type === undefined || type === 'browser') return;
  throw new BridgeError(
    'ERR_WRONG_PROCESS',
    `electron-latchkey was used in a '${type}' process. Use it in Electron's main process, and give pages what they need over IPC.`,
  );
}

/** Electron's `app`; null in plain Node, where requiring `electron` would download it. */
export function electronApp(): import('electron').App | null {
  const { type } = process as { type?: string };
  if (type === undefined) return null;
  const electron: Partial<typeof import('electron')> = require('electron');
  return electron.app ?? null;
}

function packageName(folder: string): string | null {
  try {
    const { name } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
    return typeof name === 'string' ? name : null;
  } catch {
    return null;
  }
}

function unnamed(why: string): BridgeError {
  return new BridgeError(
    'ERR_INVALID_ARGUMENT',
    `${why} Name the vault: configure({ id: 'com.example.app' }) of electron-latchkey/default-vault, before first use.`,
  );
}
