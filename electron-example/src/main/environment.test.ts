import { describe, expect, it } from 'vitest';
import { readSettings } from './environment';

describe('the settings', () => {
  it('are the example’s own without any', () => {
    expect(readSettings({})).toEqual({
      apiUrl: 'http://127.0.0.1:4711',
      vaultDirectory: undefined,
      idleTimeoutMs: 15 * 60_000,
      oidc: null,
      workos: null,
      clerk: null,
    });
  });

  it('take the origin of the server’s address', () => {
    expect(readSettings({ LATCHKEY_API_URL: 'https://api.example.com/any' }).apiUrl).toBe(
      'https://api.example.com',
    );
  });

  it.each(['LATCHKEY_API_URL', 'LATCHKEY_OIDC_API_URL'])('name %s when it is no web address', (name) => {
    const env = { LATCHKEY_OIDC_ISSUER: 'https://a.example', LATCHKEY_OIDC_CLIENT_ID: 'c' };
    expect(() => readSettings({ ...env, [name]: 'file:///etc/passwd' })).toThrow(name);
  });

  it('have an OpenID provider when issuer and client are there, and none with one of them', () => {
    const env = { LATCHKEY_OIDC_ISSUER: 'https://login.example.com', LATCHKEY_OIDC_CLIENT_ID: 'desktop' };
    expect(readSettings(env).oidc).toEqual({
      issuer: 'https://login.example.com',
      clientId: 'desktop',
      apiUrl: null,
    });
    expect(readSettings({ ...env, LATCHKEY_OIDC_CLIENT_ID: '' }).oidc).toBeNull();
  });

  it('have Clerk’s social providers as a list', () => {
    const env = {
      LATCHKEY_CLERK_PUBLISHABLE_KEY: 'pk_test_x',
      LATCHKEY_CLERK_CONNECTIONS: 'google, github,',
    };
    expect(readSettings(env).clerk?.connections).toEqual(['google', 'github']);
  });
});
