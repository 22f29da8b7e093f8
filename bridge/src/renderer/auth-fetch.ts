import type { AuthBroker, BrokerRequestInit, BrokerResponse, Failure } from '../protocol.js';
import { AuthError } from './auth-error.js';
import { brokerOfWindow } from './broker.js';

/** Statuses whose responses have no body (WHATWG fetch, "null body status"). */
const NULL_BODY_STATUSES = new Set([204, 205, 304]);

/**
 * A standard `fetch` over the broker: the main process sends the request with the session's token.
 *
 * Any client that takes a fetch takes this one; for Better Auth it is `fetchOptions.customFetchImpl`.
 * A request that gets no response rejects with a `TypeError`, as the standard says, which also has the `code`.
 * Aborting rejects at once, and gives the request up in main; it may have reached the server.
 */
export function createAuthFetch(broker: AuthBroker = brokerOfWindow()): typeof fetch {
  const nextId = requestIds();
  return async (input, init) => {
    // The platform's own Request does the reading: defaults, header rules, and the encoding of every kind of body.
    const request = new Request(input, init);
    request.signal.throwIfAborted();
    const requestId = nextId();
    const prepared = { ...(await requestInit(request)), requestId };
    const result = await withAbort(request.signal, {
      start: () => broker.fetch(request.url, prepared),
      // What comes of it changes nothing here.
      abort: () => void broker.cancelFetch(requestId).catch(() => undefined),
    });
    if (!result.ok) throw failed(result);
    return toResponse(result.value);
  };
}

async function requestInit(request: Request): Promise<BrokerRequestInit> {
  const body = new Uint8Array(await request.arrayBuffer());
  return {
    method: request.method,
    headers: [...request.headers],
    ...(body.byteLength === 0 ? {} : { body }),
  };
}

// Unlike those of a page that was here before, whose requests may still be under way.
function requestIds(): () => string {
  const random = crypto.getRandomValues(new Uint32Array(4)).join('-');
  let count = 0;
  return () => `${random}-${count++}`;
}

interface Work<T> {
  start(): Promise<T>;
  abort(): void;
}

function withAbort<T>(signal: AbortSignal, work: Work<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    const abort = () => {
      reject(signal.reason);
      work.abort();
    };
    signal.addEventListener('abort', abort, { once: true });
    work
      .start()
      .then(resolve, reject)
      .finally(() => signal.removeEventListener('abort', abort));
  });
}

function toResponse({ status, statusText, url, headers, body }: BrokerResponse): Response {
  if (status < 200 || status > 599) {
    throw failed({
      code: 'ERR_UNEXPECTED_RESPONSE',
      message: 'The server answered with a status outside HTTP.',
    });
  }
  const content = NULL_BODY_STATUSES.has(status) ? null : (body as Uint8Array<ArrayBuffer>);
  const response = new Response(content, { status, statusText, headers });
  // The constructor cannot set the URL, and clients read it to see where a redirect ended.
  Object.defineProperty(response, 'url', { value: url });
  return response;
}

function failed(failure: Pick<Failure, 'code' | 'message'>): TypeError {
  const error = new TypeError(failure.message, { cause: new AuthError(failure) });
  return Object.assign(error, { code: failure.code });
}
