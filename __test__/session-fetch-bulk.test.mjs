// Bodies of any size: in bounded memory, and no faster than they are read.
import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import http from 'node:http';
import { createRequire } from 'node:module';
import { after, test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { signedUp, startServer } from './auth-server.mjs';

const { createFetch } = createRequire(import.meta.url)('../bridge/dist/cjs/main/index.js');
const server = await startServer({ after });

const MEBIBYTE = 1024 * 1024;
const PIECE_BYTES = 64 * 1024;
const LARGE_BYTES = 100 * MEBIBYTE;
/** Generous: a body in memory would be more than twice as much. */
const MOST_GROWTH_BYTES = 40 * MEBIBYTE;
/** What two sockets and the buffers above them may hold. */
const MOST_AHEAD_BYTES = 16 * MEBIBYTE;

async function start(t) {
  const child = fork(fileURLToPath(new URL('bulk-server.mjs', import.meta.url)));
  t.after(() => child.kill());
  const [port] = await once(child, 'message');
  const origin = `http://127.0.0.1:${port}`;
  const { session } = await signedUp(t, server, { allowedOrigins: [origin] });
  return { origin, session, authFetch: createFetch(session), seen: () => ask(`${origin}/seen`) };
}

/** Asked beside the session, which is under test. */
async function ask(url) {
  const [response] = await once(http.get(url), 'response');
  response.setEncoding('utf8');
  let text = '';
  for await (const piece of response) text += piece;
  return JSON.parse(text);
}

/** Asks until `holds` of what the server has seen. */
async function eventually(seen, holds) {
  for (let tries = 0; tries < 200; tries++) {
    const now = await seen();
    if (holds(now)) return now;
    await setTimeout(25);
  }
  assert.fail(`not seen: ${JSON.stringify(await seen())}`);
}

/** How much larger this process became while `work` ran, at its largest. */
async function growthDuring(work) {
  const before = process.memoryUsage.rss();
  let most = before;
  const look = () => {
    most = Math.max(most, process.memoryUsage.rss());
  };
  const timer = setInterval(look, 5);
  try {
    await work();
  } finally {
    clearInterval(timer);
  }
  look();
  return most - before;
}

async function* pieces(bytes) {
  // A new one each time, as a file gives them.
  for (let sent = 0; sent < bytes; sent += PIECE_BYTES) yield Buffer.alloc(PIECE_BYTES, 'latchkey');
}

async function download({ authFetch, origin }, bytes) {
  const response = await authFetch(`${origin}/download?pieces=${bytes / PIECE_BYTES}`);
  let received = 0;
  for await (const piece of response.body) received += piece.byteLength;
  assert.equal(received, bytes);
}

async function upload({ authFetch, origin }, bytes) {
  const response = await authFetch(`${origin}/upload`, { method: 'PUT', body: pieces(bytes) });
  const hash = createHash('sha256');
  for await (const piece of pieces(bytes)) hash.update(piece);
  assert.equal(await response.text(), hash.digest('hex'));
}

for (const [what, transfer] of [
  ['downloaded', download],
  ['uploaded', upload],
]) {
  test(`100 MB are ${what} in bounded memory`, { timeout: 120_000 }, async (t) => {
    const started = await start(t);
    // What the runtime takes for itself once.
    await transfer(started, 16 * MEBIBYTE);
    const growth = await growthDuring(() => transfer(started, LARGE_BYTES));
    t.diagnostic(`grew by ${(growth / MEBIBYTE).toFixed(1)} MiB`);
    assert.ok(growth < MOST_GROWTH_BYTES, `${growth}`);
    const { authorization } = await started.seen();
    assert.equal(authorization, `Bearer ${await started.session.accessToken()}`);
  });
}

test('a server sends no further than a bounded amount ahead of the reader', {
  timeout: 60_000,
}, async (t) => {
  const { authFetch, origin, seen } = await start(t);
  const response = await authFetch(`${origin}/download?pieces=${LARGE_BYTES / PIECE_BYTES}`);
  const reader = response.body.getReader();
  await reader.read();
  await setTimeout(500);
  const { sent } = await seen();
  await setTimeout(200);
  assert.equal((await seen()).sent, sent, 'it stands still');
  assert.ok(sent < MOST_AHEAD_BYTES, `${sent}`);
  await reader.cancel();
});

test('a stream is read no further than a bounded amount ahead of the server', {
  timeout: 60_000,
}, async (t) => {
  const { session, origin, seen } = await start(t);
  let given = 0;
  async function* counted() {
    for await (const piece of pieces(LARGE_BYTES)) {
      given += piece.length;
      yield piece;
    }
  }
  const controller = new AbortController();
  const sending = createFetch(session, { timeoutMs: 20_000 })(`${origin}/deaf`, {
    method: 'POST',
    body: counted(),
    signal: controller.signal,
  });
  await eventually(seen, ({ open }) => open === 1);
  await setTimeout(500);
  const standing = given;
  await setTimeout(200);
  assert.equal(given, standing, 'it stands still');
  assert.ok(given < MOST_AHEAD_BYTES, `${given}`);
  controller.abort();
  await assert.rejects(sending, { name: 'AbortError' });
  // A socket that is not read does not tell that the other end is closed.
  await ask(`${origin}/hear`);
  await eventually(seen, ({ open }) => open === 0);
});

test('aborting in the middle of a download closes the server’s socket', { timeout: 60_000 }, async (t) => {
  const { authFetch, origin, seen } = await start(t);
  const controller = new AbortController();
  const { signal } = controller;
  const response = await authFetch(`${origin}/download?pieces=${LARGE_BYTES / PIECE_BYTES}`, { signal });
  const reader = response.body.getReader();
  await reader.read();
  assert.equal((await seen()).open, 1);
  controller.abort();
  await assert.rejects(reader.read(), { name: 'AbortError' });
  await eventually(seen, ({ open }) => open === 0);
});

test('a limit ends a download that goes beyond it', { timeout: 60_000 }, async (t) => {
  const { session, origin, seen } = await start(t);
  const limited = createFetch(session, { maxResponseBytes: MEBIBYTE });
  const response = await limited(`${origin}/download?pieces=64`);
  await assert.rejects(response.arrayBuffer(), { name: 'TypeError', code: 'ERR_RESPONSE_TOO_LARGE' });
  await eventually(seen, ({ open }) => open === 0);
});
