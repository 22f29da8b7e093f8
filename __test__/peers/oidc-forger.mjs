// An OpenID Connect server that says whatever a test wants it to: tokens that no honest server would sign among it.
import { createHmac, createPublicKey, generateKeyPairSync, randomUUID, sign } from 'node:crypto';
import { Loopback, readAll, sendJson } from './loopback.mjs';

const encode = (value) => Buffer.from(value).toString('base64url');

/** One of a server's keys, and how it signs. */
export class SigningKey {
  static #made = new Map();

  /** @param {'RS256' | 'PS256' | 'ES256' | 'EdDSA'} alg keys are made once for each `alg` and `kid` */
  static of(alg, kid = alg) {
    const known = SigningKey.#made.get(`${alg} ${kid}`) ?? new SigningKey(alg, kid);
    SigningKey.#made.set(`${alg} ${kid}`, known);
    return known;
  }

  constructor(alg, kid) {
    const type = { ES256: 'ec', EdDSA: 'ed25519' }[alg] ?? 'rsa';
    const { publicKey, privateKey } = generateKeyPairSync(type, { modulusLength: 2048, namedCurve: 'P-256' });
    this.alg = alg;
    this.kid = kid;
    this.publicKey = publicKey;
    this.privateKey = privateKey;
  }

  get jwk() {
    return { ...createPublicKey(this.privateKey).export({ format: 'jwk' }), kid: this.kid, use: 'sig' };
  }

  /** A token. `header` and `signature` may be given by who forges one. */
  jwt(claims, { header, signature } = {}) {
    const head = { alg: this.alg, kid: this.kid, typ: 'JWT', ...header };
    const signed = `${encode(JSON.stringify(head))}.${encode(JSON.stringify(claims))}`;
    const made = signature === undefined ? this.#sign(Buffer.from(signed)) : signature(signed);
    return `${signed}.${encode(made)}`;
  }

  #sign(data) {
    const key = { key: this.privateKey };
    if (this.alg === 'EdDSA') return sign(null, data, key);
    if (this.alg === 'ES256') return sign('sha256', data, { ...key, dsaEncoding: 'ieee-p1363' });
    // RSA_PKCS1_PSS_PADDING, with a salt as long as the digest
    return sign('sha256', data, this.alg === 'PS256' ? { ...key, padding: 6, saltLength: 32 } : key);
  }
}

/** What signs with the public key, as text, as though it were a shared secret. */
export const signedWithPublicKey = (key) => ({
  header: { alg: 'HS256' },
  signature: (signed) =>
    createHmac('sha256', key.publicKey.export({ type: 'spki', format: 'pem' }))
      .update(signed)
      .digest(),
});

export class OidcForger {
  /** What the server shows as its keys. */
  keys = [SigningKey.of('RS256')];
  /** What the discovery document says beside the endpoints that every test needs. */
  discovery = {};
  /** Where it lies. */
  discoveryPath = '/.well-known/openid-configuration';
  /** Answers the token endpoint: `(params, headers) => [status, body, headers?]`. */
  token = (params) => [200, { token_type: 'Bearer', access_token: randomUUID(), code: params.code }];
  /** Answers userinfo. */
  userinfo = () => [404, {}];
  /** `METHOD /path` of each request. */
  requests = [];
  #loopback;

  static async start(t) {
    const forger = new OidcForger();
    forger.#loopback = await Loopback.start(t, (request, response) => forger.#handle(request, response));
    return forger;
  }

  get url() {
    return this.#loopback.url;
  }

  close() {
    return this.#loopback.close();
  }

  open() {
    return this.#loopback.open();
  }

  get provider() {
    return { type: 'oidc', issuer: this.url, clientId: 'app', redirectUri: 'com.example.app:/callback' };
  }

  /** The claims of an ID token that holds. */
  claims(nonce, changes) {
    const now = Math.floor(Date.now() / 1000);
    const good = { iss: this.url, aud: 'app', sub: 'ada', name: 'Ada', email: 'ada@example.com' };
    return { ...good, nonce, iat: now, exp: now + 300, ...changes };
  }

  count(line) {
    return this.requests.filter((request) => request === line).length;
  }

  async #handle(request, response) {
    const { pathname } = new URL(request.url, this.url);
    this.requests.push(`${request.method} ${pathname}`);
    const body = String(await readAll(request));
    const [status, answer, headers] = this.#answer(pathname, body, request.headers) ?? [404, {}];
    sendJson(response, status, answer, headers);
  }

  #answer(pathname, body, headers) {
    switch (pathname) {
      case this.discoveryPath:
        return [200, { ...this.#endpoints(), ...this.discovery }];
      case '/jwks':
        return [200, { keys: this.keys.map(({ jwk }) => jwk) }];
      case '/token':
        return this.token(Object.fromEntries(new URLSearchParams(body)), headers);
      case '/userinfo':
        return this.userinfo(headers);
      default:
        return null;
    }
  }

  #endpoints() {
    const { url } = this;
    return {
      issuer: url,
      authorization_endpoint: `${url}/authorize`,
      token_endpoint: `${url}/token`,
      jwks_uri: `${url}/jwks`,
    };
  }
}
