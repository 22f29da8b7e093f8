// A real OpenID Connect server, oidc-provider, with refresh tokens that are good for one use. One that comes again kills
// the grant: this server knows of every refresh that should not have been sent.
import { generateKeyPairSync, randomBytes, randomUUID } from 'node:crypto';
import { Provider } from 'oidc-provider';
import { bearerOf, Loopback, sendJson } from './loopback.mjs';
import { signInByBrowser } from './oidc-browser.mjs';
import { newStore } from './oidc-store.mjs';

const CLIENT_ID = 'native';

/** One key for all servers of a process: making it takes longer than anything else here. */
const signingKey = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ format: 'jwk' });

export class OidcServer {
  /**
   * Refreshes as the token endpoint saw them. `reuses` counts refresh tokens that were shown a second time: one of them
   * and the session is over.
   */
  counts = { refreshes: 0, granted: 0, invalidGrants: 0, reuses: 0, revocations: 0 };
  /** When each refresh was granted. */
  grantedAtMs = [];
  #options;
  #loopback;
  #provider;
  #grantIds = new Map();
  #shown = new Set();

  /**
   * @param {import('node:test').TestContext} t it is gone when this test ends
   * @param {object} [options]
   * @param {number} [options.accessTokenSeconds] default 3. The provider counts whole seconds of its clock: a token lives up
   *   to a second shorter than it says.
   * @param {boolean} [options.singleUse] default true; otherwise a refresh token stays good, and the answer holds it again
   * @param {import('./fault-proxy.mjs').FaultProxy} [options.behind] its clients come through this proxy
   */
  static async start(t, options = {}) {
    const server = new OidcServer(options);
    server.#loopback = await Loopback.start(t, (request, response) => server.#handle(request, response));
    options.behind?.forwardTo(server.#loopback.url);
    server.#provider = server.#newProvider();
    return server;
  }

  constructor({ accessTokenSeconds = 3, singleUse = true, behind }) {
    this.#options = { accessTokenSeconds, singleUse, behind };
  }

  /** Where its clients find it; the issuer. */
  get url() {
    return (this.#options.behind ?? this.#loopback).url;
  }

  /** The options that make a session of this server's. */
  get provider() {
    const { singleUse } = this.#options;
    return { type: 'oidc', issuer: this.url, clientId: CLIENT_ID, refreshTokenReuse: !singleUse };
  }

  get refreshPath() {
    return '/token';
  }

  get resource() {
    return `${this.url}/resource`;
  }

  /** Signs somebody in by the browser: `{ accessToken, refreshToken, expiresInMs, idToken, user }`. */
  async signIn(login = `person-${randomUUID()}`) {
    const answer = await signInByBrowser({ issuer: this.url, clientId: CLIENT_ID, login });
    const { grantId } = await this.#provider.RefreshToken.find(answer.refresh_token);
    this.#grantIds.set(answer.refresh_token, grantId);
    const { sub: id, email, name, email_verified: emailVerified } = claimsOf(login);
    return {
      accessToken: answer.access_token,
      refreshToken: answer.refresh_token,
      expiresInMs: answer.expires_in * 1000,
      idToken: answer.id_token,
      user: { id, email, name, image: null, emailVerified },
    };
  }

  /** Signs somebody new in to this session of the package's; answers who, for `isAlive`. */
  async enter(session) {
    const person = await this.signIn();
    const { accessToken, refreshToken, expiresInMs, user } = person;
    await session.signIn({ method: 'tokens', accessToken, refreshToken, expiresInMs, user });
    return person;
  }

  /** Whether the grant of these tokens of `signIn` stands, whatever has become of the tokens. */
  async isAlive({ refreshToken }) {
    return (await this.#provider.Grant.find(this.#grantIds.get(refreshToken))) !== undefined;
  }

  /** Ends the grant of these tokens of `signIn`, as an administrator does. */
  async revoke({ refreshToken }) {
    const grantId = this.#grantIds.get(refreshToken);
    const { AccessToken, RefreshToken, Grant } = this.#provider;
    await Promise.all([AccessToken.revokeByGrantId(grantId), RefreshToken.revokeByGrantId(grantId)]);
    await (await Grant.find(grantId))?.destroy();
  }

  #newProvider() {
    const { accessTokenSeconds, singleUse } = this.#options;
    const provider = new Provider(this.url, {
      adapter: newStore(),
      clients: [
        {
          client_id: CLIENT_ID,
          application_type: 'native',
          token_endpoint_auth_method: 'none',
          redirect_uris: ['http://127.0.0.1/cb'],
          grant_types: ['authorization_code', 'refresh_token'],
          response_types: ['code'],
        },
      ],
      jwks: { keys: [{ ...signingKey, use: 'sig', alg: 'RS256', kid: 'test' }] },
      cookies: { keys: [randomBytes(32).toString('hex')] },
      clockTolerance: 0,
      rotateRefreshToken: singleUse,
      ttl: {
        AccessToken: accessTokenSeconds,
        AuthorizationCode: 60,
        Grant: 86_400,
        IdToken: 3600,
        Interaction: 600,
        RefreshToken: 86_400,
        Session: 86_400,
      },
      features: { devInteractions: { enabled: true }, revocation: { enabled: true } },
      claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name'] },
      findAccount: (_, login) => ({ accountId: login, claims: () => claimsOf(login) }),
    });
    provider.use((ctx, next) => this.#count(ctx, next));
    return provider;
  }

  async #count(ctx, next) {
    await next();
    if (ctx.oidc?.route === 'revocation') this.counts.revocations++;
    const { grant_type, refresh_token } = ctx.oidc?.params ?? {};
    if (ctx.oidc?.route !== 'token' || grant_type !== 'refresh_token') return;
    this.counts.refreshes++;
    if (ctx.status === 200) {
      this.counts.granted++;
      this.grantedAtMs.push(Date.now());
    }
    if (ctx.body?.error === 'invalid_grant') this.counts.invalidGrants++;
    // Counted here and not by the provider's answer: two at the very same time may both be granted.
    if (this.#options.singleUse && this.#shown.has(refresh_token)) this.counts.reuses++;
    this.#shown.add(refresh_token);
  }

  async #handle(request, response) {
    if (request.url !== '/resource') return this.#provider.callback()(request, response);
    const token = await this.#provider.AccessToken.find(bearerOf(request));
    if (!token?.isValid) return sendJson(response, 401, { error: 'invalid_token' });
    return sendJson(response, 200, { user: claimsOf(token.accountId) });
  }
}

function claimsOf(login) {
  return { sub: login, name: login, email: `${login}@example.com`, email_verified: true };
}
