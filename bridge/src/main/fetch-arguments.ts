/**
 * The requests that a page sends, from unknown to typed. Only the named fields are read, only when they are the object's
 * own, and each has a bound: a page may be hostile, and the addon should meet nothing but requests of a sane size.
 */
import type { BrokerRequestInit } from '../protocol.js';
import type { BridgeError } from './failure.js';
import { asRecord, invalid, own } from './parse.js';

/** Servers refuse longer request lines (Node at 16 KiB of header in all). */
const MAX_URL_LENGTH = 8 * 1024;
const MAX_METHOD_LENGTH = 32;
const MAX_HEADERS = 100;
/** Longer than any identifier that is drawn at random. */
const MAX_REQUEST_ID_LENGTH = 64;
/** Node's own limit for a request's header block. */
const MAX_HEADER_CHARACTERS = 16 * 1024;
/** A body is copied page → main → addon; larger uploads belong in a stream. */
const MAX_BODY_BYTES = 16 * 1024 * 1024;

/** RFC 9110, section 5.6.2. */
const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
/** RFC 9110, section 5.5, plus tab: no control characters, so no line can be smuggled in. */
const HEADER_VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;
/** The WHATWG fetch standard forbids them to pages. */
const FORBIDDEN_METHODS = new Set(['CONNECT', 'TRACE', 'TRACK']);

export interface FetchRequest {
  url: string;
  init: Omit<BrokerRequestInit, 'requestId'>;
  requestId?: string;
}

export function parseFetch(args: readonly unknown[]): FetchRequest {
  const [url, init] = args;
  const { requestId, ...request } = parseInit(init);
  return { url: parseUrl(url), init: request, ...(requestId === undefined ? {} : { requestId }) };
}

/** What a request holds in memory while it is under way. */
export function bytesOf({ init: { body } }: FetchRequest): number {
  return body === undefined ? 0 : Buffer.byteLength(body);
}

export function parseRequestId(value: unknown): string {
  if (typeof value !== 'string' || value.length === 0 || value.length > MAX_REQUEST_ID_LENGTH) {
    throw invalid(`fetch: requestId must be a text of 1 to ${MAX_REQUEST_ID_LENGTH} characters.`);
  }
  return value;
}

function parseUrl(value: unknown): string {
  if (typeof value !== 'string' || value.length > MAX_URL_LENGTH) {
    throw invalid(`fetch: the URL must be a string of at most ${MAX_URL_LENGTH} characters.`);
  }
  const url = parsedUrl(value);
  if (url.protocol !== 'http:' && url.protocol !== 'https:')
    throw invalid('fetch: only http and https URLs.');
  if (url.username !== '' || url.password !== '')
    throw invalid('fetch: no user name or password in the URL.');
  return url.href;
}

function parsedUrl(value: string): URL {
  try {
    return new URL(value);
  } catch {
    throw invalid('fetch: the URL must be absolute.');
  }
}

function parseInit(value: unknown): BrokerRequestInit {
  if (value === undefined) return {};
  const record = asRecord(value, 'fetch: the second argument must be an object.');
  const init: BrokerRequestInit = {};
  const method = own(record, 'method');
  const headers = own(record, 'headers');
  const body = own(record, 'body');
  const requestId = own(record, 'requestId');
  if (method !== undefined) init.method = parseMethod(method);
  if (headers !== undefined) init.headers = parseHeaders(headers);
  if (body !== undefined) init.body = parseBody(body);
  if (requestId !== undefined) init.requestId = parseRequestId(requestId);
  return init;
}

function parseMethod(value: unknown): string {
  if (typeof value !== 'string' || value.length > MAX_METHOD_LENGTH || !TOKEN.test(value)) {
    throw invalid('fetch: the method is not an HTTP method.');
  }
  if (FORBIDDEN_METHODS.has(value.toUpperCase())) throw invalid('fetch: the method is not allowed.');
  return value;
}

function parseHeaders(value: unknown): [string, string][] {
  if (!Array.isArray(value) || value.length > MAX_HEADERS) {
    throw invalid(`fetch: headers must be an array of at most ${MAX_HEADERS} pairs.`);
  }
  let characters = 0;
  const headers: [string, string][] = [];
  for (const entry of value) {
    const [name, content] = parseHeader(entry);
    characters += name.length + content.length;
    if (characters > MAX_HEADER_CHARACTERS) throw invalid('fetch: the headers are too large.');
    headers.push([name, content]);
  }
  return headers;
}

function parseHeader(entry: unknown): [string, string] {
  if (!Array.isArray(entry) || entry.length !== 2)
    throw invalid('fetch: each header is a [name, value] pair.');
  const [name, content] = entry as unknown[];
  if (typeof name !== 'string' || !TOKEN.test(name)) throw invalid('fetch: a header name is malformed.');
  if (typeof content !== 'string' || !HEADER_VALUE.test(content))
    throw invalid('fetch: a header value is malformed.');
  return [name, content];
}

function parseBody(value: unknown): string | Uint8Array {
  if (typeof value === 'string') {
    if (Buffer.byteLength(value) > MAX_BODY_BYTES) throw bodyTooLarge();
    return value;
  }
  if (value instanceof Uint8Array) {
    if (value.byteLength > MAX_BODY_BYTES) throw bodyTooLarge();
    return value;
  }
  throw invalid('fetch: the body must be a string or a Uint8Array.');
}

function bodyTooLarge(): BridgeError {
  return invalid(`fetch: the body is larger than ${MAX_BODY_BYTES} bytes.`);
}
