import type { AuthSession, FetchExchange, FetchHead } from 'electron-latchkey';
import { isLatchkeyError } from '../failure.js';
import { type BodySource, readRequest, type SessionRequest } from './request.js';
import { makeResponse } from './response.js';
import { ReadableStream } from './streams.js';

/** What the requests of one `fetch` have in common. */
export interface FetchOptions {
  /**
   * In milliseconds: how long the answer's header may take, and then how long the server may be silent; for a streamed
   * body, how long the server may leave it untouched. Default 30000.
   */
  timeoutMs?: number;
  /** The largest answer that is taken, in bytes; beyond it the body fails with `ERR_RESPONSE_TOO_LARGE`. Default: no limit. */
  maxResponseBytes?: number;
}

/** Statuses whose responses have no body (WHATWG fetch, "null body status"). */
const NULL_BODY_STATUSES = new Set([101, 103, 204, 205, 304]);

/**
 * A standard `fetch` (WHATWG) for the main process: Rust sends the request with the session's token, to the provider's origin
 * and the allowed ones only.
 *
 * Takes a string, a `URL` or a `Request`, and bodies of every kind. Bodies in memory, and of Blob, FormData and Request up to
 * 1 MiB, are sent again when a 401 was answered and a new token could be had. A stream is sent once, as it is read: a token
 * that is due is renewed before, and a 401 is the answer. The response's body is read from the network as it is asked for.
 *
 * Resolves to a `Response`; on Electron before 25, which has none in main, to an object with `status`, `statusText`, `ok`,
 * `url`, `redirected`, `headers`, `body`, `bodyUsed`, `text()`, `json()`, `arrayBuffer()`, `bytes()`.
 *
 * A request that gets no response rejects with a `TypeError` that has a `code` (docs/errors.md) and, as its `cause`, the error.
 * Aborting rejects with the signal's reason and closes the connection at once; a renewal of the token goes on. Redirects are
 * followed within one origin. `cache`, `credentials`, `mode`, `referrer` and `keepalive` say nothing here and are ignored.
 */
export function createFetch(session: AuthSession, options: FetchOptions = {}): typeof fetch {
  const authFetch = async (input: unknown, init?: unknown) => {
    const request = await readRequest(input, init);
    return new Running(session, request, options).respond();
  };
  return authFetch as unknown as typeof fetch;
}

/** One request under way. */
class Running {
  readonly #request: SessionRequest;
  readonly #exchange: FetchExchange;
  readonly #source: BodySource | null;
  #body: ReadableByteStreamController | null = null;
  /** Why it was given up. */
  #reason: { error: unknown } | null = null;

  constructor(session: AuthSession, request: SessionRequest, options: FetchOptions) {
    const { url, method, headers, body, redirect } = request;
    const streamed = body !== null && typeof body === 'object' && 'source' in body;
    this.#request = request;
    this.#source = streamed ? body.source : null;
    this.#exchange = session.exchange(
      url,
      { ...options, method, headers, redirect, ...(body === null || streamed ? {} : { body }) },
      streamed ? { upload: true, ...(body.length === null ? {} : { contentLength: body.length }) } : null,
    );
  }

  async respond(): Promise<unknown> {
    const { signal } = this.#request;
    signal?.addEventListener('abort', this.#abort, { once: true });
    try {
      if (signal?.aborted) this.#abort();
      const answering = this.#exchange.response();
      this.#upload();
      return this.#toResponse(await answering);
    } catch (error) {
      this.#settle();
      throw this.#failure(error);
    }
  }

  #abort = (): void => this.#giveUp(abortReason(this.#request.signal));

  #giveUp(error: unknown): void {
    if (this.#reason !== null) return;
    this.#reason = { error };
    this.#exchange.cancel();
    this.#settle();
    this.#body?.error(error);
  }

  /** Nothing more is expected of the application: neither its signal nor its stream is followed any longer. */
  #settle(): void {
    this.#request.signal?.removeEventListener('abort', this.#abort);
    this.#source?.stop();
  }

  #failure(error: unknown): unknown {
    return this.#reason === null ? failed(error) : this.#reason.error;
  }

  #upload(): void {
    if (this.#source === null) return;
    this.#source.pump(this.#exchange).catch((cause: unknown) => {
      const error = new TypeError('The stream that is the body of the request failed.', { cause });
      this.#giveUp(Object.assign(error, { code: 'ERR_ABORTED' }));
    });
  }

  #toResponse(head: FetchHead): unknown {
    if (head.status < 200 || head.status > 599) {
      throw Object.assign(new TypeError('The server answered with a status outside HTTP.'), {
        code: 'ERR_UNEXPECTED_RESPONSE',
      });
    }
    return makeResponse(head, this.#bodyOf(head));
  }

  #bodyOf(head: FetchHead): Uint8Array | ReadableStream | null {
    if (NULL_BODY_STATUSES.has(head.status) || this.#request.method === 'HEAD' || head.complete) {
      if (!head.complete) this.#exchange.cancel();
      // What is still being sent may go on: the server has merely answered early.
      this.#request.signal?.removeEventListener('abort', this.#abort);
      return head.complete && head.first.byteLength > 0 ? head.first : null;
    }
    return new ReadableStream({
      type: 'bytes',
      start: (controller) => {
        this.#body = controller;
        if (head.first.byteLength > 0) controller.enqueue(head.first);
      },
      pull: (controller) => this.#pull(controller),
      cancel: () => {
        this.#settle();
        this.#exchange.cancel();
      },
    });
  }

  async #pull(controller: ReadableByteStreamController): Promise<void> {
    try {
      const piece = await this.#exchange.read();
      if (this.#reason !== null) return;
      if (piece !== null) return controller.enqueue(piece);
      this.#settle();
      controller.close();
      controller.byobRequest?.respond(0);
    } catch (error) {
      if (this.#reason !== null) return;
      this.#settle();
      controller.error(failed(error));
    }
  }
}

function failed(error: unknown): unknown {
  if (!isLatchkeyError(error)) return error;
  return Object.assign(new TypeError(error.message, { cause: error }), { code: error.code });
}

function abortReason(signal: AbortSignal | null): unknown {
  if (signal?.reason !== undefined) return signal.reason;
  const message = 'This operation was aborted';
  if (typeof DOMException === 'function') return new DOMException(message, 'AbortError');
  return Object.assign(new Error(message), { name: 'AbortError' });
}

type ReadableByteStreamController = import('node:stream/web').ReadableByteStreamController;
