// WorkOS on the loopback address: the vendor's own emulator, made to answer as the service does (workos-emulator.mjs), with
// a record of every request, and answers that a test puts in the service's place. What a network does to an answer is the
// fault proxy's.
import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { bearerOf, Loopback, readAll, sendJson } from './loopback.mjs';
import { WorkOsEmulator } from './workos-emulator.mjs';

export const CLIENT_ID = 'client_01LATCHKEY';
export const REDIRECT_URI = 'com.example.latchkey://callback';
const LOOPBACK_REDIRECT_URI = 'http://127.0.0.1/callback';
const AUTHENTICATE = '/user_management/authenticate';

/** What the service answers when it wants the person back in the browser, by its OpenAPI description: in both shapes. */
export const CHALLENGES = {
  mfaEnrollment: { status: 403, body: { code: 'mfa_enrollment', message: 'The user must enroll in MFA.' } },
  mfaChallenge: {
    status: 403,
    body: { code: 'mfa_challenge', message: 'The user must prove a second factor.' },
  },
  organizationSelection: {
    status: 403,
    body: { code: 'organization_selection_required', message: 'The user must choose an organization.' },
  },
  emailVerification: {
    status: 403,
    body: { code: 'email_verification_required', message: 'Email ownership must be verified.' },
  },
  mfaEnrollmentOnSwitch: {
    status: 400,
    body: { error: 'mfa_enrollment', error_description: 'The request failed due to: mfa_enrollment.' },
  },
  ssoRequired: {
    status: 400,
    body: {
      error: 'sso_required',
      error_description: 'The request failed due to: sso_required.',
      email: 'ada@example.com',
      connection_ids: ['conn_01TEST'],
    },
  },
  ssoWithoutAWord: { status: 400, body: { message: 'Must use SSO for selected organization' } },
};

export class WorkOsServer {
  /** As the service saw them; `reuses` counts refresh tokens that were used and came again. */
  counts = { refreshes: 0, granted: 0, refused: 0, reuses: 0 };
  /** When each refresh was granted, by the clock of the machine. */
  grantedAtMs = [];
  /** Every request for WorkOS, whole: `{ method, path, query, headers, body }`; a body that is JSON is parsed. */
  requests = [];
  #options;
  #loopback;
  #emulator;
  #answers = [];
  #spent = new Set();
  #people = new Map();

  /**
   * @param {import('node:test').TestContext} t it is gone when this test ends
   * @param {object} [options]
   * @param {number} [options.accessTokenSeconds] default 3. A token's end is told in whole seconds.
   * @param {object} [options.claims] more claims for the tokens of an organization
   * @param {string[]} [options.redirectUris]
   * @param {import('./fault-proxy.mjs').FaultProxy} [options.behind] its clients come through this proxy
   */
  static async start(t, options = {}) {
    const server = new WorkOsServer(options);
    server.#loopback = await Loopback.start(t, (request, response) => server.#handle(request, response));
    options.behind?.forwardTo(server.#loopback.url);
    const { accessTokenSeconds = 3, claims, redirectUris = [REDIRECT_URI, LOOPBACK_REDIRECT_URI] } = options;
    server.#emulator = new WorkOsEmulator({
      url: server.url,
      clientId: CLIENT_ID,
      redirectUris,
      accessTokenSeconds,
      claims,
    });
    return server;
  }

  constructor(options) {
    this.#options = options;
  }

  /** Where its clients find it. */
  get url() {
    return (this.#options.behind ?? this.#loopback).url;
  }

  /** The options that make a session of this server's. */
  get provider() {
    return { type: 'workos', clientId: CLIENT_ID, redirectUri: REDIRECT_URI, apiUrl: this.url };
  }

  get refreshPath() {
    return AUTHENTICATE;
  }

  get resource() {
    return `${this.url}/resource`;
  }

  /** Everything of the emulator's that a test sets up: organizations, members, impersonators. */
  get admin() {
    return this.#emulator;
  }

  /** Makes somebody. Who signs in names them by `login_hint`; without one the emulator takes its first user. */
  addUser(options = {}) {
    return this.#emulator.addUser({ email: `${randomUUID()}@example.com`, ...options });
  }

  /** Plays the browser and the person before it: answers the callback URL that it is sent to. */
  async browse(url) {
    const answer = await fetch(url, { redirect: 'manual' });
    if (answer.status !== 302)
      throw new Error(`the hosted page answered ${answer.status}: ${await answer.text()}`);
    return answer.headers.get('location');
  }

  /** Signs somebody new in, by plain requests: `{ accessToken, refreshToken, expiresInMs, user }`. */
  async signIn({ email } = this.addUser()) {
    const verifier = randomBytes(32).toString('base64url');
    const authorize = new URLSearchParams({
      client_id: CLIENT_ID,
      redirect_uri: REDIRECT_URI,
      response_type: 'code',
      provider: 'authkit',
      login_hint: email,
      code_challenge: createHash('sha256').update(verifier).digest('base64url'),
      code_challenge_method: 'S256',
    });
    const origin = this.#loopback.url; // no fault is meant for this
    const callback = new URL(await this.browse(`${origin}/user_management/authorize?${authorize}`));
    const answer = await fetch(`${origin}${AUTHENTICATE}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        client_id: CLIENT_ID,
        grant_type: 'authorization_code',
        code: callback.searchParams.get('code'),
        code_verifier: verifier,
      }),
    });
    const { access_token: accessToken, refresh_token: refreshToken, user } = await answer.json();
    this.#remember(refreshToken);
    return {
      accessToken,
      refreshToken,
      expiresInMs: (this.#options.accessTokenSeconds ?? 3) * 1000,
      user: userOf(user),
    };
  }

  /** Signs somebody new in to this session of the package's; answers who, for `isAlive`. */
  async enter(session) {
    const person = await this.signIn();
    const { accessToken, refreshToken, expiresInMs, user } = person;
    await session.signIn({ method: 'tokens', accessToken, refreshToken, expiresInMs, user });
    return person;
  }

  /** Whether the session that this refresh token was ever of goes on, whatever has become of the token. */
  isAlive({ refreshToken }) {
    return this.#emulator.hasSession(this.#people.get(refreshToken));
  }

  /** Ends that session, as an administrator does. */
  revoke({ refreshToken }) {
    this.#emulator.endSession(this.#people.get(refreshToken));
  }

  /**
   * From now on this is answered instead of asking the emulator, `count` times.
   *
   * @param {{ status: number, body?: object | string, headers?: object }} answer
   * @param {{ count?: number, when?: (request: object) => boolean }} [options] default: once, every refresh
   */
  answerWith(answer, { count = 1, when = isRefresh } = {}) {
    this.#answers.push({ ...answer, left: count, when });
  }

  async #handle(request, response) {
    const text = String(await readAll(request).catch(() => ''));
    const url = new URL(request.url, this.#loopback.url);
    if (url.pathname === '/resource') return this.#resource(request, response);
    const recorded = {
      method: request.method,
      path: url.pathname,
      query: Object.fromEntries(url.searchParams),
      headers: request.headers,
      body: parsed(text),
    };
    this.requests.push(recorded);
    const { status, headers, body } = await this.#answer(recorded, request, text);
    response.writeHead(status, headers).end(body);
  }

  async #answer(recorded, { method, url, headers }, body) {
    const refreshToken = isRefresh(recorded) ? recorded.body.refresh_token : undefined;
    if (refreshToken) {
      this.counts.refreshes++;
      if (this.#spent.has(refreshToken)) this.counts.reuses++;
    }
    const instead = this.#answers.find(({ left, when }) => left > 0 && when(recorded));
    if (instead) {
      instead.left--;
      const isText = typeof instead.body === 'string';
      return {
        status: instead.status,
        headers: { 'content-type': isText ? 'text/html' : 'application/json', ...instead.headers },
        body: isText ? instead.body : JSON.stringify(instead.body ?? {}),
      };
    }
    const answer = await this.#emulator.handle({ method, url, headers: headersFor(headers), body });
    if (recorded.path === AUTHENTICATE && answer.status === 200) {
      this.#remember(JSON.parse(answer.body).refresh_token);
    }
    if (refreshToken) this.#countRefresh(refreshToken, answer);
    return answer;
  }

  #countRefresh(refreshToken, { status }) {
    if (status !== 200) {
      this.counts.refused++;
      return;
    }
    this.#spent.add(refreshToken);
    this.counts.granted++;
    this.grantedAtMs.push(Date.now());
  }

  #remember(refreshToken) {
    const { session_id } = this.#emulator.findRefreshToken(refreshToken);
    this.#people.set(refreshToken, session_id);
  }

  #resource(request, response) {
    try {
      const { email } = this.#emulator.userOf(bearerOf(request));
      return sendJson(response, 200, { user: { email } });
    } catch {
      return sendJson(response, 401, { message: 'Unauthorized', code: 'unauthorized' });
    }
  }
}

export function isRefresh({ path, body }) {
  return path === AUTHENTICATE && body?.grant_type === 'refresh_token';
}

/** The user of an answer, as a session shows it. */
function userOf({ id, email, first_name, last_name, profile_picture_url, email_verified }) {
  const name = [first_name, last_name].filter(Boolean).join(' ') || null;
  return { id, email, name, image: profile_picture_url, emailVerified: email_verified };
}

/** What an HTTP connection of its own would have, the emulator does without. */
function headersFor({ host, connection, 'content-length': length, ...headers }) {
  return headers;
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return text === '' ? null : text;
  }
}
