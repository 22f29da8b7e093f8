/** Answers as the runtime's own `Response`, or where it has none (Electron before 25, in main) as one of the same shape. */

import type { ReadableStream as WebReadableStream } from 'node:stream/web';
import type { FetchHead } from 'electron-latchkey';
import { ReadableStream } from './streams.js';

type Content = Uint8Array | WebReadableStream | null;

export function makeResponse(head: FetchHead, content: Content): unknown {
  return typeof Response === 'function' ? standardResponse(head, content) : new PlainResponse(head, content);
}

function standardResponse(head: FetchHead, content: Content): Response {
  const { status, statusText, headers, url, redirected } = head;
  return located(
    new Response(content as ConstructorParameters<typeof Response>[0], { status, statusText, headers }),
    url,
    redirected,
  );
}

// The constructor cannot set these, and clients read them to see where a redirect ended.
function located(response: Response, url: string, redirected: boolean): Response {
  const { clone } = response;
  return Object.defineProperties(response, {
    url: { value: url },
    redirected: { value: redirected },
    clone: { value: () => located(clone.call(response), url, redirected) },
  });
}

/** The part of `Response` that programs read. */
class PlainResponse {
  readonly type = 'basic';
  readonly status: number;
  readonly statusText: string;
  readonly ok: boolean;
  readonly url: string;
  readonly redirected: boolean;
  readonly headers: PlainHeaders;
  readonly body: WebReadableStream | null;
  #used = false;

  constructor(head: FetchHead, content: Content) {
    this.status = head.status;
    this.statusText = head.statusText;
    this.ok = head.status >= 200 && head.status < 300;
    this.url = head.url;
    this.redirected = head.redirected;
    this.headers = new PlainHeaders(head.headers);
    this.body = content instanceof Uint8Array ? streamOf(content) : content;
  }

  get bodyUsed(): boolean {
    return this.#used;
  }

  async bytes(): Promise<Uint8Array> {
    if (this.#used || this.body?.locked) throw new TypeError('The body of the response has been used.');
    if (this.body === null) return new Uint8Array();
    this.#used = true;
    const pieces: Uint8Array[] = [];
    for await (const piece of this.body) pieces.push(piece as Uint8Array);
    // Not Buffer.concat alone: a small one is a window onto memory that others use, too.
    return new Uint8Array(Buffer.concat(pieces));
  }

  async arrayBuffer(): Promise<ArrayBuffer> {
    return (await this.bytes()).buffer as ArrayBuffer;
  }

  async text(): Promise<string> {
    return new TextDecoder().decode(await this.bytes());
  }

  async json(): Promise<unknown> {
    return JSON.parse(await this.text());
  }
}

function streamOf(bytes: Uint8Array): WebReadableStream {
  return new ReadableStream({
    type: 'bytes',
    start(controller) {
      controller.enqueue(bytes);
      controller.close();
    },
  });
}

/** The part of `Headers` that programs read: names in lower case, sorted; fields of one name joined. */
class PlainHeaders {
  readonly #fields = new Map<string, string>();

  constructor(pairs: [string, string][]) {
    for (const [name, value] of [...pairs].sort(([a], [b]) => (a < b ? -1 : Number(a > b)))) {
      const before = this.#fields.get(name);
      this.#fields.set(name, before === undefined ? value : `${before}, ${value}`);
    }
  }

  get(name: string): string | null {
    return this.#fields.get(String(name).toLowerCase()) ?? null;
  }

  has(name: string): boolean {
    return this.#fields.has(String(name).toLowerCase());
  }

  forEach(callback: (value: string, name: string, headers: PlainHeaders) => void): void {
    for (const [name, value] of this.#fields) callback(value, name, this);
  }

  entries(): IterableIterator<[string, string]> {
    return this.#fields.entries();
  }

  keys(): IterableIterator<string> {
    return this.#fields.keys();
  }

  values(): IterableIterator<string> {
    return this.#fields.values();
  }

  [Symbol.iterator](): IterableIterator<[string, string]> {
    return this.entries();
  }
}
