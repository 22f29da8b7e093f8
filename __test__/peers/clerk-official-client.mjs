// The official Clerk client against a fake Clerk: a process that does as it is told.
import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { existsSync } from 'node:fs';
import { CLERK_CLIENT } from '../../scripts/clerk-client.mjs';

const ENTRY = new URL('./clerk-official-client.cjs', import.meta.url);

export class OfficialClient {
  #child;
  #heard = [];
  #waiting = [];
  #output = '';
  /** What plays the person when a browser opens: takes the URL, answers with where the browser was sent to. */
  browser = async () => assert.fail('a browser opened');

  /** @param {import('./clerk-server.mjs').ClerkServer} server */
  static async start(t, server) {
    assert.ok(existsSync(CLERK_CLIENT), `${CLERK_CLIENT} is missing: npm test sets it up`);
    const client = new OfficialClient(t, server);
    assert.equal(await client.#next(), 'ready');
    return client;
  }

  constructor(t, server) {
    this.#child = fork(ENTRY, [CLERK_CLIENT, server.url], { silent: true });
    for (const stream of [this.#child.stdout, this.#child.stderr])
      stream.on('data', (chunk) => (this.#output += chunk));
    t.after(() => this.#child.kill('SIGKILL'));
    this.#child.on('message', async ({ value, opened }) => {
      if (opened !== undefined) this.#child.send({ returned: await this.browser(opened) });
      else this.#settle({ value });
    });
    this.#child.on('exit', () => this.#settle({ error: new Error(`the client ended\n${this.#output}`) }));
  }

  /** Has the client do this; `{ refused, status }` when the server refused. */
  async tell(name, ...args) {
    this.#child.send({ order: [name, ...args] });
    return this.#next();
  }

  #settle(outcome) {
    if (this.#waiting.length > 0) this.#waiting.shift()(outcome);
    else this.#heard.push(outcome);
  }

  async #next() {
    const outcome =
      this.#heard.length > 0
        ? this.#heard.shift()
        : await new Promise((resolve) => this.#waiting.push(resolve));
    if (outcome.error) throw outcome.error;
    return outcome.value;
  }
}
