// What an app has in its main process, beside what a block of the documents declares itself.
import type * as electron from 'electron';
import type { AuthSession, AuthSessionOptions, ImportSource, Vault } from 'electron-latchkey';
import type { Auth, CreateAuthOptions } from 'electron-latchkey/main';

declare global {
  const app: typeof electron.app;
  const dialog: typeof electron.dialog;
  const ipcMain: typeof electron.ipcMain;
  const systemPreferences: typeof electron.systemPreferences;
  /** A window of the app, before it loads its page. */
  const window: electron.BrowserWindow;
  function createWindow(): void;
  /** What `createAuth()` returned. */
  const auth: Auth;
  /** What it was given. */
  const options: CreateAuthOptions;
  const session: AuthSession;
  const vault: Vault;
  const sources: ImportSource[];
  const provider: AuthSessionOptions['provider'];
  const issuer: string;
  const clientId: string;
  const passphrase: string;
  const accessToken: string;
  const refreshToken: string;
  const user: { id: string };
  const database: { close(): Promise<void> };
  const file: { write(piece: Uint8Array): void };
  /** Where the tokens of `custom` come from. */
  const broker: {
    token(request: {
      interactive: boolean;
      account: string | undefined;
    }): Promise<{ value: string; expiresAtMs: number; user: { id: string } } | null>;
  };
  function verify(accessToken: string | null): Promise<{ id: string }>;
  function addNote(user: { id: string }, text: unknown): Promise<void>;
}
