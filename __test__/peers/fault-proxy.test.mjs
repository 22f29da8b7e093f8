// The faults of the proxy, as a client sees them, and what the server behind it was asked.
import assert from 'node:assert/strict';
import http from 'node:http';
import { test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { FAULT_MODES, FaultProxy } from './fault-proxy.mjs';
import { Loopback, readAll, sendJson } from './loopback.mjs';

/** A proxy before a server that answers what it was sent, and keeps its paths. */
async function startPair(t) {
  const asked = [];
  const server = await Loopback.start(t, async (request, response) => {
    asked.push(request.url);
    const body = String(await readAll(request));
    sendJson(response, 201, { body, host: request.headers.host }, { 'x-server': 'the server' });
  });
  return { asked, server, proxy: await FaultProxy.start(t, server.url) };
}

/** What a client sees: `{ status, headers, body }`, or `{ error, status? }` when no whole answer came. */
function ask(url, { method = 'POST', body = 'question', timeoutMs = 5000 } = {}) {
  return new Promise((resolve) => {
    const request = http.request(url, { method, agent: false });
    const timer = globalThis.setTimeout(() => request.destroy(new Error('silence')), timeoutMs);
    const done = (seen) => {
      clearTimeout(timer);
      resolve(seen);
    };
    request.on('error', ({ code, message }) => done({ error: code ?? message }));
    request.on('response', async (answer) => {
      const { statusCode: status, headers } = answer;
      readAll(answer).then(
        (bytes) => done({ status, headers, body: String(bytes) }),
        ({ code }) => done({ error: code, status }),
      );
    });
    request.end(body);
  });
}

test('without a fault everything passes as it is, the Host too', async (t) => {
  const { proxy, asked } = await startPair(t);
  const { status, headers, body } = await ask(`${proxy.url}/a/b?c=d`);
  assert.deepEqual([status, headers['x-server']], [201, 'the server']);
  assert.deepEqual(JSON.parse(body), { body: 'question', host: new URL(proxy.url).host });
  assert.deepEqual(asked, ['/a/b?c=d']);
  const [{ atMs, ...entry }] = proxy.log;
  assert.ok(Date.now() - atMs < 5000);
  assert.deepEqual(entry, { method: 'POST', path: '/a/b', fault: null, forwarded: true, status: 201 });
});

const HTML = /^text\/html/;
const SEEN = {
  drop: ({ error }) => assert.equal(error, 'ECONNRESET'),
  lost: ({ error }) => assert.equal(error, 'ECONNRESET'),
  hang: ({ error }) => assert.equal(error, 'silence'),
  truncated: ({ status, error }) => assert.deepEqual([status, error], [200, 'ECONNRESET']),
  garbage: ({ status, headers, body }) => {
    assert.deepEqual([status, headers['content-type']], [200, 'application/json']);
    assert.throws(() => JSON.parse(body));
  },
  empty200: ({ status, body }) => assert.deepEqual([status, body], [200, '']),
  html200: ({ status, headers }) => {
    assert.equal(status, 200);
    assert.match(headers['content-type'], HTML);
  },
  html502: ({ status, headers }) => {
    assert.equal(status, 502);
    assert.match(headers['content-type'], HTML);
  },
  503: ({ status }) => assert.equal(status, 503),
  429: ({ status, headers }) => assert.deepEqual([status, headers['retry-after']], [429, '7']),
};
const NOT_FORWARDED = ['drop', '503', '429'];

for (const mode of FAULT_MODES.filter((name) => name !== 'refuse')) {
  for (const forward of [undefined, true, false]) {
    const reaches = forward ?? !NOT_FORWARDED.includes(mode);
    const how = forward === undefined ? 'by itself' : forward ? 'told to forward' : 'told not to forward';
    test(`${mode}, ${how}: the server is asked ${reaches ? 'once' : 'nothing'}`, async (t) => {
      const { proxy, asked } = await startPair(t);
      await proxy.fail(mode, { match: '/token', count: 1, forward, retryAfterSeconds: 7 });
      SEEN[mode](await ask(`${proxy.url}/token`, { timeoutMs: mode === 'hang' ? 200 : 5000 }));
      assert.deepEqual(asked, reaches ? ['/token'] : []);
      const [{ fault, forwarded, status }] = proxy.log;
      assert.deepEqual([fault, forwarded, status], [mode, reaches, reaches ? 201 : null]);
      assert.equal((await ask(`${proxy.url}/token`)).status, 201, 'the next one passes');
    });
  }
}

test('refuse: no connection stands and none is made, until it is healed on the same port', async (t) => {
  const { proxy, asked } = await startPair(t);
  await proxy.fail('hang', { match: '/silent' });
  const waiting = ask(`${proxy.url}/silent`);
  while (proxy.log.length === 0) await setTimeout(5);
  const { url } = proxy;
  await proxy.fail('refuse');
  assert.equal((await waiting).error, 'ECONNRESET');
  assert.equal((await ask(`${url}/token`)).error, 'ECONNREFUSED');
  assert.deepEqual([asked, proxy.log.length], [['/silent'], 1]);
  await proxy.heal();
  assert.equal(proxy.url, url);
  assert.equal((await ask(`${url}/silent`)).status, 201, 'the other fault is healed too');
});

test('faults meet their path only, in their order, as often as they were asked for', async (t) => {
  const { proxy } = await startPair(t);
  await proxy.fail('503', { match: '/token', count: 2 });
  await proxy.fail('html502', { match: '/token' });
  await proxy.fail('429', { match: '/api/' });
  const status = async (path) => (await ask(`${proxy.url}${path}`)).status;
  assert.equal(await status('/token/revocation'), 201);
  assert.equal(await status('/api/auth/refresh?a=b'), 429);
  const seen = [];
  for (let times = 0; times < 4; times++) seen.push(await status('/token'));
  assert.deepEqual(seen, [503, 503, 502, 502]);
  assert.deepEqual([proxy.seen('/token'), proxy.seen('/api/'), proxy.seen('/')], [4, 1, 6]);
});

test('requests wait where they are told to: before the server, and after it', async (t) => {
  const { proxy, asked } = await startPair(t);
  proxy.delay('/token', () => ({ beforeMs: 150, afterMs: 150 }));
  const startedAt = performance.now();
  const asking = ask(`${proxy.url}/token`);
  assert.equal((await ask(`${proxy.url}/other`)).status, 201);
  assert.deepEqual(asked, ['/other']);
  while (asked.length < 2) await setTimeout(5);
  assert.ok(performance.now() - startedAt >= 140);
  assert.equal((await asking).status, 201);
  assert.ok(performance.now() - startedAt >= 290);
});

test('a server that is not there is a connection that ends', async (t) => {
  const { proxy, server } = await startPair(t);
  await server.close();
  assert.equal((await ask(`${proxy.url}/token`)).error, 'ECONNRESET');
});

test('a fault that does not exist is refused', async (t) => {
  const { proxy } = await startPair(t);
  await assert.rejects(proxy.fail('sunspots'), /no fault 'sunspots'/);
});
