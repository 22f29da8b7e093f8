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

/**
 * - `provider(url)`: the options of the provider.
 * - `signIn`: the request that signs in.
 * - `renewal`: the route that a renewal asks.
 * - `routes(url)`: what the server answers when all is well.
 * - `over`, `stands`: what it answers to the renewal instead, by what to call it; an object answers several routes.
 */
const PROVIDERS = {
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
