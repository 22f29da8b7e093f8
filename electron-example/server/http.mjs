// Between Node's http and the web's Request and Response, which Better Auth and the routes speak.
import { CLIENT_ADDRESS_HEADER } from './auth.mjs';

/** Sign-up is the largest request there is: a few hundred bytes. */
const MAX_BODY_BYTES = 64 * 1024;

const LOOPBACK_NAMES = new Set(['127.0.0.1', 'localhost', '[::1]']);

/** An answer that ends the handling of a request from anywhere below it. */
export class Refusal extends Error {
  constructor(status, code, message) {
    super(message);
    this.response = problem(status, code, message);
  }
}

/** The error shape that Better Auth's own routes have. */
export function problem(status, code, message) {
  return Response.json({ code, message }, { status });
}

/**
 * @param {import('node:http').IncomingMessage} incoming
 * @param {string} origin of this server
 * @returns {Promise<Request>}
 */
export async function requestFrom(incoming, origin) {
  refuseForeignHost(incoming.headers.host);
  // Some clients may send a whole URL here, as to a proxy. This is none.
  if (!incoming.url.startsWith('/'))
    throw new Refusal(400, 'BAD_REQUEST', 'The request target must be a path.');
  const headers = new Headers();
  for (const [name, value] of Object.entries(incoming.headers)) {
    headers.set(name, Array.isArray(value) ? value.join(', ') : value);
  }
  headers.set(CLIENT_ADDRESS_HEADER, incoming.socket.remoteAddress ?? '');
  const { method } = incoming;
  // The web's Request has no TRACE, and this server no use for it.
  if (method === 'TRACE') throw new Refusal(405, 'METHOD_NOT_ALLOWED', 'This server does not trace.');
  const hasBody = method !== 'GET' && method !== 'HEAD';
  return new Request(origin + incoming.url, {
    method,
    headers,
    body: hasBody ? await readBody(incoming) : undefined,
  });
}

/**
 * @param {import('node:http').ServerResponse} outgoing
 * @param {Response} response
 */
export async function sendResponse(outgoing, response) {
  const body = Buffer.from(await response.arrayBuffer());
  outgoing.statusCode = response.status;
  for (const [name, value] of response.headers) outgoing.setHeader(name, value);
  // Iterating gives each cookie by itself, and setHeader would keep only the last.
  const cookies = response.headers.getSetCookie();
  if (cookies.length > 0) outgoing.setHeader('set-cookie', cookies);
  // What is left of a body that was not read to its end would be taken for the next request.
  if (!outgoing.req.complete) outgoing.setHeader('connection', 'close');
  outgoing.end(body);
}

// A web page whose name is made to resolve to 127.0.0.1 would be of this server's origin to the
// browser (DNS rebinding). Its own name is still in the Host header.
function refuseForeignHost(host = '') {
  if (!LOOPBACK_NAMES.has(host.replace(/:\d+$/, ''))) {
    throw new Refusal(421, 'MISDIRECTED_REQUEST', 'This server answers on the loopback address only.');
  }
}

async function readBody(incoming) {
  const chunks = [];
  let size = 0;
  try {
    // The stream must outlive the loop: destroying it would cut the connection the refusal goes out on.
    for await (const chunk of incoming.iterator({ destroyOnReturn: false })) {
      size += chunk.length;
      if (size > MAX_BODY_BYTES) break;
      chunks.push(chunk);
    }
  } catch {
    throw new Refusal(400, 'BAD_REQUEST', 'The request ended before its body did.');
  }
  if (size > MAX_BODY_BYTES) {
    throw new Refusal(413, 'PAYLOAD_TOO_LARGE', `A request body may have ${MAX_BODY_BYTES} bytes at most.`);
  }
  return Buffer.concat(chunks);
}
