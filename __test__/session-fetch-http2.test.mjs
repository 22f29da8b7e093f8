// The same over HTTP/2, where requests share a connection and the server can say that it has not begun.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import http2 from 'node:http2';
import { createRequire } from 'node:module';
import { after, before, test } from 'node:test';
import { rejects } from './addon.mjs';
import { signedUp, startServer } from './auth-server.mjs';
import { makeCertificates } from './certificates.mjs';

const { createFetch } = createRequire(import.meta.url)('../bridge/dist/cjs/main/index.js');
const { NGHTTP2_CANCEL, NGHTTP2_INTERNAL_ERROR, NGHTTP2_REFUSED_STREAM } = http2.constants;
const server = await startServer({ after });
let certificates;
before(async () => {
  certificates = await makeCertificates({ after });
});

/** A server of HTTP/2 alone; `serve` gets each stream with its header. */
async function start(t, serve) {
  const { key, cert } = certificates.good;
  const stub = http2.createSecureServer({ key, cert });
  const sessions = new Set();
  stub.on('session', (session) => {
    sessions.add(session);
    session.on('error', () => undefined);
  });
  stub.on('stream', (stream, headers) => {
    stream.on('error', () => undefined);
    serve(stream, headers);
  });
  const sockets = [];
  stub.on('connection', (socket) => sockets.push(socket));
  stub.listen(0, '127.0.0.1');
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    stub.close();
  });
  await once(stub, 'listening');
  const origin = `https://127.0.0.1:${stub.address().port}`;
  const http = { caCertificates: certificates.ca };
  const { session } = await signedUp(t, server, { allowedOrigins: [origin], http });
  return { origin, session, authFetch: createFetch(session), sessions };
}

const PIECES = 320;

async function* pieces() {
  for (let piece = 0; piece < PIECES; piece++) yield Buffer.alloc(64 * 1024, piece);
}

test('bodies stream both ways, with the token', { timeout: 60_000 }, async (t) => {
  let authorization;
  const { origin, session, authFetch } = await start(t, (stream, headers) => {
    authorization = headers.authorization;
    stream.respond({ ':status': 200 });
    stream.pipe(stream);
  });
  const response = await authFetch(origin, { method: 'POST', body: pieces() });
  let received = 0;
  for await (const piece of response.body) {
    assert.equal(piece[0], Math.floor(received / 65536) % 256);
    received += piece.byteLength;
  }
  assert.equal(received, PIECES * 64 * 1024);
  assert.equal(authorization, `Bearer ${await session.accessToken()}`);
});

test('a reader that stops stops the server, and giving up ends the stream, not the connection', async (t) => {
  let sent = 0;
  const closed = [];
  const { origin, authFetch, sessions } = await start(t, (stream, headers) => {
    closed.push(once(stream, 'close').then(() => stream.rstCode));
    stream.respond({ ':status': 200 });
    if (headers[':path'] !== '/endless') return stream.end('short');
    const more = () => {
      while (!stream.destroyed && stream.write(Buffer.alloc(64 * 1024))) sent += 64 * 1024;
    };
    stream.on('drain', more);
    more();
  });
  const controller = new AbortController();
  const response = await authFetch(`${origin}/endless`, { signal: controller.signal });
  const reader = response.body.getReader();
  await reader.read();
  // Another request on the same connection shows that the server had its time, and that it is not blocked.
  assert.equal(await (await authFetch(`${origin}/short`)).text(), 'short');
  assert.ok(sent < 16 * 1024 * 1024, `${sent}`);
  controller.abort();
  await assert.rejects(reader.read(), { name: 'AbortError' });
  assert.equal(await closed[0], NGHTTP2_CANCEL);
  assert.equal(await (await authFetch(`${origin}/short`)).text(), 'short');
  assert.equal(sessions.size, 1);
});

test('a request that the server refuses unprocessed is repeated, and one that it broke is not', async (t) => {
  const refusals = [];
  const { origin, session } = await start(t, (stream, headers) => {
    refusals.push(headers[':path']);
    if (headers[':path'] === '/broken') stream.close(NGHTTP2_INTERNAL_ERROR);
    else if (refusals.length === 1) stream.close(NGHTTP2_REFUSED_STREAM);
    else stream.resume().on('end', () => stream.respond({ ':status': 200 }, { endStream: true }));
  });
  const post = { method: 'POST', body: 'once' };
  assert.equal((await session.fetch(`${origin}/refused`, post)).status, 200);
  assert.deepEqual(refusals.splice(0), ['/refused', '/refused']);
  await rejects('ERR_NETWORK', () => session.fetch(`${origin}/broken`, post));
  assert.deepEqual(refusals, ['/broken']);
});
