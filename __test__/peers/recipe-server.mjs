// A server as the published recipe has it: plain node:http, a short-lived access token, and a refresh token that is good
// for one use. The second use of a spent one ends the session, as a server does that takes theft for certain.
//
//   POST /api/auth/sign-in   {email,password}  -> {accessToken, refreshToken, expiresIn, user}
//   POST /api/auth/refresh   {refreshToken}    -> {accessToken, refreshToken, expiresIn}; 401 when the session is over
//   POST /api/auth/sign-out  {refreshToken}    -> {success: true}
//   GET  /api/profile        with the access token
import { createHmac, randomBytes, randomUUID } from 'node:crypto';
import { bearerOf, Loopback, readAll, sendJson } from './loopback.mjs';

export const PASSWORD = 'difference-engine';

export class RecipeServer {
  /** How often the refresh route was asked, and with what outcome; `reuses` counts spent tokens that came again. */
  counts = { refreshes: 0, granted: 0, refused: 0, reuses: 0, signOuts: 0 };
  /** When each refresh was granted, by the clock of the machine. */
  grantedAtMs = [];
  #options;
  #loopback;
  #sessions = new Map();
  #refreshTokens = new Map();
  #accessTokens = new Map();
  #jwtKey = randomBytes(32);

  /**
   * @param {import('node:test').TestContext} t it is gone when this test ends
   * @param {object} [options]
   * @param {number} [options.accessTokenSeconds] default 3
   * @param {boolean} [options.singleUse] default true; otherwise a refresh token stays good and no new one is given out
   * @param {'expiresIn' | 'jwt' | 'unsaid'} [options.lifetime] where the answer says how long the access token lives
   * @param {number} [options.clockShiftMs] how far the server's clock is ahead of the machine's
   * @param {import('./fault-proxy.mjs').FaultProxy} [options.behind] its clients come through this proxy
   */
  static async start(t, options = {}) {
    const server = new RecipeServer(options);
    server.#loopback = await Loopback.start(t, (request, response) => server.#handle(request, response));
    options.behind?.forwardTo(server.#loopback.url);
    return server;
  }

  constructor({
    accessTokenSeconds = 3,
    singleUse = true,
    lifetime = 'expiresIn',
    clockShiftMs = 0,
    behind,
  }) {
    this.#options = { accessTokenSeconds, singleUse, lifetime, clockShiftMs, behind };
  }

  /** Where its clients find it. */
  get url() {
    return (this.#options.behind ?? this.#loopback).url;
  }

  /** The options that make a session of this server's. */
  get provider() {
    const at = (path) => `${this.url}/api/auth/${path}`;
    return {
      type: 'token-endpoint',
      refreshUrl: at('refresh'),
      signInUrl: at('sign-in'),
      signOutUrl: at('sign-out'),
      refreshTokenReuse: !this.#options.singleUse,
    };
  }

  get refreshPath() {
    return '/api/auth/refresh';
  }

  get resource() {
    return `${this.url}/api/profile`;
  }

  /** Signs somebody new in: `{ accessToken, refreshToken, expiresInMs, user }`. */
  async signIn(email = `${randomUUID()}@example.com`) {
    const { expiresIn, ...tokens } = this.#grant(this.#newSession(email));
    return { ...tokens, expiresInMs: this.#options.accessTokenSeconds * 1000 };
  }

  /** Signs somebody new in to this session of the package's; answers who, for `isAlive`. */
  async enter(session) {
    const person = await this.signIn();
    const { accessToken, refreshToken, expiresInMs, user } = person;
    await session.signIn({ method: 'tokens', accessToken, refreshToken, expiresInMs, user });
    return person;
  }

  /** Whether the session that these tokens were granted to, at sign-in or later, goes on. */
  isAlive({ refreshToken }) {
    return this.#sessions.has(this.#refreshTokens.get(refreshToken)?.session);
  }

  /** Ends the session that these tokens belong to, as an administrator does. */
  revoke({ refreshToken }) {
    this.#sessions.delete(this.#refreshTokens.get(refreshToken).session);
  }

  /** Moves the server's clock. */
  shiftClock(ms) {
    this.#options.clockShiftMs = ms;
  }

  get #nowMs() {
    return Date.now() + this.#options.clockShiftMs;
  }

  async #handle(request, response) {
    response.setHeader('date', new Date(this.#nowMs).toUTCString());
    const routes = {
      'POST /api/auth/sign-in': (body) => this.#signIn(response, body),
      'POST /api/auth/refresh': (body) => this.#refresh(response, body),
      'POST /api/auth/sign-out': (body) => this.#signOut(response, body),
      'GET /api/profile': () => this.#profile(response, bearerOf(request)),
    };
    const text = String(await readAll(request).catch(() => ''));
    const route = routes[`${request.method} ${request.url.split('?', 1)[0]}`];
    if (!route) return sendJson(response, 404, { message: 'There is nothing here.' });
    return route(parsed(text));
  }

  #signIn(response, { email, password }) {
    if (typeof email !== 'string' || password !== PASSWORD)
      return sendJson(response, 401, { message: 'Wrong e-mail or password.' });
    return sendJson(response, 200, this.#grant(this.#newSession(email)));
  }

  #refresh(response, { refreshToken }) {
    this.counts.refreshes++;
    const known = this.#refreshTokens.get(refreshToken);
    const over = () => {
      this.counts.refused++;
      return sendJson(response, 401, { message: 'Sign in again.' });
    };
    if (known?.spent) {
      this.counts.reuses++;
      this.#sessions.delete(known.session);
    }
    const session = this.#sessions.get(known?.session);
    if (!session) return over();
    known.spent = this.#options.singleUse;
    this.counts.granted++;
    this.grantedAtMs.push(Date.now());
    const { user, ...tokens } = this.#grant(session);
    return sendJson(response, 200, tokens);
  }

  #signOut(response, { refreshToken }) {
    this.counts.signOuts++;
    this.#sessions.delete(this.#refreshTokens.get(refreshToken)?.session);
    return sendJson(response, 200, { success: true });
  }

  #profile(response, accessToken) {
    const known = this.#accessTokens.get(accessToken);
    const session = this.#sessions.get(known?.session);
    if (!session || known.endsAtMs <= this.#nowMs) return sendJson(response, 401, { message: 'No session.' });
    return sendJson(response, 200, { user: session.user });
  }

  #newSession(email) {
    const user = { id: randomUUID(), email, name: 'Ada Lovelace', image: null, emailVerified: false };
    const session = { id: randomUUID(), user };
    this.#sessions.set(session.id, session);
    return session;
  }

  #grant({ id: session, user }) {
    const { accessTokenSeconds, singleUse, lifetime } = this.#options;
    const refreshToken =
      singleUse || !this.#hasRefreshToken(session) ? randomBytes(32).toString('hex') : undefined;
    if (refreshToken) this.#refreshTokens.set(refreshToken, { session, spent: false });
    const issuedAtMs = this.#nowMs;
    const accessToken =
      lifetime === 'jwt' ? this.#jwt(user, issuedAtMs / 1000) : randomBytes(32).toString('hex');
    this.#accessTokens.set(accessToken, { session, endsAtMs: issuedAtMs + accessTokenSeconds * 1000 });
    return {
      accessToken,
      ...(refreshToken ? { refreshToken } : {}),
      ...(lifetime === 'expiresIn' ? { expiresIn: accessTokenSeconds } : {}),
      user,
    };
  }

  #hasRefreshToken(session) {
    return [...this.#refreshTokens.values()].some((known) => known.session === session);
  }

  // RFC 7519 lets these dates have fractions, which makes the token live as long as is said.
  #jwt({ id }, iat) {
    const encode = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
    const claims = { sub: id, jti: randomUUID(), iat, exp: iat + this.#options.accessTokenSeconds };
    const signed = `${encode({ alg: 'HS256', typ: 'JWT' })}.${encode(claims)}`;
    return `${signed}.${createHmac('sha256', this.#jwtKey).update(signed).digest('base64url')}`;
  }
}

function parsed(text) {
  try {
    return Object(JSON.parse(text));
  } catch {
    return {};
  }
}
