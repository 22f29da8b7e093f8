// A real Better Auth server, with the face that the other servers here have. Its token is asked about and prolonged, never
// replaced: asking twice spoils nothing.
import { randomUUID } from 'node:crypto';
import { Server } from '../../electron-example/e2e/server.mjs';
import { FaultProxy } from './fault-proxy.mjs';

export class BetterAuthServer {
  #server;
  #proxy;

  /**
   * @param {import('node:test').TestContext} t it is gone when this test ends
   * @param {object} [options]
   * @param {number} [options.accessTokenSeconds] how long a session lives from the last time it was asked about; default 3
   * @param {FaultProxy} [options.behind] its clients come through this proxy
   */
  static async start(t, { accessTokenSeconds = 3, behind } = {}) {
    const server = new BetterAuthServer();
    server.#server = await Server.start(t, { expiresIn: accessTokenSeconds, updateAge: 0 });
    server.#proxy = behind ?? (await FaultProxy.start(t));
    server.#proxy.forwardTo(server.#server.url);
    return server;
  }

  get url() {
    return this.#proxy.url;
  }

  get provider() {
    return { type: 'better-auth', baseUrl: `${this.url}/api/auth` };
  }

  get refreshPath() {
    return '/api/auth/get-session';
  }

  get resource() {
    return `${this.url}/api/profile`;
  }

  get counts() {
    return { refreshes: this.#refreshes.length, granted: this.grantedAtMs.length, reuses: 0 };
  }

  get grantedAtMs() {
    return this.#refreshes.filter(({ status }) => status === 200).map(({ atMs }) => atMs);
  }

  /** Signs somebody new in to this session; answers who, for `isAlive`. */
  async enter(session) {
    const person = {
      email: `${randomUUID()}@example.com`,
      password: 'difference-engine',
      name: 'Ada Lovelace',
    };
    await session.signUp(person);
    return person;
  }

  async isAlive({ email }) {
    return (await this.#server.sessions(email)) > 0;
  }

  revoke({ email }) {
    return this.#server.revoke(email);
  }

  get #refreshes() {
    return this.#proxy.log.filter(({ path, forwarded }) => path === this.refreshPath && forwarded);
  }
}
