// Another organization's OpenID Connect server, whose people sign in to the Better Auth server here: the social or
// single sign-on provider.
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { Provider } from 'oidc-provider';
import { Loopback } from '../../../__test__/peers/loopback.mjs';

const CLIENT_SECRET = randomBytes(16).toString('hex');

export class CampusServer {
  #loopback;
  #provider;

  /** @param {object} options `redirectUri`: where its one client takes people back */
  static async start(t, { redirectUri }) {
    const server = new CampusServer();
    server.#loopback = await Loopback.start(t, (...exchange) => server.#provider.callback()(...exchange));
    server.#provider = new Provider(server.#loopback.url, {
      clients: [{ client_id: 'better-auth', client_secret: CLIENT_SECRET, redirect_uris: [redirectUri] }],
      conformIdTokenClaims: false,
      jwks: { keys: [{ ...signingKey(), use: 'sig', alg: 'RS256', kid: 'campus' }] },
      cookies: { keys: [randomBytes(32).toString('hex')] },
      features: { devInteractions: { enabled: true } },
      claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name'] },
      findAccount: (_, login) => ({
        accountId: login,
        claims: () => ({ sub: login, name: login, email: `${login}@campus.example`, email_verified: true }),
      }),
    });
    return server;
  }

  /** How Better Auth is told of it. */
  clientOf(providerId) {
    return {
      providerId,
      discoveryUrl: `${this.#loopback.url}/.well-known/openid-configuration`,
      clientId: 'better-auth',
      clientSecret: CLIENT_SECRET,
      scopes: ['openid', 'email', 'profile'],
      pkce: true,
    };
  }
}

function signingKey() {
  return generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ format: 'jwk' });
}
