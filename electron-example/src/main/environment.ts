const DEFAULT_API_URL = 'http://127.0.0.1:4711';
const DEFAULT_IDLE_TIMEOUT_MS = 15 * 60_000;

/** The server's root from `LATCHKEY_API_URL`. A shipped app would have it built in. */
export function apiUrlFromEnvironment(): string {
  const url = new URL(process.env.LATCHKEY_API_URL || DEFAULT_API_URL);
  if (url.protocol !== 'https:' && url.protocol !== 'http:') {
    throw new Error('LATCHKEY_API_URL must be an http or https URL.');
  }
  return url.origin;
}

/** Another directory for the vault, from `LATCHKEY_VAULT_DIR`; undefined for the usual place. */
export function vaultDirectoryFromEnvironment(): string | undefined {
  return process.env.LATCHKEY_VAULT_DIR || undefined;
}

/** How long nobody may be at the computer before the app locks, from `LATCHKEY_IDLE_TIMEOUT_MS`. */
export function idleTimeoutFromEnvironment(): number {
  const value = process.env.LATCHKEY_IDLE_TIMEOUT_MS;
  return value ? Number(value) : DEFAULT_IDLE_TIMEOUT_MS;
}
