/**
 * What `fetch` was called with, in the form that the addon takes.
 *
 * Read here and not by the runtime's own `Request`, which Electron before 25 does not have in main, and which does not tell
 * a body in memory, that can be sent again, from a stream, that cannot.
 */
import type { FetchExchange } from 'electron-latchkey';

export interface SessionRequest {
  url: string;
  method: string;
  headers: [string, string][];
  /** In memory, or a stream with its length where that is known. */
  body: string | Uint8Array | { source: BodySource; length: number | null } | null;
  redirect: 'follow' | 'manual' | 'error';
  signal: AbortSignal | null;
}

/** Bodies that come as a Blob, a FormData or in a Request are taken into memory up to this size, and can be sent again. */
const REPLAYABLE_BYTES = 1024 * 1024;

/** The WHATWG fetch standard forbids them. */
const FORBIDDEN_METHODS = new Set(['CONNECT', 'TRACE', 'TRACK']);
/** The others are sent as they are written. */
const NORMALIZED_METHODS = new Set(['DELETE', 'GET', 'HEAD', 'OPTIONS', 'PATCH', 'POST', 'PUT']);
const HTTP_WHITESPACE = /^[\t\n\r ]+|[\t\n\r ]+$/g;

/** @throws TypeError as the standard says, before anything is sent. */
export async function readRequest(input: unknown, init: unknown): Promise<SessionRequest> {
  const given = asRequest(input);
  const options = (init ?? {}) as RequestInit;
  if (options.integrity) throw invalid('integrity is not supported.');
  const method = parseMethod(options.method ?? given?.method ?? 'GET');
  const headers = parseHeaders(options.headers ?? given?.headers);
  const signal = parseSignal(options.signal === undefined ? given?.signal : options.signal);
  const { body, type } = await readBody(given, options.body, method);
  if (type !== null && !headers.some(([name]) => name.toLowerCase() === 'content-type')) {
    headers.push(['content-type', type]);
  }
  return {
    url: given === null ? parseUrl(input) : given.url,
    method,
    headers,
    body,
    redirect: parseRedirect(options.redirect ?? given?.redirect ?? 'follow'),
    signal,
  };
}

/** A `Request`, of whichever implementation. */
function asRequest(input: unknown): Request | null {
  if (typeof input !== 'object' || input === null || input instanceof URL) return null;
  return typeof (input as Request).url === 'string' && 'headers' in input ? (input as Request) : null;
}

function parseUrl(input: unknown): string {
  let url: URL;
  try {
    url = new URL(String(input));
  } catch {
    throw invalid('The URL must be absolute.');
  }
  if (url.username !== '' || url.password !== '') throw invalid('No user name or password in the URL.');
  return url.href;
}

function parseMethod(method: string): string {
  const upper = String(method).toUpperCase();
  if (FORBIDDEN_METHODS.has(upper)) throw invalid(`The method ${upper} is not allowed.`);
  return NORMALIZED_METHODS.has(upper) ? upper : String(method);
}

function parseHeaders(headers: unknown): [string, string][] {
  if (headers === undefined || headers === null) return [];
  if (typeof headers !== 'object') throw invalid('headers must be an object, pairs, or Headers.');
  const entries = Symbol.iterator in headers ? [...(headers as Iterable<unknown>)] : Object.entries(headers);
  return entries.map((entry) => {
    const pair = typeof entry === 'object' && entry !== null ? [...(entry as Iterable<unknown>)] : [];
    if (pair.length !== 2) throw invalid('Each header is a pair of a name and a value.');
    return [String(pair[0]), String(pair[1]).replace(HTTP_WHITESPACE, '')];
  });
}

function parseSignal(signal: unknown): AbortSignal | null {
  if (signal === undefined || signal === null) return null;
  const { addEventListener, removeEventListener } = signal as AbortSignal;
  if (typeof addEventListener === 'function' && typeof removeEventListener === 'function')
    return signal as AbortSignal;
  throw invalid('signal must be an AbortSignal.');
}

function parseRedirect(redirect: unknown): 'follow' | 'manual' | 'error' {
  if (redirect === 'follow' || redirect === 'manual' || redirect === 'error') return redirect;
  throw invalid('redirect must be "follow", "manual" or "error".');
}

interface ReadBody {
  body: SessionRequest['body'];
  /** The content type that the kind of body brings with it. */
  type: string | null;
}

async function readBody(given: Request | null, body: unknown, method: string): Promise<ReadBody> {
  const content = body ?? (given === null ? null : given.body);
  if (content === null || content === undefined) return { body: null, type: null };
  if (method === 'GET' || method === 'HEAD') throw invalid(`A ${method} has no body.`);
  if (body !== undefined && body !== null) return extractBody(body);
  if (given?.bodyUsed) throw invalid('The body of the Request has been used.');
  // Its own headers tell the type.
  return { body: await intoMemory(content as AsyncIterable<unknown>), type: null };
}

/** WHATWG fetch, "extract a body". */
async function extractBody(body: unknown): Promise<ReadBody> {
  if (body instanceof URLSearchParams) {
    return { body: body.toString(), type: 'application/x-www-form-urlencoded;charset=UTF-8' };
  }
  if (typeof body === 'object' && body !== null) {
    const bytes = bytesOf(body);
    if (bytes !== null) return { body: bytes, type: null };
    if (isBlob(body)) return extractBlob(body);
    if (isFormData(body)) return extractForm(body);
    if (isStream(body)) return { body: { source: new BodySource(body), length: null }, type: null };
  }
  return { body: String(body), type: 'text/plain;charset=UTF-8' };
}

async function extractBlob(blob: Blob): Promise<ReadBody> {
  const type = blob.type === '' ? null : blob.type;
  if (blob.size <= REPLAYABLE_BYTES) return { body: new Uint8Array(await blob.arrayBuffer()), type };
  const source = new BodySource(blob.stream() as unknown as AsyncIterable<unknown>);
  return { body: { source, length: blob.size }, type };
}

async function extractForm(form: FormData): Promise<ReadBody> {
  // The runtime that has FormData has what encodes it.
  const encoded = new Response(form);
  const stream = encoded.body as unknown as AsyncIterable<unknown>;
  return { body: await intoMemory(stream), type: encoded.headers.get('content-type') };
}

function isBlob(body: object): body is Blob {
  return typeof (body as Blob).arrayBuffer === 'function' && typeof (body as Blob).stream === 'function';
}

function isFormData(body: object): body is FormData {
  return typeof FormData === 'function' && body instanceof FormData;
}

function isStream(body: object): body is AsyncIterable<unknown> {
  return Symbol.asyncIterator in body || typeof (body as ReadableStream).getReader === 'function';
}

/** A body in memory when it ends within the limit; otherwise a stream that begins with what was read. */
async function intoMemory(content: AsyncIterable<unknown>): Promise<SessionRequest['body']> {
  const source = new BodySource(content);
  const pieces: Uint8Array[] = [];
  let length = 0;
  while (length <= REPLAYABLE_BYTES) {
    const piece = await source.next();
    if (piece === null) return Buffer.concat(pieces);
    pieces.push(piece);
    length += piece.byteLength;
  }
  source.putBack(pieces);
  return { source, length: null };
}

/** The application's stream of bytes, read when the connection has room. */
export class BodySource {
  readonly #read: () => Promise<{ done?: boolean | undefined; value?: unknown }>;
  readonly #cancel: () => unknown;
  #before: Uint8Array[] = [];
  #over = false;

  constructor(stream: AsyncIterable<unknown>) {
    if (typeof (stream as unknown as ReadableStream).getReader === 'function') {
      // Not its iterator: that one cannot be stopped while a read is pending.
      const reader = (stream as unknown as ReadableStream).getReader();
      this.#read = () => reader.read();
      this.#cancel = () => reader.cancel();
    } else {
      const iterator = stream[Symbol.asyncIterator]();
      this.#read = () => iterator.next();
      this.#cancel = () => iterator.return?.();
    }
  }

  async next(): Promise<Uint8Array | null> {
    const before = this.#before.shift();
    if (before !== undefined) return before;
    const { done, value } = await this.#read();
    if (done) {
      this.#over = true;
      return null;
    }
    const bytes = typeof value === 'object' && value !== null ? bytesOf(value) : null;
    if (bytes === null) {
      this.stop();
      throw new TypeError('A stream that is the body of a request must give bytes (Uint8Array).');
    }
    return bytes;
  }

  putBack(pieces: Uint8Array[]): void {
    this.#before = pieces;
  }

  /** Writes all of it, piece by piece, each when there is room for it. */
  async pump(exchange: FetchExchange): Promise<void> {
    for (let piece = await this.next(); piece !== null; piece = await this.next()) {
      if (!(await exchange.write(piece))) return this.stop();
    }
    await exchange.end();
  }

  /** Tells the stream that no more of it is wanted. */
  stop(): void {
    if (this.#over) return;
    this.#over = true;
    // It has failed, or ends as it was told; both are known here.
    Promise.resolve()
      .then(this.#cancel)
      .catch(() => undefined);
  }
}

function bytesOf(value: object): Uint8Array | null {
  if (value instanceof Uint8Array) return value;
  if (ArrayBuffer.isView(value)) return new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
  if (value instanceof ArrayBuffer || value instanceof SharedArrayBuffer) return new Uint8Array(value);
  return null;
}

function invalid(message: string): TypeError {
  return Object.assign(new TypeError(`fetch: ${message}`), { code: 'ERR_INVALID_ARGUMENT' });
}
