/** What the environment says. A shipped app would have all of it built in. */
export interface Settings {
  /** The root of the example's server, from `LATCHKEY_API_URL`. */
  apiUrl: string;
  /** Another directory for the vault, from `LATCHKEY_VAULT_DIR`; undefined for the usual place. */
  vaultDirectory: string | undefined;
  /** How long nobody may be at the computer before the app locks, from `LATCHKEY_IDLE_TIMEOUT_MS`. */
  idleTimeoutMs: number;
  /** From `LATCHKEY_OIDC_ISSUER` and `LATCHKEY_OIDC_CLIENT_ID`; null without both. */
  oidc: { issuer: string; clientId: string; apiUrl: string | null } | null;
  /** From `LATCHKEY_WORKOS_CLIENT_ID`. `url` is an authentication domain of one's own. */
  workos: { clientId: string; url: string | null; apiUrl: string | null } | null;
  /** From `LATCHKEY_CLERK_PUBLISHABLE_KEY`. `url` is a proxy of one's own. */
  clerk: { publishableKey: string; url: string | null; apiUrl: string | null; connections: string[] } | null;
}

type Environment = Record<string, string | undefined>;

const DEFAULT_API_URL = 'http://127.0.0.1:4711';
const DEFAULT_IDLE_TIMEOUT_MS = 15 * 60_000;

/** @throws an Error that names the variable, when one is not as it should be. */
export function readSettings(env: Environment): Settings {
  const issuer = env.LATCHKEY_OIDC_ISSUER;
  const oidcClientId = env.LATCHKEY_OIDC_CLIENT_ID;
  const workosClientId = env.LATCHKEY_WORKOS_CLIENT_ID;
  const publishableKey = env.LATCHKEY_CLERK_PUBLISHABLE_KEY;
  return {
    apiUrl: originOf(url(env, 'LATCHKEY_API_URL') ?? DEFAULT_API_URL),
    vaultDirectory: env.LATCHKEY_VAULT_DIR || undefined,
    idleTimeoutMs: Number(env.LATCHKEY_IDLE_TIMEOUT_MS || DEFAULT_IDLE_TIMEOUT_MS),
    oidc:
      issuer && oidcClientId
        ? { issuer, clientId: oidcClientId, apiUrl: url(env, 'LATCHKEY_OIDC_API_URL') }
        : null,
    workos: workosClientId
      ? {
          clientId: workosClientId,
          url: url(env, 'LATCHKEY_WORKOS_URL'),
          apiUrl: url(env, 'LATCHKEY_WORKOS_API_URL'),
        }
      : null,
    clerk: publishableKey
      ? {
          publishableKey,
          url: url(env, 'LATCHKEY_CLERK_URL'),
          apiUrl: url(env, 'LATCHKEY_CLERK_API_URL'),
          connections: (env.LATCHKEY_CLERK_CONNECTIONS ?? '')
            .split(',')
            .map((name) => name.trim())
            .filter(Boolean),
        }
      : null,
  };
}

export function originOf(address: string): string {
  return new URL(address).origin;
}

function url(env: Environment, name: string): string | null {
  const value = env[name];
  if (!value) return null;
  if (!/^https?:\/\//.test(value)) throw new Error(`${name} must be an http or https URL.`);
  return new URL(value).href;
}
