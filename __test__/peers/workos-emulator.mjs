// WorkOS as its vendor emulates it (npm `workos`), in this process and without a port of its own, and made to answer as
// the service does where the two differ. What the service does is taken from its OpenAPI description
// (`@workos/openapi-spec` 0.1.0), its documentation and its changelog.
//
// | the emulator                                        | the service, and what this makes of it |
// |-----------------------------------------------------|----------------------------------------|
// | redirects to localhost only                         | to every URI that is registered, private schemes too |
// | a new session, and `sid`, for each refresh          | one session for as long as it is refreshed |
// | refreshes a session that was ended                  | 400 `invalid_grant` |
// | `{code,message}` for everything it refuses          | `{error,error_description}` for what OAuth has a word for |
// | a code is for no organization                       | for the one that was asked for |
// | lets everybody into every organization              | 400 `organization_membership_not_found`, and the refresh token stays good |
// | any client                                          | 400 `invalid_client` |
// | device: wants an API key, approves by itself        | wants none, waits for the person, has a page and a `verification_uri_complete` |
// | access tokens live an hour, two of a second are one | as long as the environment says; each has a `jti` |
// | `roles`, `entitlements`, `feature_flags`: none      | in the token of an organization |
// | `authentication_method` is `OAuth`                  | names the method |
// | `organization_id: null`, `sealed_session: null`     | what is not there is left out |
import { AsyncLocalStorage } from 'node:async_hooks';
import { randomUUID } from 'node:crypto';
import { createServer } from '../../node_modules/workos/dist/emulate/core/index.js';
import { getWorkOSStore, workosPlugin } from '../../node_modules/workos/dist/emulate/workos/index.js';

const API_KEY = 'sk_test_default';
/** The emulator redirects here; what was really asked for is put in its place. */
const LOCAL_REDIRECT = 'http://localhost/callback';
/** Its words for what is `invalid_grant` in OAuth (RFC 6749 section 5.2). */
const INVALID_GRANT = ['invalid_grant', 'invalid_code', 'expired_code', 'invalid_code_verifier'];
/** Those that are words of OAuth already (RFC 6749 section 5.2, RFC 8628 section 3.5). */
const OAUTH_ERRORS = ['invalid_request', 'invalid_client', 'authorization_pending', 'expired_token'];

export class WorkOsEmulator {
  #options;
  #app;
  #data;
  #jwt;
  /** What belongs to the request at hand: `{ session, organizationId }`. */
  #request = new AsyncLocalStorage();

  /** @param {{ url: string, clientId: string, redirectUris: string[], accessTokenSeconds: number, claims?: object }} options */
  constructor(options) {
    this.#options = options;
    const { app, store, jwt } = createServer(workosPlugin, {
      baseUrl: options.url,
      apiKeys: { [API_KEY]: { environment: 'test' } },
    });
    this.#app = app;
    this.#jwt = jwt;
    this.#data = getWorkOSStore(store);
    this.#keepSessions();
    this.#signAsTheServiceDoes();
  }

  addUser({ email, firstName = 'Ada', lastName = 'Lovelace', impersonator = null }) {
    return this.#data.users.insert({
      object: 'user',
      email,
      first_name: firstName,
      last_name: lastName,
      email_verified: true,
      profile_picture_url: null,
      last_sign_in_at: null,
      external_id: null,
      metadata: {},
      locale: null,
      password_hash: null,
      impersonator,
    });
  }

  updateUser(id, changes) {
    this.#data.users.update(id, changes);
  }

  addOrganization(name) {
    return this.#data.organizations.insert({
      object: 'organization',
      name,
      external_id: null,
      metadata: {},
      stripe_customer_id: null,
    });
  }

  addMember(organization, user, role = 'member') {
    this.#data.organizationMemberships.insert({
      object: 'organization_membership',
      organization_id: organization.id,
      user_id: user.id,
      role: { slug: role },
      status: 'active',
      external_id: null,
      metadata: {},
    });
  }

  /** From now on access tokens live so long. */
  set accessTokenSeconds(seconds) {
    this.#options.accessTokenSeconds = seconds;
  }

  /** Whether this refresh token has not been used, and which session it is of: `{ session_id }`, or `undefined`. */
  findRefreshToken(token) {
    return this.#data.refreshTokens.findOneBy('token', token);
  }

  hasSession(id) {
    return this.#data.sessions.get(id) !== undefined;
  }

  /** How many sessions this user has. */
  sessionsOf({ id }) {
    return this.#data.sessions.findBy('user_id', id).length;
  }

  endSession(id) {
    this.#data.sessions.delete(id);
  }

  /** The person types the user code and agrees. */
  approveDevice(userCode, user) {
    const asked = this.#data.deviceAuthorizations.findOneBy('user_code', userCode);
    this.#data.deviceAuthorizations.update(asked.id, { user_id: user.id });
  }

  /** Whose this access token is; throws when it is none of this server's, or over. */
  userOf(accessToken) {
    return this.#data.users.get(this.#jwt.verify(accessToken).sub);
  }

  /** @returns {Promise<{ status: number, headers: Record<string, string>, body: string }>} */
  async handle({ method, url, headers, body }) {
    const { pathname } = new URL(url, this.#options.url);
    if (pathname === '/user_management/authorize') return this.#authorize(new URL(url, this.#options.url));
    if (pathname === '/user_management/authorize/device') return this.#startDevice({ method, body });
    if (pathname === '/user_management/authenticate') return this.#authenticate({ method, body });
    return this.#forward({ method, url, headers, body });
  }

  async #authorize(url) {
    const asked = url.searchParams.get('redirect_uri');
    if (url.searchParams.get('client_id') !== this.#options.clientId) return oauthError('invalid_client');
    if (!this.#isRegistered(asked))
      return json(400, { message: 'Invalid redirect URI.', code: 'invalid_redirect_uri' });
    url.searchParams.set('redirect_uri', LOCAL_REDIRECT);
    const organizationId = url.searchParams.get('organization_id');
    const answer = await this.#request.run({ organizationId }, () =>
      this.#forward({ method: 'GET', url: url.pathname + url.search, headers: {} }),
    );
    if (answer.headers.location) {
      const { search } = new URL(answer.headers.location);
      answer.headers.location = `${asked}${search}`;
    }
    return answer;
  }

  /** A registered loopback URI is good on any port (RFC 8252 section 7.3). */
  #isRegistered(uri) {
    const plain = (text) => text.replace(/^(http:\/\/127\.0\.0\.1)(:\d+)?/, '$1');
    return typeof uri === 'string' && this.#options.redirectUris.some((known) => plain(known) === plain(uri));
  }

  async #startDevice({ method, body }) {
    if (JSON.parse(body).client_id !== this.#options.clientId) return oauthError('invalid_client');
    const answer = await this.#forward({
      method,
      url: '/user_management/authorize/device',
      headers: { authorization: `Bearer ${API_KEY}` },
      body,
    });
    const said = JSON.parse(answer.body);
    const asked = this.#data.deviceAuthorizations.findOneBy('device_code', said.device_code);
    this.#data.deviceAuthorizations.update(asked.id, { user_id: null });
    const page = `${this.#options.url}/device`;
    return json(200, {
      ...said,
      verification_uri: page,
      verification_uri_complete: `${page}?user_code=${said.user_code}`,
      interval: 1,
    });
  }

  async #authenticate({ method, body }) {
    const said = JSON.parse(body);
    if (said.client_id !== this.#options.clientId) return oauthError('invalid_client');
    const spent = said.grant_type === 'refresh_token' ? this.findRefreshToken(said.refresh_token) : undefined;
    const session = spent && this.#data.sessions.get(spent.session_id);
    if (spent && !session) return oauthError('invalid_grant', 'Session has already ended.');
    if (spent && said.organization_id && !this.#isMember(spent.user_id, said.organization_id))
      return oauthError('organization_membership_not_found');
    const answer = await this.#request.run({ session }, () =>
      this.#forward({ method, url: '/user_management/authenticate', headers: {}, body }),
    );
    return asTheServiceAnswers(answer);
  }

  #isMember(userId, organizationId) {
    const members = this.#data.organizationMemberships.findBy('organization_id', organizationId);
    return members.some(({ user_id, status }) => user_id === userId && status === 'active');
  }

  async #forward({ method, url, headers, body }) {
    const request = new Request(new URL(url, this.#options.url), {
      method,
      headers: { ...headers, ...(body ? { 'content-type': 'application/json' } : {}) },
      body: body || undefined,
    });
    const answer = await this.#app.fetch(request);
    return { status: answer.status, headers: Object.fromEntries(answer.headers), body: await answer.text() };
  }

  #keepSessions() {
    const { sessions, authCodes } = this.#data;
    const newSession = sessions.insert.bind(sessions);
    sessions.insert = (data) => {
      const session = this.#request.getStore()?.session;
      return session
        ? sessions.update(session.id, { organization_id: data.organization_id })
        : newSession(data);
    };
    const newCode = authCodes.insert.bind(authCodes);
    authCodes.insert = (data) =>
      newCode({ ...data, organization_id: this.#request.getStore()?.organizationId ?? null });
  }

  #signAsTheServiceDoes() {
    const sign = this.#jwt.sign.bind(this.#jwt);
    const { claims = {} } = this.#options;
    this.#jwt.sign = (payload) => {
      const inOrganization = payload.org_id ? { roles: [payload.role].filter(Boolean), ...claims } : {};
      return sign(
        { ...payload, jti: randomUUID(), ...inOrganization },
        { expiresIn: this.#options.accessTokenSeconds },
      );
    };
  }
}

function asTheServiceAnswers(answer) {
  const said = JSON.parse(answer.body);
  if (answer.status === 200) {
    const { organization_id, sealed_session, ...rest } = said;
    return json(200, {
      ...rest,
      ...(organization_id ? { organization_id } : {}),
      authentication_method: 'Password',
    });
  }
  if (INVALID_GRANT.includes(said.code)) return oauthError('invalid_grant', said.message);
  if (OAUTH_ERRORS.includes(said.code)) return oauthError(said.code, said.message);
  return answer;
}

function oauthError(error, description = `The request failed due to: ${error}.`) {
  return json(400, { error, error_description: description });
}

function json(status, body) {
  return { status, headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
}
