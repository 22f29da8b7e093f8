// The example's real server, in this process, with its test controls; it can be stopped and started again.
import diagnostics from 'node:diagnostics_channel';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { startServer } from '../server/server.mjs';

export { DEMO_USER } from '../server/server.mjs';

export class Server {
  /** Every session token that the server gave out or was shown, as it went over the wire. */
  tokens = new Set();
  #running = null;
  #url = null;

  /** @param {import('node:test').TestContext} t it is stopped and removed when this test ends */
  static async start(t, options = {}) {
    const server = new Server(await mkdtemp(join(tmpdir(), 'latchkey-server-')), options);
    t.after(() => server.#remove());
    diagnostics.subscribe('http.server.request.start', server.#onRequest);
    diagnostics.subscribe('http.server.response.finish', server.#onResponse);
    await server.start();
    return server;
  }

  constructor(folder, options) {
    this.folder = folder;
    this.options = options;
  }

  get url() {
    return this.#url;
  }

  async start() {
    this.#running = await startServer({
      databaseFile: join(this.folder, 'auth.db'),
      port: this.#url === null ? 0 : Number(new URL(this.#url).port),
      testControls: true,
      ...this.options,
    });
    this.#url = this.#running.url;
  }

  async stop() {
    const running = this.#running;
    this.#running = null;
    await running?.close();
  }

  /** Answers of this kind from now on: up, drop, error500, html, empty. */
  mode(mode, match = '/') {
    return this.#control('POST', 'mode', { mode, match });
  }

  revoke(email) {
    return this.#control('POST', 'revoke', { email });
  }

  touch(email, expiresInMs) {
    return this.#control('POST', 'touch', { email, expiresInMs });
  }

  /** The code in the last message to this address; null when it has none. */
  async mailedCode(email) {
    const { sent, code } = await this.#control('GET', `mail?to=${encodeURIComponent(email)}`);
    if (!sent) throw new Error(`nothing was sent to ${email}`);
    return code;
  }

  async sessions(email) {
    return (await this.#control('GET', `sessions?email=${encodeURIComponent(email)}`)).count;
  }

  /** Waits until this person has that many sessions. */
  async hasSessions(email, count) {
    const deadline = Date.now() + 10_000;
    while ((await this.sessions(email)) !== count) {
      if (Date.now() > deadline) throw new Error(`${email} does not come to have ${count} sessions`);
      await wait(20);
    }
  }

  /** The requests since the last {@link clearLog}, as `"GET /api/profile 200"`. */
  async requests() {
    const log = await this.#control('GET', 'log');
    return log.map(({ method, path, status }) => `${method} ${path} ${status}`);
  }

  /** The requests since the last {@link clearLog} that carried a token. */
  async tokensShown() {
    return (await this.#control('GET', 'log')).filter(({ authorization }) => authorization);
  }

  clearLog() {
    return this.#control('DELETE', 'log');
  }

  /** Calls `listener` once, when a request for this path arrives or (`response`) was answered. */
  once(moment, path, listener) {
    const channel = moment === 'request' ? 'http.server.request.start' : 'http.server.response.finish';
    const onMessage = ({ request }) => {
      if (!request.url.startsWith(path)) return;
      diagnostics.unsubscribe(channel, onMessage);
      listener();
    };
    diagnostics.subscribe(channel, onMessage);
  }

  #onRequest = ({ request }) => {
    const { authorization = '' } = request.headers;
    const [scheme, token] = authorization.split(' ');
    if (scheme.toLowerCase() === 'bearer' && token) this.tokens.add(token);
  };

  #onResponse = ({ response }) => {
    const token = response.getHeader('set-auth-token');
    if (token) this.tokens.add(String(token));
  };

  async #control(method, path, body) {
    const response = await fetch(`${this.#url}/__test/${path}`, {
      method,
      ...(body === undefined
        ? {}
        : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
    });
    if (!response.ok) throw new Error(`test control ${path}: ${response.status} ${await response.text()}`);
    return response.json();
  }

  async #remove() {
    diagnostics.unsubscribe('http.server.request.start', this.#onRequest);
    diagnostics.unsubscribe('http.server.response.finish', this.#onResponse);
    await this.stop();
    await rm(this.folder, { recursive: true, force: true });
  }
}
