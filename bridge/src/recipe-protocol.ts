/**
 * The surface of the published recipe for tokens in Electron: the page stores and reads them itself. For apps that have it.
 *
 * Like page-protocol.ts, a place where tokens cross. Nothing of it is there unless main and the preload script ask for it.
 */

export const RECIPE_CHANNELS = {
  isAvailable: 'latchkey:secure-storage:is-available',
  setToken: 'latchkey:secure-storage:set-token',
  getToken: 'latchkey:secure-storage:get-token',
  deleteToken: 'latchkey:secure-storage:delete-token',
  clearAll: 'latchkey:secure-storage:clear-all',
} as const;

/** What can be stored. Anything else is refused. */
export type TokenName = 'accessToken' | 'refreshToken';

/** The recipe's answer: it never rejects. */
export interface SecureStorageResult<T = undefined> {
  success: boolean;
  /** What was asked for, when there is something. */
  data?: T;
  /** Why it failed: a sentence for a person. */
  error?: string;
}

/** What `exposeSecureStorage()` puts on the page's `window`. */
export interface SecureStorage {
  /** Whether the vault is open, so that tokens can be kept. */
  isAvailable(): Promise<SecureStorageResult<boolean>>;
  /** Stores a token of at most 32,768 characters durably. */
  setToken(key: TokenName, value: string): Promise<SecureStorageResult>;
  /** The token, or null when none was stored. */
  getToken(key: TokenName): Promise<SecureStorageResult<string | null>>;
  /** Deletes it. */
  /** Deletes a token; one that was never stored is deleted, too. */
  deleteToken(key: TokenName): Promise<SecureStorageResult>;
  /** Deletes both. */
  clearAll(): Promise<SecureStorageResult>;
}
