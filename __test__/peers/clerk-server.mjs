// A fake of Clerk's Frontend API for native applications: Clerk has no emulator. Every answer to a client brings it a new
// token, refusals too, and a token that was replaced before is noticed. What it asks of its clients:
//
//   every call   ?_is_native=1&__clerk_api_version=…, form fields, Authorization with the client's token, no Origin
//   PATCH, DELETE   as POST with ?_method=
//
// clerk-client.test.mjs holds it against the official client.

import {
  clientAnswer,
  sessionAnswer,
  signInAnswer,
  signUpAnswer,
  verificationAnswer,
} from './clerk-answers.mjs';
import { ClerkInstance, isAlive, PASSWORD, Refusal, refuse } from './clerk-instance.mjs';
import { Loopback, readAll, sendJson } from './loopback.mjs';

export { CODES, PASSWORD } from './clerk-instance.mjs';

/** Where the browser is sent back to. */
export const REDIRECT_URI = 'com.example.app:/clerk/callback';

export class ClerkServer {
  instance;
  /** Every request to the Frontend API: `{ method, path, query, headers, form }`. */
  requests = [];
  counts = { refreshes: 0, granted: 0, reuses: 0 };
  /** When each token was given out, by the clock of the machine. */
  grantedAtMs = [];
  #options;
  #loopback;
  #faults = [];
  #nextTokens = [];

  /**
   * @param {import('node:test').TestContext} t it is gone when this test ends
   * @param {object} [options]
   * @param {number} [options.accessTokenSeconds] how long a session token lives; default 3, Clerk's own is 60
   * @param {boolean} [options.singleSession] whether a client may hold one session only; default true, as Clerk's
   * @param {boolean} [options.refuseOlderRotations] whether a client token that was replaced is refused; default false: a
   *   client whose answer was lost comes with one, and what Clerk does then is not written anywhere
   * @param {boolean} [options.demandsExpiredToken] whether a session token is only minted for whom shows the last one
   * @param {number} [options.clockShiftMs] how far the server's clock is ahead of the machine's
   * @param {string[]} [options.redirectUrls] where browsers may be sent back to
   * @param {import('./fault-proxy.mjs').FaultProxy} [options.behind] its clients come through this proxy
   */
  static async start(t, options = {}) {
    const server = new ClerkServer(options);
    server.#loopback = await Loopback.start(t, (request, response) => server.#handle(request, response));
    options.behind?.forwardTo(server.#loopback.url);
    return server;
  }

  constructor({
    accessTokenSeconds = 3,
    singleSession = true,
    refuseOlderRotations = false,
    demandsExpiredToken = false,
    clockShiftMs = 0,
    redirectUrls = [REDIRECT_URI, 'https://app.example.test/sso-callback'],
    behind,
  } = {}) {
    this.#options = { demandsExpiredToken, clockShiftMs, behind };
    this.instance = new ClerkInstance({
      accessTokenSeconds,
      singleSession,
      refuseOlderRotations,
      redirectUrls,
      issuer: () => this.url,
      nowMs: () => this.#nowMs,
    });
    this.instance.authorizeUrl = (id) => `${this.url}/browser/authorize?sign_in=${id}`;
  }

  /** Where its clients find it. */
  get url() {
    return (this.#options.behind ?? this.#loopback).url;
  }

  /** The options that make a session of this server's. */
  get provider() {
    const publishableKey = `pk_live_${Buffer.from('clerk.example.test$').toString('base64')}`;
    return { type: 'clerk', publishableKey, baseUrl: this.url, redirectUri: REDIRECT_URI };
  }

  get refreshPath() {
    return '/v1/client/sessions/';
  }

  get resource() {
    return `${this.url}/api/profile`;
  }

  addPerson(options) {
    return this.instance.addPerson(options);
  }

  /** Signs somebody new in to this session of the package's; answers who, for `isAlive`. */
  async enter(session, options) {
    const person = this.addPerson(options);
    await session.signIn({ method: 'password', email: person.email, password: PASSWORD });
    const [serverSession] = this.instance.sessionsOf(person);
    return { ...person, sessionId: serverSession.id };
  }

  /** Whether the session of this person goes on. */
  isAlive({ sessionId }) {
    const session = this.instance.findSession(sessionId);
    return session !== undefined && isAlive(session);
  }

  /** Ends the session, as an administrator does. */
  revoke({ sessionId }) {
    this.instance.findSession(sessionId).status = 'revoked';
  }

  /** Bans the person. */
  ban({ email }) {
    this.instance.people.get(email).banned = true;
  }

  /** Requests whose path matches are answered with this refusal, `count` of them. The client's token is replaced all the same. */
  fail({ match = /./, status, code, headers, count = Number.POSITIVE_INFINITY, text }) {
    this.#faults.push({
      match,
      left: count,
      text,
      refusal: new Refusal(status, code ?? 'fault', { headers }),
    });
  }

  heal() {
    this.#faults = [];
  }

  /** The next session token has these times: what an edge that is behind gives out. */
  nextToken(times) {
    this.#nextTokens.push(times);
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
    const url = new URL(request.url, 'http://fake');
    const form = Object.fromEntries(new URLSearchParams(String(await readAll(request).catch(() => ''))));
    if (url.pathname === '/api/profile') return this.#profile(request, response);
    if (url.pathname === '/browser/authorize') return this.#browser(url, response);
    const query = Object.fromEntries(url.searchParams);
    const method = request.method === 'POST' ? (query._method ?? 'POST') : request.method;
    this.requests.push({ method: request.method, path: url.pathname, query, headers: request.headers, form });
    const call = { method, path: url.pathname, query, form, request, client: null };
    const { status, body, headers } = this.#answer(call);
    // What the official client in a test's stead of a browser may read.
    const token = call.client ? { authorization: this.instance.rotate(call.client) } : {};
    sendJson(response, status, body, { ...headers, ...token });
  }

  #answer(call) {
    try {
      check(call);
      const token = call.request.headers.authorization?.replace(/^bearer /i, '');
      call.client = this.instance.clientOf(token, call.query.rotating_token_nonce);
      const fault = this.#faults.find(({ match, left }) => left > 0 && match.test(call.path));
      if (fault) {
        fault.left--;
        if (fault.text !== undefined) return { status: fault.refusal.status, body: fault.text };
        throw fault.refusal;
      }
      const body = this.#route(call);
      return { status: 200, body };
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      return { status: error.status, body: error.body, headers: error.headers };
    }
  }

  #route(call) {
    const { method, path } = call;
    const wanted = `${method} ${path}`;
    for (const [pattern, route] of ROUTES) {
      const found = pattern.exec(wanted);
      if (found) return route.call(this, call, ...found.slice(1).map(decodeURIComponent));
    }
    return refuse(404, 'resource_not_found');
  }

  enveloped(call, response) {
    return { response, client: clientAnswer(this.instance, call.client, isAlive) };
  }

  mint(call, id, template) {
    this.counts.refreshes++;
    const session = this.instance.sessionOf(call.client, id);
    const { organization_id } = call.form;
    if (this.#options.demandsExpiredToken && !call.query.expired_token) refuse(422, 'missing_expired_token');
    if (organization_id && !session.person.organizations.includes(organization_id))
      refuse(403, 'organization_not_found_or_unauthorized');
    const organization = organization_id === undefined ? session.organization : organization_id || null;
    this.counts.granted++;
    this.grantedAtMs.push(Date.now());
    const times = this.#nextTokens.shift();
    return {
      object: 'token',
      jwt: this.instance.sessionToken(session, { organization, template, ...times }),
    };
  }

  #browser(url, response) {
    const answer = url.searchParams.get('refuse') === '1' ? 'refuse' : 'approve';
    const location = this.instance[answer](url.searchParams.get('sign_in'), url.searchParams.get('email'));
    response.writeHead(303, { location }).end();
  }

  /** Plays the person in the browser; answers where the browser is sent to. */
  async approveInBrowser(url, { email, refuse = false } = {}) {
    const at = new URL(url);
    if (email) at.searchParams.set('email', email);
    if (refuse) at.searchParams.set('refuse', '1');
    const answer = await fetch(at, { redirect: 'manual' });
    return answer.headers.get('location');
  }

  #profile(request, response) {
    const [, payload] = request.headers.authorization?.split('.') ?? [];
    const { sid, exp } = payload ? JSON.parse(Buffer.from(payload, 'base64url')) : {};
    const session = this.instance.findSession(sid);
    if (!session || exp * 1000 <= this.#nowMs) return sendJson(response, 401, { message: 'No session.' });
    return sendJson(response, 200, { user: { id: session.person.id, email: session.person.email } });
  }
}

function check({ query, request, path }) {
  if (request.headers.origin && request.headers.authorization)
    refuse(400, 'origin_authorization_headers_conflict');
  if (query._is_native !== '1') refuse(401, 'dev_browser_unauthenticated');
  if (path !== '/v1/environment' && !query.__clerk_api_version) refuse(400, 'api_version_missing');
  const isForm = request.headers['content-type'] === 'application/x-www-form-urlencoded';
  if (request.method === 'POST' && !isForm) refuse(415, 'unsupported_content_type');
  if (!['GET', 'POST'].includes(request.method)) refuse(405, 'method_not_allowed');
}

const SIGN_IN = '/v1/client/sign_ins';
const SIGN_UP = '/v1/client/sign_ups';
const SESSION = '/v1/client/sessions';
const ID = '/([^/]+)';

const ROUTES = [
  route(`GET /v1/environment`, () => ENVIRONMENT),
  route(`GET /v1/client`, function (call) {
    return { response: clientAnswer(this.instance, call.client, isAlive), client: null };
  }),
  route(`POST ${SIGN_IN}`, function (call) {
    call.client ??= this.instance.addClient();
    return this.enveloped(
      call,
      signInAnswer(this.instance, this.instance.createSignIn(call.client, call.form)),
    );
  }),
  route(`GET ${SIGN_IN}${ID}`, function (call, id) {
    return this.enveloped(call, signInAnswer(this.instance, this.instance.attemptOf(call.client, id)));
  }),
  route(`POST ${SIGN_IN}${ID}/(prepare|attempt)_(first|second)_factor`, function (call, id, step, which) {
    const attempt = this.instance.attemptOf(call.client, id);
    advance(this.instance, call, attempt, step, which);
    return this.enveloped(call, signInAnswer(this.instance, attempt));
  }),
  route(`POST ${SIGN_UP}`, function (call) {
    call.client ??= this.instance.addClient();
    return this.enveloped(call, signUpAnswer(this.instance.createSignUp(call.client, call.form)));
  }),
  route(`POST ${SIGN_UP}${ID}/(prepare|attempt)_verification`, function (call, id, step) {
    const attempt = this.instance.attemptOf(call.client, id);
    if (step === 'prepare') this.instance.prepareSignUp(attempt);
    else this.instance.attemptSignUp(call.client, attempt, call.form);
    return this.enveloped(call, signUpAnswer(attempt));
  }),
  route(`DELETE ${SESSION}`, function (call) {
    for (const session of call.client.sessions) if (isAlive(session)) session.status = 'removed';
    return this.enveloped(call, clientAnswer(this.instance, call.client, isAlive));
  }),
  route(`POST ${SESSION}${ID}/touch`, function (call, id) {
    const session = this.instance.sessionOf(call.client, id);
    this.instance.selectOrganization(session, call.form.active_organization_id);
    return this.enveloped(call, sessionAnswer(this.instance, session));
  }),
  route(`POST ${SESSION}${ID}/tokens`, function (call, id) {
    return this.mint(call, id);
  }),
  route(`POST ${SESSION}${ID}/tokens${ID}`, function (call, id, template) {
    if (template === 'missing') refuse(404, 'resource_not_found');
    return this.mint(call, id, template);
  }),
  route(`POST ${SESSION}${ID}/(end|remove)`, function (call, id, how) {
    const session = this.instance.sessionOf(call.client, id);
    session.status = how === 'end' ? 'ended' : 'removed';
    return this.enveloped(call, { ...sessionAnswer(this.instance, session) });
  }),
  route(`POST ${SESSION}${ID}/verify`, function (call, id) {
    const session = this.instance.sessionOf(call.client, id);
    const attempt = this.instance.startVerification(session, call.form.level);
    return this.enveloped(call, verificationAnswer(this.instance, attempt));
  }),
  route(
    `POST ${SESSION}${ID}/verify/(prepare|attempt)_(first|second)_factor`,
    function (call, id, step, which) {
      const { verification } = this.instance.sessionOf(call.client, id);
      if (!verification) refuse(404, 'resource_not_found');
      advance(this.instance, call, verification, step, which);
      return this.enveloped(call, verificationAnswer(this.instance, verification));
    },
  ),
  route(`GET /v1/me/sessions/active`, function (call) {
    const own = this.instance.sessionOf(call.client, call.query._clerk_session_id);
    return this.instance.sessionsOf(own.person).map((session) => ({
      ...sessionAnswer(this.instance, session),
      latest_activity: {
        object: 'session_activity',
        id: 'act_1',
        browser_name: 'Latchkey',
        device_type: 'Linux',
      },
    }));
  }),
  route(`POST /v1/me/sessions${ID}/revoke`, function (call, id) {
    const own = this.instance.sessionOf(call.client, call.query._clerk_session_id);
    const session = this.instance.sessionsOf(own.person).find((each) => each.id === id);
    if (!session) refuse(404, 'resource_not_found');
    session.status = 'revoked';
    return sessionAnswer(this.instance, session);
  }),
];

function route(pattern, handle) {
  return [new RegExp(`^${pattern}$`), handle];
}

function advance(instance, { client, form }, attempt, step, which) {
  if (step === 'prepare')
    return which === 'first' ? instance.prepareFirst(attempt, form) : instance.prepareSecond(attempt, form);
  return which === 'first'
    ? instance.attemptFirst(client, attempt, form)
    : instance.attemptSecond(client, attempt, form);
}

const ENVIRONMENT = {
  object: 'environment',
  auth_config: { object: 'auth_config', id: 'aconf_1', single_session_mode: true },
  display_config: { object: 'display_config', id: 'display_1', instance_environment_type: 'production' },
  user_settings: {
    attributes: {},
    social: {},
    sign_in: {},
    sign_up: {},
    password_settings: {},
    actions: {},
  },
  organization_settings: { domains: {}, slug: {}, organization_creation_defaults: {} },
  commerce_settings: { billing: { user: {}, organization: {} } },
  api_keys_settings: {},
  maintenance_mode: false,
};
