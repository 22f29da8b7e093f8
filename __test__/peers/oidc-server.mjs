// A real OpenID Connect server, oidc-provider, with refresh tokens that are good for one use. One that comes again kills
// the grant: this server knows of every refresh that should not have been sent.
import { generateKeyPairSync, randomBytes, randomUUID } from 'node:crypto';
import { Provider } from 'oidc-provider';
import { RESOURCE_NONCE, whyRefused } from './dpop-resource.mjs';
import { bearerOf, Loopback, sendJson } from './loopback.mjs';
import { signInByBrowser } from './oidc-browser.mjs';
import { newStore } from './oidc-store.mjs';

const CLIENT_ID = 'native';
/** Where the browser goes when it has signed in, or out: addresses of a private scheme, which the system gives to an app. */
export const CALLBACK = 'com.example.app:/callback';
/** That of the example. */
const EXAMPLE_CALLBACK = 'com.example.latchkey:/callback';
export const SIGNED_OUT = 'com.example.app:/signed-out';

/** One key for all servers of a process: making it takes longer than anything else here. */
const signingKey = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ format: 'jwk' });

export class OidcServer {
  /**
   * Refreshes as the token endpoint saw them. `reuses` counts refresh tokens that were shown a second time: one of them
   * and the session is over.
   */
  counts = { refreshes: 0, granted: 0, invalidGrants: 0, reuses: 0, revocations: 0 };
  /** Of each request to an endpoint: `{ route, params, dpop, status, error }`. */
  requests = [];
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
   * @param {boolean | 'required'} [options.push] whether sign-ins may or must be announced (RFC 9126); default false
   * @param {boolean} [options.nonces] whether each proof must have a nonce of the server's (RFC 9449); default false
   */
  static async start(t, options = {}) {
    const server = new OidcServer(options);
    server.#loopback = await Loopback.start(t, (request, response) => server.#handle(request, response));
    options.behind?.forwardTo(server.#loopback.url);
    server.#provider = server.#newProvider();
    return server;
  }

  constructor({ accessTokenSeconds = 3, singleUse = true, behind, push = false, nonces = false }) {
    this.#options = { accessTokenSeconds, singleUse, behind, push, nonces };
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
    await this.endGrant(this.#grantIds.get(refreshToken));
  }

  /** The grants that were given, newest last. */
  grants = [];

  /** Whether this one stands. */
  async stands(grantId) {
    return (await this.#provider.Grant.find(grantId)) !== undefined;
  }

  /** Ends a grant, as an administrator does. */
  async endGrant(grantId) {
    const { AccessToken, RefreshToken, Grant } = this.#provider;
    await Promise.all([AccessToken.revokeByGrantId(grantId), RefreshToken.revokeByGrantId(grantId)]);
    await (await Grant.find(grantId))?.destroy();
  }

  #newProvider() {
    const { accessTokenSeconds, singleUse, push, nonces } = this.#options;
    const provider = new Provider(this.url, {
      adapter: newStore(),
      clients: [
        {
          client_id: CLIENT_ID,
          application_type: 'native',
          token_endpoint_auth_method: 'none',
          redirect_uris: ['http://127.0.0.1/cb', 'http://127.0.0.1/callback', CALLBACK, EXAMPLE_CALLBACK],
          post_logout_redirect_uris: [SIGNED_OUT],
          grant_types: [
            'authorization_code',
            'refresh_token',
            'urn:ietf:params:oauth:grant-type:device_code',
          ],
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
      features: {
        devInteractions: { enabled: true },
        revocation: { enabled: true },
        deviceFlow: { enabled: true },
        rpInitiatedLogout: { enabled: true },
        dPoP: { enabled: true, nonceSecret: randomBytes(32), requireNonce: () => nonces },
        pushedAuthorizationRequests: {
          enabled: push !== false,
          requirePushedAuthorizationRequests: push === 'required',
        },
      },
      acrValues: ['gold'],
      claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name'] },
      findAccount: (_, login) => ({ accountId: login, claims: () => claimsOf(login) }),
    });
    provider.use((ctx, next) => this.#count(ctx, next));
    provider.on('grant.success', (ctx) => this.grants.push(ctx.oidc.entities.Grant?.jti));
    return provider;
  }

  async #count(ctx, next) {
    await next();
    if (ctx.oidc?.route) {
      const { route, params } = ctx.oidc;
      const { status, body } = ctx;
      this.requests.push({
        route,
        params,
        dpop: ctx.get('dpop') || null,
        status,
        error: body?.error ?? null,
      });
    }
    if (ctx.oidc?.route === 'revocation') this.counts.revocations++;
    const { grant_type, refresh_token } = ctx.oidc?.params ?? {};
    if (ctx.oidc?.route !== 'token' || grant_type !== 'refresh_token') return;
    // It did not look at the token: it only wants another proof.
    if (ctx.body?.error === 'use_dpop_nonce') return;
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

  /** A page of the server's own, where people prove who they are so strongly that it says so. */
  async #prove(request, response) {
    const { login, 'x-acr': acr } = request.headers;
    await this.#provider.interactionFinished(request, response, { login: { accountId: login, acr } });
  }

  async #handle(request, response) {
    if (request.headers['x-acr'] !== undefined) return this.#prove(request, response);
    if (request.url !== '/resource') return this.#provider.callback()(request, response);
    const shown = /^dpop (.+)$/i.exec(request.headers.authorization ?? '')?.[1] ?? bearerOf(request);
    const token = await this.#provider.AccessToken.find(shown);
    if (!token?.isValid) return sendJson(response, 401, { error: 'invalid_token' });
    if (token.jkt !== undefined) {
      const why = whyRefused(request, { url: this.resource, token: shown, jkt: token.jkt, ...this.#options });
      const challenge = `DPoP error="${why}", algs="ES256"`;
      const headers = { 'www-authenticate': challenge, 'dpop-nonce': RESOURCE_NONCE };
      if (why !== null) return sendJson(response, 401, { error: why }, headers);
    }
    return sendJson(response, 200, { user: claimsOf(token.accountId) });
  }
}

function claimsOf(login) {
  return { sub: login, name: login, email: `${login}@example.com`, email_verified: true };
}
