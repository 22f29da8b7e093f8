import { describe, expect, it } from 'vitest';
import { readSettings } from './environment';
import { configuredProviders } from './providers';

const ALL = {
  LATCHKEY_OIDC_ISSUER: 'https://login.example.com',
  LATCHKEY_OIDC_CLIENT_ID: 'desktop',
  LATCHKEY_OIDC_API_URL: 'https://api.example.com/me',
  LATCHKEY_WORKOS_CLIENT_ID: 'client_1',
  LATCHKEY_CLERK_PUBLISHABLE_KEY: 'pk_test_x',
  LATCHKEY_VAULT_DIR: '/vaults/app',
};

const providersOf = (env: Record<string, string>) => configuredProviders(readSettings(env));

describe('the providers', () => {
  it('are Better Auth alone by default', () => {
    expect(providersOf({}).map(({ info }) => info.id)).toEqual(['better-auth']);
  });

  it('have a vault each, and Better Auth the one that was there before', () => {
    const vaults = providersOf(ALL).map(({ options }) => options.vault);
    expect(vaults[0]).toEqual({ id: 'com.example.latchkey', path: '/vaults/app' });
    expect(new Set(vaults.map(({ id }) => id)).size).toBe(4);
    expect(new Set(vaults.map(({ path }) => path)).size).toBe(4);
  });

  it('give the token to the API that is named, and to no other', () => {
    const [betterAuth, oidc, workos] = providersOf(ALL);
    expect(betterAuth?.options.allowedOrigins).toEqual(['http://127.0.0.1:4711']);
    expect(oidc?.options.allowedOrigins).toEqual(['https://api.example.com']);
    expect(workos?.options.allowedOrigins).toBeUndefined();
  });

  it('offer the browser at Clerk only with a social provider to go to', () => {
    const ways = (env: Record<string, string>) => providersOf(env).at(-1)?.info.ways;
    expect(ways(ALL)).not.toContain('browser');
    expect(ways({ ...ALL, LATCHKEY_CLERK_CONNECTIONS: 'google' })).toContain('browser');
  });

  it('tell the page names, ways and an address, and nothing else', () => {
    for (const { info } of providersOf(ALL))
      expect(Object.keys(info).sort()).toEqual(['apiUrl', 'connections', 'id', 'trustsDevices', 'ways']);
  });
});
