// A proxy between a client and a real server that makes the faults of a network, and of what stands in front of servers.
// It knows nothing of what it carries: requests and answers are small, and read whole.
import http from 'node:http';
import { setTimeout } from 'node:timers/promises';
import { Loopback, readAll } from './loopback.mjs';

const HTML = '<!doctype html><title>Gateway</title><h1>Something in between has answered.</h1>';
const PLACEHOLDER = JSON.stringify({ message: 'What an answer would hold. Half of it is no JSON.' });

/**
 * What each fault does with a request that was read. `forwards` says whether the server gets it: the server has then done
 * what it was asked for, and only the answer is spoilt. `refuse` is not here: no request is read while the port is closed.
 */
const FAULTS = {
  /** Destroyed without an answer. The server never saw the request, which the client cannot know. */
  drop: { forwards: false, spoil: ({ response }) => response.socket.destroy() },
  /** Destroyed without the server's answer. To the client the same as `drop`. */
  lost: { forwards: true, spoil: ({ response }) => response.socket.destroy() },
  /** No answer, and the connection stays. */
  hang: { forwards: true, spoil: () => {} },
  /** The connection ends in the middle of the body that was announced. */
  truncated: { forwards: true, spoil: truncate },
  garbage: {
    forwards: true,
    spoil: ({ response }) => send(response, 200, 'application/json', '<<<not json'),
  },
  empty200: { forwards: true, spoil: ({ response }) => send(response, 200, 'application/json', '') },
  html200: { forwards: true, spoil: ({ response }) => send(response, 200, 'text/html', HTML) },
  html502: { forwards: true, spoil: ({ response }) => send(response, 502, 'text/html', HTML) },
  503: { forwards: false, spoil: ({ response }) => send(response, 503, 'text/plain', 'Not now.') },
  429: {
    forwards: false,
    spoil: ({ response, fault }) => {
      // The second is Better Auth's.
      for (const name of ['retry-after', 'x-retry-after'])
        response.setHeader(name, String(fault.retryAfterSeconds));
      send(response, 429, 'application/json', '{"message":"Too many requests."}');
    },
  },
};

export const FAULT_MODES = ['refuse', ...Object.keys(FAULTS)];

export class FaultProxy {
  /**
   * Every request that was read: `{ atMs, method, path, fault, forwarded, status }`, without query, header or body;
   * `status` is the server's, whatever the client was shown.
   */
  log = [];
  #loopback;
  #target = null;
  #faults = [];
  #delay = () => ({});
  #agent = new http.Agent({ keepAlive: true });

  /** @param {import('node:test').TestContext} t it is gone when this test ends */
  static async start(t, target = null) {
    const proxy = new FaultProxy();
    proxy.#target = target;
    t.after(() => proxy.#agent.destroy());
    proxy.#loopback = await Loopback.start(t, (request, response) => proxy.#handle(request, response));
    return proxy;
  }

  get url() {
    return this.#loopback.url;
  }

  /** Where requests go. The `Host` they came with goes with them. */
  forwardTo(url) {
    this.#target = url;
  }

  /**
   * From now on requests for this path fail, `count` of them. An earlier fault that matches goes first.
   *
   * @param {'refuse' | 'drop' | 'lost' | 'hang' | 'truncated' | 'garbage' | 'empty200' | 'html200' | 'html502' | '503' | '429'} mode
   *   `refuse` closes the port and with it every connection, until `heal`
   * @param {object} [options]
   * @param {string} [options.match] a path, or the beginning of paths where it ends with a slash; default all
   * @param {boolean} [options.forward] whether the server gets the request all the same, where that is not the fault's own
   */
  async fail(mode, { match = '/', count = Number.POSITIVE_INFINITY, forward, retryAfterSeconds = 1 } = {}) {
    if (mode === 'refuse') return this.#loopback.close();
    if (!Object.hasOwn(FAULTS, mode)) throw new Error(`there is no fault '${mode}'`);
    const forwards = forward ?? FAULTS[mode].forwards;
    this.#faults.push({ mode: String(mode), match, left: count, forwards, retryAfterSeconds });
  }

  /** No faults from now on, and the port is open. What hangs goes on hanging. */
  async heal() {
    this.#faults = [];
    await this.#loopback.open();
  }

  /**
   * Requests for this path wait, before they are forwarded and before their answer is passed on.
   *
   * @param {string} match
   * @param {() => { beforeMs?: number, afterMs?: number }} times asked anew for each request
   */
  delay(match, times) {
    this.#delay = (path) => (matches(match, path) ? times() : {});
  }

  /** How many requests for this path were read. */
  seen(match) {
    return this.log.filter(({ path }) => matches(match, path)).length;
  }

  async #handle(request, response) {
    response.on('error', () => {}); // the client may have gone
    const path = request.url.split('?', 1)[0];
    const fault = this.#take(path);
    const { method } = request;
    const entry = {
      atMs: Date.now(),
      method,
      path,
      fault: fault?.mode ?? null,
      forwarded: false,
      status: null,
    };
    this.log.push(entry);
    try {
      const body = await readAll(request);
      const { beforeMs = 0, afterMs = 0 } = this.#delay(path);
      if (beforeMs > 0) await setTimeout(beforeMs);
      let answer = null;
      if (fault?.forwards ?? true) {
        entry.forwarded = true;
        answer = await this.#forward(request, body);
        entry.status = answer.status;
      }
      if (afterMs > 0) await setTimeout(afterMs);
      if (fault) FAULTS[fault.mode].spoil({ response, answer, fault });
      else response.writeHead(answer.status, answer.headers).end(answer.body);
    } catch {
      response.socket?.destroy(); // one of the two sides has gone: so does the other
    }
  }

  #take(path) {
    const fault = this.#faults.find(({ match, left }) => left > 0 && matches(match, path));
    if (fault) fault.left--;
    return fault;
  }

  async #forward({ method, url, rawHeaders }, body) {
    const options = { method, headers: rawHeaders, agent: this.#agent };
    const answer = await new Promise((resolve, reject) => {
      const request = http.request(new URL(url, this.#target), options, resolve);
      request.on('error', reject).end(body);
    });
    return { status: answer.statusCode, headers: answer.rawHeaders, body: await readAll(answer) };
  }
}

function matches(match, path) {
  return match.endsWith('/') ? path.startsWith(match) : path === match;
}

function send(response, status, type, body) {
  response.writeHead(status, { 'content-type': type, 'content-length': Buffer.byteLength(body) }).end(body);
}

function truncate({ response, answer }) {
  const body = answer?.body.length > 1 ? answer.body : Buffer.from(PLACEHOLDER);
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': body.length });
  response.write(body.subarray(0, body.length / 2), () => response.socket.destroy());
}
