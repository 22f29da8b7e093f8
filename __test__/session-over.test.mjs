// When is a session really over? For each provider, by the server's own word and by nothing else: a table, a test for each
// of its rows. A provider adds itself to PROVIDERS.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { rejects } from './addon.mjs';
import { openSession } from './auth-server.mjs';
import { outcome } from './peer-session.mjs';
import { Loopback, readAll, sendJson } from './peers/loopback.mjs';

/** The connection ends without an answer. */
const DROPPED = 'dropped';
/** Nobody listens on the port. */
const DOWN = 'down';
const HTML = '<!doctype html><title>Sign in to this network</title>';

const USER = { id: 'ada', email: 'ada@example.com', name: 'Ada', image: null, emailVerified: true };
const TOKENS = {
  method: 'tokens',
  accessToken: 'access-1',
  refreshToken: 'refresh-1',
  expiresInMs: 600_000,
  user: USER,
};

/** A token as far as it is read here. */
function jwt(claims) {
  const encode = (part) => Buffer.from(JSON.stringify(part)).toString('base64url');
  return `${encode({ alg: 'none' })}.${encode(claims)}.${encode('signature')}`;
}

/** What no server means as the end of a session. An answer is `[status, body, header fields?]`; a string is no JSON. */
const STANDS = {
  'the server cannot be reached': DOWN,
  'the connection breaks': DROPPED,
  429: [429, { error: 'slow down' }, { 'retry-after': '1' }],
  500: [500, { error: 'server_error' }],
  '502 of a gateway': [502, HTML],
  '503 with Retry-After': [503, HTML, { 'retry-after': '1' }],
  'a page in the place of the answer': [200, HTML],
  'an empty answer': [200, ''],
};

// Clerk: a session token that outlives the tests, and what its server says of the one session.
const CLERK_KEY = `pk_live_${Buffer.from('clerk.example.test$').toString('base64')}`;
const CLERK_CLAIMS = { sub: USER.id, sid: 'sess_1', iat: 0, exp: 4_000_000_000 };
const CLERK_TOKEN = `e30.${Buffer.from(JSON.stringify(CLERK_CLAIMS)).toString('base64url')}.c2ln`;
const CLERK_TOKENS = 'POST /v1/client/sessions/sess_1/tokens';
const clerkSession = (status) => ({
  id: 'sess_1',
  status,
  user: { id: USER.id },
  last_active_token: { jwt: CLERK_TOKEN },
});
const clerkClient = (...sessions) => [200, { response: { sessions }, client: null }];
const clerkRefusal = (status, code) => [status, { errors: [{ code, message: code }] }];

/**
 * - `provider(url)`: the options of the provider.
 * - `signIn`: the request that signs in.
 * - `renewal`: the route that a renewal asks.
 * - `routes(url)`: what the server answers when all is well.
 * - `over`, `stands`: what it answers to the renewal instead, by what to call it; an object answers several routes.
 */
const PROVIDERS = {
  // The rows that need a real server are in better-auth-over.test.mjs.
  'better-auth': {
    provider: (baseUrl) => ({ type: 'better-auth', baseUrl }),
    signIn: { method: 'password', email: USER.email, password: 'difference-engine' },
    renewal: 'GET /get-session',
    routes: () => ({
      'POST /sign-in/email': [200, { token: 'key', user: USER }, { 'set-auth-token': 'key.signature' }],
      'GET /get-session': [200, { session: { expiresAt: '2100-01-01T00:00:00.000Z' }, user: USER }],
    }),
    over: {
      'the answer null': [200, null],
    },
    stands: {
      ...STANDS,
      FAILED_TO_GET_SESSION: [401, { code: 'FAILED_TO_GET_SESSION' }],
      'a 401 of something in between': [401, HTML],
      SESSION_NOT_FRESH: [403, { code: 'SESSION_NOT_FRESH' }],
      MISSING_OR_NULL_ORIGIN: [403, { code: 'MISSING_OR_NULL_ORIGIN' }],
      EMAIL_NOT_VERIFIED: [403, { code: 'EMAIL_NOT_VERIFIED' }],
      '429 in plain text with X-Retry-After': [429, 'Too many requests', { 'x-retry-after': '1' }],
      'a 404': [404, HTML],
    },
  },
  oidc: {
    provider: (issuer) => ({ type: 'oidc', issuer, clientId: 'app' }),
    signIn: TOKENS,
    renewal: 'POST /token',
    routes: (url) => ({
      'GET /.well-known/openid-configuration': [200, { issuer: url, token_endpoint: `${url}/token` }],
      'POST /token': [200, { token_type: 'Bearer', access_token: 'access-2', expires_in: 600 }],
    }),
    over: {
      invalid_grant: [400, { error: 'invalid_grant' }],
      'invalid_grant with 401': [401, { error: 'invalid_grant', error_description: 'revoked' }],
    },
    stands: {
      ...STANDS,
      invalid_client: [401, { error: 'invalid_client' }],
      'invalid_client with 400': [400, { error: 'invalid_client' }],
      unauthorized_client: [400, { error: 'unauthorized_client' }],
      invalid_request: [400, { error: 'invalid_request' }],
      invalid_scope: [400, { error: 'invalid_scope' }],
      unsupported_grant_type: [400, { error: 'unsupported_grant_type' }],
      temporarily_unavailable: [400, { error: 'temporarily_unavailable' }],
      'temporarily_unavailable with 503': [503, { error: 'temporarily_unavailable' }],
      'a 400 without a reason': [400, {}],
      'a 401 of something in between': [401, HTML],
      'a 403 of something in between': [403, HTML],
      'a 404': [404, HTML],
    },
  },
  'token-endpoint': {
    provider: (url) => ({ type: 'token-endpoint', refreshUrl: `${url}/refresh` }),
    signIn: TOKENS,
    renewal: 'POST /refresh',
    routes: () => ({
      'POST /refresh': [200, { accessToken: 'access-2', refreshToken: 'refresh-2', expiresIn: 600 }],
    }),
    over: {
      401: [401, { message: 'Sign in again.' }],
      403: [403, { message: 'Sign in again.' }],
    },
    stands: {
      ...STANDS,
      400: [400, { message: 'What?' }],
      404: [404, HTML],
      408: [408, {}],
    },
  },
  // A refusal is asked about: only what the client does not hold any more is over.
  clerk: {
    provider: (url) => ({ type: 'clerk', publishableKey: CLERK_KEY, baseUrl: url }),
    signIn: { method: 'password', email: USER.email, password: 'difference-engine' },
    renewal: CLERK_TOKENS,
    routes: () => ({
      'POST /v1/client/sign_ins': [
        200,
        {
          response: { id: 'sia_1', status: 'complete', created_session_id: 'sess_1' },
          client: { sessions: [clerkSession('active')] },
        },
      ],
      'POST /v1/client/sessions/sess_1/touch': [200, { response: clerkSession('active'), client: null }],
      [CLERK_TOKENS]: [200, { jwt: CLERK_TOKEN }],
      'GET /v1/client': clerkClient(clerkSession('active')),
    }),
    over: {
      '401, and the client without the session': {
        [CLERK_TOKENS]: clerkRefusal(401, 'authentication_invalid'),
        'GET /v1/client': clerkClient(),
      },
      '401, and a client with the session ended': {
        [CLERK_TOKENS]: clerkRefusal(401, 'authentication_invalid'),
        'GET /v1/client': clerkClient(clerkSession('revoked')),
      },
      '401, and no client at all': {
        [CLERK_TOKENS]: clerkRefusal(401, 'authentication_invalid'),
        'GET /v1/client': [200, { response: null, client: null }],
      },
      '401, and 401 for the client': {
        [CLERK_TOKENS]: clerkRefusal(401, 'authentication_invalid'),
        'GET /v1/client': clerkRefusal(401, 'authentication_invalid'),
      },
      '404, and the client without the session': {
        [CLERK_TOKENS]: clerkRefusal(404, 'resource_not_found'),
        'GET /v1/client': clerkClient(),
      },
      '422, and the client without the session': {
        [CLERK_TOKENS]: clerkRefusal(422, 'missing_expired_token'),
        'GET /v1/client': clerkClient(),
      },
      user_banned: clerkRefusal(403, 'user_banned'),
      user_deactivated: clerkRefusal(403, 'user_deactivated'),
    },
    stands: {
      ...STANDS,
      '401 while the client holds the session': clerkRefusal(401, 'authentication_invalid'),
      '404 while the client holds the session': clerkRefusal(404, 'resource_not_found'),
      '422 while the client holds the session': clerkRefusal(422, 'form_param_unknown'),
      '422 missing_expired_token, again': clerkRefusal(422, 'missing_expired_token'),
      '401 requires_captcha': clerkRefusal(401, 'requires_captcha'),
      '403 of anything else': clerkRefusal(403, 'organization_not_found_or_unauthorized'),
      400: clerkRefusal(400, 'api_version_missing'),
      'a 401 of something in between': [401, HTML],
      '401, and a client that cannot be asked': {
        [CLERK_TOKENS]: clerkRefusal(401, 'authentication_invalid'),
        'GET /v1/client': [503, HTML],
      },
      '401, and a client that answers with a page': {
        [CLERK_TOKENS]: clerkRefusal(401, 'authentication_invalid'),
        'GET /v1/client': [200, HTML],
      },
    },
  },
  workos: {
    provider: (apiUrl) => ({ type: 'workos', clientId: 'client_1', apiUrl }),
    signIn: TOKENS,
    renewal: 'POST /user_management/authenticate',
    routes: () => ({
      'POST /user_management/authenticate': [
        200,
        {
          user: {
            id: USER.id,
            email: USER.email,
            first_name: USER.name,
            last_name: null,
            email_verified: true,
          },
          access_token: jwt({ sub: USER.id, sid: 'session_1', iat: 0, exp: 600 }),
          refresh_token: 'refresh-2',
        },
      ],
    }),
    over: {
      invalid_grant: [400, { error: 'invalid_grant', error_description: 'Session has already ended.' }],
      'invalid_grant in its other shape': [400, { code: 'invalid_grant', message: 'Invalid refresh token' }],
    },
    stands: {
      ...STANDS,
      'a second factor is to be set up': [403, { code: 'mfa_enrollment', message: 'No.' }],
      'a second factor is to be shown': [403, { code: 'mfa_challenge', message: 'No.' }],
      'an organization is to be chosen': [403, { code: 'organization_selection_required', message: 'No.' }],
      'an address is to be verified': [403, { code: 'email_verification_required', message: 'No.' }],
      'a challenge that nobody knows yet': [403, { code: 'of_tomorrow', message: 'No.' }],
      'invalid_grant with 403': [403, { error: 'invalid_grant', error_description: 'No.' }],
      'single sign-on with 400': [
        400,
        { error: 'sso_required', error_description: 'No.', connection_ids: [] },
      ],
      'single sign-on without a code': [400, { message: 'Must use SSO for selected organization' }],
      'the organization is gone': [400, { error: 'organization_not_found', error_description: 'No.' }],
      'the person is no member any more': [400, { error: 'organization_membership_not_found' }],
      invalid_client: [400, { error: 'invalid_client', error_description: 'No.' }],
      invalid_request: [400, { code: 'invalid_request', message: 'No.' }],
      'a 400 without a reason': [400, {}],
      'a daily quota': [429, { code: 'daily_quota_exceeded', message: 'No.' }],
      'a 401': [401, { message: 'Unauthorized', code: 'unauthorized' }],
      'a 403 of something in between': [403, HTML],
      'tokens of somebody else': [
        200,
        { user: { id: 'eve' }, access_token: 'access-3', refresh_token: 'refresh-3' },
      ],
    },
  },
};

class Server {
  #loopback;
  #routes;
  #instead = {};

  static async start(t, routes) {
    const server = new Server();
    server.#loopback = await Loopback.start(t, (request, response) => server.#handle(request, response));
    server.#routes = routes(server.url);
    return server;
  }

  get url() {
    return this.#loopback.url;
  }

  async answerInstead(routes) {
    this.#instead = routes;
    if (Object.values(routes).includes(DOWN)) await this.#loopback.close();
  }

  async heal() {
    this.#instead = {};
    await this.#loopback.open();
  }

  async #handle(request, response) {
    await readAll(request);
    const route = `${request.method} ${new URL(request.url, this.url).pathname}`;
    const answer = this.#instead[route] ?? this.#routes[route] ?? [404, {}];
    if (answer === DROPPED) return response.socket.destroy();
    const [status, body, headers] = answer;
    if (typeof body !== 'string') return sendJson(response, status, body, headers);
    return response.writeHead(status, { 'content-type': 'text/html', ...headers }).end(body);
  }
}

async function signedIn(t, { provider, signIn, routes }) {
  const server = await Server.start(t, routes);
  const session = await openSession(t, server, { provider: provider(server.url) });
  await session.signIn(signIn);
  // What is asked for once is asked for now.
  assert.equal(await outcome(session.refresh()), 'done');
  return { server, session };
}

for (const [name, of] of Object.entries(PROVIDERS)) {
  const routesOf = (answer) =>
    Array.isArray(answer) || typeof answer === 'string' ? { [of.renewal]: answer } : answer;

  for (const [what, answer] of Object.entries(of.over)) {
    test(`${name}: over at ${what}`, async (t) => {
      const { server, session } = await signedIn(t, of);
      await server.answerInstead(routesOf(answer));
      await session.refresh();
      const { state, reason, user } = session.state();
      assert.deepEqual({ state, reason, id: user.id }, { state: 'expired', reason: 'ended', id: USER.id });
      await rejects('ERR_SESSION_EXPIRED', () => session.accessToken());
      await server.heal();
      await rejects('ERR_SESSION_EXPIRED', () => session.refresh());
    });
  }

  for (const [what, answer] of Object.entries(of.stands)) {
    test(`${name}: not over at ${what}`, async (t) => {
      const { server, session } = await signedIn(t, of);
      const token = await session.accessToken();
      await server.answerInstead(routesOf(answer));
      assert.notEqual(await outcome(session.refresh()), 'done');
      const { state, user } = session.state();
      assert.deepEqual([state, user.id], ['offline', USER.id]);
      assert.equal(await session.accessToken(), token, 'what is good still is served');
      await server.heal();
      await session.refresh({ retryUnanswered: true });
      assert.equal(session.state().state, 'active');
    });
  }
}
