import type { BrowserWindow } from 'electron';
import type { AuthSession, Vault } from 'electron-latchkey';
import { notify } from '../notify.js';
import type { AuthSnapshot } from '../protocol.js';
import { openAddon } from './addon.js';
import { installHandlers } from './handlers.js';
import { Lifecycle } from './lifecycle.js';
import { type CreateAuthOptions, parseRendererOrigins } from './options.js';
import { createSenderCheck } from './sender.js';
import { createWindowRegistry } from './windows.js';

export interface Auth {
  /** Lets this window's pages (main frame, allowed origin) call and hear events. Call it before the page loads. */
  register(window: BrowserWindow): void;
  snapshot(): AuthSnapshot;
  /** Calls `listener` at each change; returns the call that stops it. */
  onChange(listener: (snapshot: AuthSnapshot) => void): () => void;
  /** The open session; waits while the vault opens, rejects with its problem while it is unavailable. */
  session(): Promise<AuthSession>;
  /** The open vault, for what else the app keeps; rejects as {@link Auth.session} does. */
  vault(): Promise<Vault>;
  /** Opens the vault again after a failure, such as when the person has unlocked the keyring. */
  retry(): Promise<AuthSnapshot>;
  /** Removes the handlers and closes session and vault. The stored session stays. */
  dispose(): Promise<void>;
}

/**
 * Answers pages over IPC and begins to open the vault and the session. Call it once, before the first window.
 *
 * The handlers stand when it returns; calls that need the session wait for it. A vault that cannot be opened
 * is the state `unavailable`, not an exception.
 *
 * @throws `ERR_INVALID_ARGUMENT` when `rendererOrigins` is empty or names something other than origins.
 */
export function createAuth(options: CreateAuthOptions): Auth {
  const origins = parseRendererOrigins(options.rendererOrigins);
  // Taken here and not at the top, so that the module can be loaded where Electron is not.
  const { ipcMain } = require('electron') as typeof import('electron');

  const listeners = new Set<(snapshot: AuthSnapshot) => void>();
  const windows = createWindowRegistry(origins);
  const lifecycle = new Lifecycle(
    () => openAddon(options),
    (snapshot) => {
      windows.broadcast(snapshot);
      for (const listener of [...listeners]) notify(listener, snapshot);
    },
  );
  const removeHandlers = installHandlers(ipcMain, lifecycle, createSenderCheck(windows, origins));
  lifecycle.start();

  return {
    register: (window) => windows.add(window),
    snapshot: () => lifecycle.snapshot(),
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    session: async () => (await lifecycle.opened()).session,
    vault: async () => (await lifecycle.opened()).vault,
    retry: () => lifecycle.retry(),
    async dispose() {
      removeHandlers();
      windows.clear();
      listeners.clear();
      await lifecycle.close();
    },
  };
}
