// An HTTP server on the loopback address whose port can be closed and opened again; gone when its test ends.
import { once } from 'node:events';
import http from 'node:http';
import { setTimeout } from 'node:timers/promises';

const HOST = '127.0.0.1';
/** While the port is closed somebody else's connection may come to use it, for a moment. */
const REOPEN_TIMEOUT_MS = 5000;

export class Loopback {
  #handler;
  #server = null;
  #port = 0;

  /**
   * @param {import('node:test').TestContext} t one that a whole file shares: pass `{ after }` of node:test
   * @param {http.RequestListener} handler
   */
  static async start(t, handler) {
    const loopback = new Loopback(handler);
    t.after(() => loopback.close());
    await loopback.open();
    return loopback;
  }

  constructor(handler) {
    this.#handler = handler;
  }

  get url() {
    return `http://${HOST}:${this.#port}`;
  }

  /** Listens, on the port it had before if it had one. */
  async open() {
    const deadline = Date.now() + REOPEN_TIMEOUT_MS;
    while (this.#server === null) {
      try {
        this.#server = await listen(this.#handler, this.#port);
      } catch (error) {
        if (error.code !== 'EADDRINUSE' || Date.now() > deadline) throw error;
        await setTimeout(10);
      }
    }
    this.#port = this.#server.address().port;
  }

  /** Ends every connection and closes the port: whoever connects now is refused. */
  async close() {
    const server = this.#server;
    this.#server = null;
    if (server === null) return;
    const closed = once(server, 'close');
    server.close();
    server.closeAllConnections();
    await closed;
  }
}

async function listen(handler, port) {
  const server = http.createServer(handler);
  server.listen(port, HOST);
  await once(server, 'listening');
  return server;
}

/** The whole body of a request or an answer. */
export async function readAll(stream) {
  const chunks = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks);
}

export function sendJson(response, status, body, headers = {}) {
  response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
}

/** The bearer token of a request, or `undefined`. */
export function bearerOf(request) {
  return /^bearer (.+)$/i.exec(request.headers.authorization ?? '')?.[1];
}
