// A real Better Auth server with every plugin that Latchkey knows of, in this process: user names, second factors with
// their mail, codes by mail, device authorization, the official Electron plugin, and another server's people signing in
// by OpenID Connect. Tests read its mail, its requests and its database.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { electron } from '@better-auth/electron';
import { betterAuth } from 'better-auth';
import { getMigrations } from 'better-auth/db/migration';
import {
  bearer,
  deviceAuthorization,
  emailOTP,
  genericOAuth,
  twoFactor,
  username,
} from 'better-auth/plugins';
import { Loopback } from '../../../__test__/peers/loopback.mjs';
import { AUTH_PATH, CLIENT_ADDRESS_HEADER } from '../../server/auth.mjs';
import { openDatabase } from '../../server/database.mjs';
import { Refusal, requestFrom, sendResponse } from '../../server/http.mjs';
import { answer } from '../../server/routes.mjs';
import { CampusServer } from './campus.mjs';
import { recipeRefresh } from './recipe-plugin.mjs';

/** The application's own scheme, which the server trusts as an origin. */
export const SCHEME = 'com.example.app';
export const DEVICE_CLIENT = 'electron-app';

export class BetterAuthPeer {
  /** What was sent by mail, the oldest first: `{ to, code }`. */
  mail = [];
  /** What the recipe's refresh route saw; `reuses` counts spent tokens that came again. */
  refreshes = { granted: 0, reuses: 0 };
  /** Every request since the last `clearLog`: `{ method, path, status, authorization, cookies, origin }`. */
  log = [];
  /** Everything secret that the server gave out: session tokens and the values of cookies. */
  secrets = new Set();
  #folder;
  #loopback;
  #database;
  #campus;
  #auth;
  #options;
  #interference = null;
  #delay = null;

  /**
   * @param {import('node:test').TestContext} t it is gone when this test ends
   * @param {object} [options]
   * @param {boolean} [options.requireSignature] whether unsigned tokens are refused; default true
   * @param {boolean} [options.rateLimit] default false
   * @param {boolean} [options.secureCookies] cookie names as over https; default false
   * @param {boolean} [options.requireEmailVerification] default false
   * @param {number} [options.deviceSeconds] how long a device code lives; default 1800
   * @param {string} [options.deviceInterval] how often a device may ask; default 1s
   * @param {object} [options.session] Better Auth's session options
   * @param {string} [options.social] `campus` to offer signing in at another server
   */
  static async start(t, options = {}) {
    const peer = new BetterAuthPeer();
    peer.#options = options;
    t.after(() => peer.#remove());
    await peer.#start(t);
    return peer;
  }

  get url() {
    return this.#loopback.url;
  }

  get baseUrl() {
    return this.url + AUTH_PATH;
  }

  /** The options that make a session of this server's. */
  get provider() {
    return {
      type: 'better-auth',
      baseUrl: this.baseUrl,
      redirectUri: `${SCHEME}:/auth/callback`,
      signInUrl: `${this.url}/sign-in`,
      deviceClientId: DEVICE_CLIENT,
    };
  }

  /** A session's options as of now, for Better Auth is made anew with them. */
  configure(session) {
    this.#options = { ...this.#options, session };
    this.#auth = this.#newAuth();
  }

  /** Nobody can connect from now on. */
  pause() {
    return this.#loopback.close();
  }

  /** Listens again, where it did before. */
  resume() {
    return this.#loopback.open();
  }

  clearLog() {
    this.log.length = 0;
  }

  /** The requests since the last `clearLog`, as `"GET /api/profile 200"`. */
  get requests() {
    return this.log.map(({ method, path, status }) => `${method} ${path} ${status}`);
  }

  /** Answers this request once in the server's place. `null`: the connection is cut. */
  answerOnce(path, makeResponse) {
    let isOver = false;
    this.interfere(path, () => {
      if (isOver) return undefined;
      isOver = true;
      return makeResponse();
    });
  }

  /** Asks before each request for this path whether to answer it otherwise; `undefined` is no. */
  interfere(path, makeResponse) {
    this.#interference = { path, makeResponse };
  }

  /** Waits for this once, between what a request for this path does and its answer. */
  beforeAnswer(path, wait) {
    this.#delay = { path, wait };
  }

  /** The last code sent to this address. */
  codeFor(email) {
    return this.mail.findLast(({ to }) => to === email)?.code;
  }

  async context() {
    return this.#auth.$context;
  }

  async userOf(email) {
    const { internalAdapter } = await this.context();
    return (await internalAdapter.findUserByEmail(email))?.user;
  }

  /** The open sessions of this person, as the database has them. */
  async sessionsOf(email) {
    const { internalAdapter } = await this.context();
    return internalAdapter.listSessions((await this.userOf(email)).id, { onlyActiveSessions: true });
  }

  async revokeAll(email) {
    const { internalAdapter } = await this.context();
    await internalAdapter.deleteUserSessions((await this.userOf(email)).id);
  }

  /** Changes all sessions of this person in the database. */
  async changeSessions(email, update) {
    const { adapter } = await this.context();
    const where = [{ field: 'userId', value: (await this.userOf(email)).id }];
    await adapter.updateMany({ model: 'session', where, update });
  }

  /** Changes what the database has of this person's second factor. */
  async changeTwoFactor(email, update) {
    const { adapter } = await this.context();
    const where = [{ field: 'userId', value: (await this.userOf(email)).id }];
    await adapter.updateMany({ model: 'twoFactor', where, update });
  }

  /** Answers the question that a device asks of a person in the browser: `approve` or `deny`. */
  async decideDevice(userCode, verdict, { email, password }) {
    const post = (path, body, cookie) =>
      fetch(this.baseUrl + path, {
        method: 'POST',
        headers: { 'content-type': 'application/json', origin: this.url, ...(cookie && { cookie }) },
        body: JSON.stringify(body),
      });
    const cookie = cookieHeader(await post('/sign-in/email', { email, password }));
    await fetch(`${this.baseUrl}/device?user_code=${userCode}`, { headers: { cookie } });
    const decided = await post(`/device/${verdict}`, { userCode }, cookie);
    if (!decided.ok) throw new Error(`device ${verdict}: ${decided.status} ${await decided.text()}`);
  }

  async #start(t) {
    this.#folder = await mkdtemp(join(tmpdir(), 'latchkey-better-auth-'));
    this.#database = await openDatabase(join(this.#folder, 'auth.db'));
    this.#loopback = await Loopback.start(t, (request, response) => this.#handle(request, response));
    if (this.#options.social === 'campus')
      this.#campus = await CampusServer.start(t, { redirectUri: `${this.baseUrl}/callback/campus` });
    this.#auth = this.#newAuth();
    const { runMigrations } = await getMigrations(this.#auth.options);
    await runMigrations();
  }

  #newAuth() {
    const { requireSignature = true, rateLimit = false, secureCookies = false, session } = this.#options;
    const { requireEmailVerification = false, deviceSeconds = 1800, deviceInterval = '1s' } = this.#options;
    const send = ({ to, code }) => {
      this.mail.push({ to, code });
    };
    return betterAuth({
      baseURL: this.url,
      basePath: AUTH_PATH,
      secret: this.#database.secret,
      database: { db: this.#database.db, type: 'sqlite' },
      emailAndPassword: { enabled: true, requireEmailVerification },
      trustedOrigins: [`${SCHEME}:/`],
      session,
      rateLimit: { enabled: rateLimit },
      advanced: {
        ipAddress: { ipAddressHeaders: [CLIENT_ADDRESS_HEADER] },
        disableOriginCheck: false,
        useSecureCookies: secureCookies,
      },
      plugins: [
        bearer({ requireSignature }),
        username(),
        twoFactor({
          issuer: 'Latchkey test',
          otpOptions: { sendOTP: async ({ user, otp }) => send({ to: user.email, code: otp }) },
        }),
        emailOTP({ sendVerificationOTP: async ({ email, otp }) => send({ to: email, code: otp }) }),
        deviceAuthorization({
          verificationUri: '/device',
          expiresIn: `${deviceSeconds}s`,
          interval: deviceInterval,
          validateClient: async (id) => id === DEVICE_CLIENT,
        }),
        electron(),
        recipeRefresh(this.refreshes),
        ...(this.#campus ? [genericOAuth({ config: [this.#campus.clientOf('campus')] })] : []),
      ],
      logger: { disabled: true },
      telemetry: { enabled: false },
    });
  }

  async #handle(incoming, outgoing) {
    const [path] = incoming.url.split('?', 1);
    const { authorization, cookie = '', origin } = incoming.headers;
    const cookies = cookie
      .split('; ')
      .flatMap((pair) => pair.split('=', 1))
      .filter(Boolean);
    const entry = {
      method: incoming.method,
      path,
      status: null,
      authorization: Boolean(authorization),
      cookies,
      origin,
    };
    this.log.push(entry);
    const { path: at, makeResponse } = this.#interference ?? {};
    const instead = at === path ? makeResponse() : undefined;
    const response = instead === undefined ? await this.#respond(incoming) : instead;
    if (this.#delay?.path === path) {
      const { wait } = this.#delay;
      this.#delay = null;
      await wait();
    }
    if (response === null) return incoming.socket.destroy();
    entry.status = response.status;
    this.#noteSecrets(response.headers);
    return sendResponse(outgoing, response);
  }

  async #respond(incoming) {
    try {
      const request = await requestFrom(incoming, this.url);
      const { pathname } = new URL(request.url);
      // The pages of the site in front, which in a real browser would hold the official client.
      if (!pathname.startsWith('/api/')) return new Response('<!doctype html><title>Site</title>');
      return await answer(this.#auth, request);
    } catch (error) {
      if (error instanceof Refusal) return error.response;
      throw error;
    }
  }

  #noteSecrets(headers) {
    const token = headers.get('set-auth-token');
    const cookies = headers.getSetCookie().map((line) => /^[^=]+=([^;]*)/.exec(line)[1]);
    for (const secret of [token, ...cookies]) {
      if (!secret) continue;
      for (const form of [secret, decodeURIComponent(secret)]) {
        for (const part of form.split('.')) if (part.length >= 16) this.secrets.add(part);
      }
    }
  }

  async #remove() {
    await this.#database?.close();
    if (this.#folder) await rm(this.#folder, { recursive: true, force: true });
  }
}

function cookieHeader(response) {
  return response.headers
    .getSetCookie()
    .map((line) => line.split(';', 1)[0])
    .join('; ');
}
