// `createFetch`: a standard fetch for main, on the runtime's own Response and, as in old Electron, without one.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { after, test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { signedUp, startServer, startStub } from './auth-server.mjs';

const { createFetch } = createRequire(import.meta.url)('../bridge/dist/cjs/main/index.js');
const server = await startServer({ after });

/** What Electron before 25 does not have in main. */
const MISSING_IN_NODE_16 = ['Response', 'Request', 'Headers', 'FormData', 'fetch'];

/** Runs `body` twice: with the runtime as it is, and as if it were Node 16 once `fetchOf` has signed somebody in. */
function onBothRuntimes(name, body) {
  test(`${name} (with Response)`, { timeout: 60_000 }, (t) => body(t));
  // The server in this process needs them for a sign-in, and the small ones here do not.
  test(`${name} (without Response)`, { timeout: 60_000 }, (t) => body(t, () => hideStandard(t)));
}

function hideStandard(t) {
  const kept = MISSING_IN_NODE_16.map((name) => [name, Object.getOwnPropertyDescriptor(globalThis, name)]);
  for (const name of MISSING_IN_NODE_16) delete globalThis[name];
  t.after(() => {
    for (const [name, descriptor] of kept) Object.defineProperty(globalThis, name, descriptor);
  });
}

/** A server that answers what it was sent, the request's line and header in `x-request`. */
const startEcho = (t, authorizations = []) =>
  startStub(t, async (request, response) => {
    const body = [];
    for await (const chunk of request) body.push(chunk);
    const { method, url, headers } = request;
    // A field with the token in it would not come back.
    const { authorization, ...others } = headers;
    authorizations.push(authorization);
    response.setHeader('x-request', JSON.stringify({ method, url, headers: others }));
    response.end(Buffer.concat(body));
  });

async function fetchOf(t, origin, { hide = () => undefined, ...options } = {}) {
  const { session } = await signedUp(t, server, { allowedOrigins: [origin] });
  hide();
  return { session, authFetch: createFetch(session, options) };
}

const sent = (response) => JSON.parse(response.headers.get('x-request'));

/** Asserts that the request rejects as a fetch does, with the code and the cause. */
async function failsWith(code, request) {
  await assert.rejects(request, (error) => {
    assert.ok(error instanceof TypeError, String(error));
    assert.equal(error.code, code, error.message);
    return true;
  });
}

onBothRuntimes('the answer is a response', async (t, hide) => {
  const origin = await startStub(t, (_request, response) => {
    response.setHeader('content-type', 'application/json');
    response.setHeader('set-cookie', 'a=b');
    response.end('{"a":1}');
  });
  const { authFetch } = await fetchOf(t, origin, { hide });
  const response = await authFetch(`${origin}/path?query`);
  if (hide === undefined) assert.ok(response instanceof Response);
  assert.deepEqual(
    [response.status, response.statusText, response.ok, response.redirected, response.url],
    [200, 'OK', true, false, `${origin}/path?query`],
  );
  assert.equal(response.headers.get('Content-Type'), 'application/json');
  assert.equal(response.headers.has('set-cookie'), false);
  const names = [...response.headers].map(([name]) => name);
  assert.deepEqual(names, [...response.headers.keys()].sort());
  assert.equal(response.bodyUsed, false);
  assert.deepEqual(await response.json(), { a: 1 });
  assert.equal(response.bodyUsed, true);
  await assert.rejects(response.text(), TypeError);
});

test('an error status is a response, and the provider’s own routes answer, too', async (t) => {
  const { session, user } = await signedUp(t, server);
  const authFetch = createFetch(session);
  const profile = await authFetch(`${server.url}/api/profile`);
  assert.equal((await profile.json()).user.email, user.email);
  const missing = await authFetch(`${server.url}/api/nothing`);
  assert.deepEqual([missing.status, missing.ok], [404, false]);
  const asked = await authFetch(new URL(`${server.url}/api/auth/get-session`));
  const text = await asked.text();
  assert.equal(JSON.parse(text).user.email, user.email);
  const token = await session.accessToken();
  assert.equal(text.includes(token.split('.')[0]), false);
});

onBothRuntimes('method, header fields and every kind of body go out', async (t, hide) => {
  const authorizations = [];
  const origin = await startEcho(t, authorizations);
  const { authFetch, session } = await fetchOf(t, origin, { hide });
  const authorization = `Bearer ${await session.accessToken()}`;
  const bytes = Uint8Array.from({ length: 256 }, (_, byte) => byte);
  const large = new Uint8Array(3 * 1024 * 1024).fill(7);
  async function* pieces() {
    yield bytes;
    yield new Uint8Array();
    yield bytes;
  }
  const { ReadableStream } = await import('node:stream/web');
  const stream = () =>
    new ReadableStream({
      start(controller) {
        controller.enqueue(bytes);
        controller.close();
      },
    });
  const { Blob } = await import('node:buffer');
  const twice = Buffer.concat([bytes, bytes]);
  for (const [what, body, arrives, type] of [
    ['a string', 'Grüße', 'Grüße', 'text/plain;charset=UTF-8'],
    ['a view', bytes.subarray(1, 3), bytes.subarray(1, 3), undefined],
    ['an ArrayBuffer', bytes.buffer, bytes, undefined],
    ['URLSearchParams', new URLSearchParams({ a: '1 2' }), 'a=1+2', /^application\/x-www-form-urlencoded/],
    ['a Blob', new Blob([bytes], { type: 'image/png' }), bytes, 'image/png'],
    ['a large Blob', new Blob([large]), large, undefined],
    ['an async iterable', pieces(), twice, undefined],
    ['a ReadableStream', stream(), bytes, undefined],
    ['an empty string', '', '', 'text/plain;charset=UTF-8'],
  ]) {
    const headers = { 'X-One': ' one ', authorization: 'Bearer forged' };
    const response = await authFetch(`${origin}/a?b=c`, { method: 'post', body, headers });
    const arrived = Buffer.from(await response.arrayBuffer());
    assert.ok(arrived.equals(Buffer.from(arrives)), what);
    const request = sent(response);
    assert.deepEqual([request.method, request.url, request.headers['x-one']], ['POST', '/a?b=c', 'one']);
    assert.equal(authorizations.pop(), authorization);
    if (type instanceof RegExp) assert.match(request.headers['content-type'], type, what);
    else assert.equal(request.headers['content-type'], type, what);
    if (what === 'a large Blob') assert.equal(request.headers['content-length'], String(large.length));
  }
  const pairs = await authFetch(origin, { method: 'DELETE', headers: [['x-a', '1']] });
  assert.deepEqual([sent(pairs).method, sent(pairs).headers['x-a']], ['DELETE', '1']);
});

test('a Request, Headers and FormData are taken', async (t) => {
  const origin = await startEcho(t);
  const { authFetch } = await fetchOf(t, origin);
  const request = new Request(`${origin}/r`, {
    method: 'PUT',
    body: 'text',
    headers: new Headers({ 'x-a': '1' }),
  });
  const echoed = await authFetch(request);
  assert.deepEqual([sent(echoed).method, sent(echoed).url, sent(echoed).headers['x-a']], ['PUT', '/r', '1']);
  assert.match(sent(echoed).headers['content-type'], /^text\/plain/);
  assert.equal(sent(echoed).headers['content-length'], '4', 'a small body is known in full');
  assert.equal(await echoed.text(), 'text');
  await assert.rejects(authFetch(request), TypeError);

  const large = 'x'.repeat(3 * 1024 * 1024);
  const streamed = await authFetch(new Request(origin, { method: 'POST', body: large }));
  assert.equal((await streamed.text()).length, large.length);

  const form = new FormData();
  form.set('field', 'value');
  const posted = await authFetch(origin, { method: 'POST', body: form });
  const [, boundary] = /^multipart\/form-data; boundary=(.+)$/.exec(sent(posted).headers['content-type']);
  assert.ok((await posted.text()).includes(`--${boundary}`));

  const overridden = await authFetch(new Request(origin, { method: 'PUT', body: 'a' }), {
    method: 'POST',
    body: 'b',
  });
  assert.deepEqual([sent(overridden).method, await overridden.text()], ['POST', 'b']);
  const copy = (await authFetch(`${origin}/clone`)).clone();
  assert.equal(copy.url, `${origin}/clone`);
});

onBothRuntimes('what fetch refuses is a TypeError before anything is sent', async (t, hide) => {
  const requests = [];
  const origin = await startStub(t, (request, response) => {
    requests.push(request.url);
    response.end();
  });
  const { authFetch } = await fetchOf(t, origin, { hide });
  for (const [input, init] of [
    ['/relative', {}],
    [`http://name:word@${new URL(origin).host}/`, {}],
    [origin, { body: 'with GET' }],
    [origin, { method: 'TRACE' }],
    [origin, { method: 'a b' }],
    [origin, { headers: { 'a b': 'c' } }],
    [origin, { headers: [['a']] }],
    [origin, { headers: { a: '☃' } }],
    [origin, { redirect: 'elsewhere' }],
    [origin, { signal: {} }],
    [origin, { integrity: 'sha256-x' }],
  ]) {
    await failsWith('ERR_INVALID_ARGUMENT', authFetch(input, init));
  }
  await failsWith('ERR_ORIGIN_NOT_ALLOWED', authFetch('https://example.com/'));
  assert.deepEqual(requests, []);
});

onBothRuntimes('no answer is a TypeError with the code', async (t, hide) => {
  const origin = await startStub(t, (request, response) => {
    if (request.url === '/drop') response.destroy();
    else if (request.url === '/cut')
      response.writeHead(200, { 'content-length': '9' }).write('cut', () => response.destroy());
    else if (request.url === '/stall') response.writeHead(200).write('a part');
  });
  const { authFetch } = await fetchOf(t, origin, { timeoutMs: 200, hide });
  await failsWith('ERR_NETWORK', authFetch(`${origin}/drop`));
  await failsWith('ERR_TIMEOUT', authFetch(`${origin}/hang`));
  const cut = await authFetch(`${origin}/cut`);
  await failsWith('ERR_NETWORK', cut.text());
  const stalled = await authFetch(`${origin}/stall`);
  await failsWith('ERR_TIMEOUT', stalled.text());
});

onBothRuntimes('redirects are followed, given or refused, as asked', async (t, hide) => {
  const origin = await startStub(t, (request, response) => {
    if (request.url === '/from') response.writeHead(302, { location: '/to' }).end();
    else response.end(`${request.method} ${request.url}`);
  });
  const { authFetch } = await fetchOf(t, origin, { hide });
  const followed = await authFetch(`${origin}/from`, { method: 'POST', body: 'x' });
  assert.deepEqual(
    [followed.url, followed.redirected, await followed.text()],
    [`${origin}/to`, true, 'GET /to'],
  );
  const manual = await authFetch(`${origin}/from`, { redirect: 'manual' });
  assert.deepEqual([manual.status, manual.headers.get('location'), manual.redirected], [302, '/to', false]);
  await failsWith('ERR_NETWORK', authFetch(`${origin}/from`, { redirect: 'error' }));
});

onBothRuntimes('an answer without a body has none', async (t, hide) => {
  const origin = await startStub(t, (request, response) => {
    response.writeHead(Number(request.url.slice(1))).end();
  });
  const { authFetch } = await fetchOf(t, origin, { hide });
  for (const status of [204, 304]) {
    const response = await authFetch(`${origin}/${status}`);
    assert.deepEqual([response.status, response.body, await response.text()], [status, null, '']);
  }
  const head = await authFetch(`${origin}/200`, { method: 'HEAD' });
  assert.deepEqual([head.status, await head.text()], [200, '']);
});

onBothRuntimes('a token that the server sends back in pieces is blotted out', async (t, hide) => {
  const origin = await startStub(t, async (request, response) => {
    const { authorization } = request.headers;
    response.writeHead(200, { 'x-latin': Buffer.from('Grüße', 'latin1').toString('latin1') });
    for (const letter of `${authorization}, ${authorization}`) {
      response.write(letter);
      await setTimeout(1);
    }
    response.end();
  });
  const { authFetch, session } = await fetchOf(t, origin, { hide });
  const token = await session.accessToken();
  const response = await authFetch(origin);
  assert.equal(response.headers.get('x-latin'), 'Grüße');
  const stars = '*'.repeat(token.length);
  assert.equal(await response.text(), `Bearer ${stars}, Bearer ${stars}`);
});

onBothRuntimes('short messages of a stream come through as they are sent', async (t, hide) => {
  let send;
  const origin = await startStub(t, (_request, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders();
    send = (text) => response.write(text);
  });
  const { authFetch } = await fetchOf(t, origin, { hide });
  const response = await authFetch(origin);
  const reader = response.body.getReader();
  for (const message of ['data: 1\n\n', 'data: B\n\n', 'data: Be\n\n']) {
    send(message);
    const { value } = await reader.read();
    assert.equal(Buffer.from(value).toString(), message);
  }
  await reader.cancel();
});

onBothRuntimes(
  'aborting rejects with the reason, before, during and after the answer’s header',
  async (t, hide) => {
    const closed = [];
    const origin = await startStub(t, (request, response) => {
      closed.push(once(response, 'close').then(() => request.url));
      if (request.url === '/body') response.writeHead(200).write('a part');
    });
    const { authFetch } = await fetchOf(t, origin, { hide });
    const reason = new Error('enough');
    await assert.rejects(authFetch(origin, { signal: AbortSignal.abort(reason) }), reason);
    assert.equal(closed.length, 0);

    const early = new AbortController();
    const waiting = authFetch(`${origin}/header`, { signal: early.signal });
    while (closed.length === 0) await setTimeout(5);
    early.abort(reason);
    await assert.rejects(waiting, reason);
    assert.equal(await closed[0], '/header', 'the socket is closed');

    const late = new AbortController();
    const response = await authFetch(`${origin}/body`, { signal: late.signal });
    const reading = response.text();
    late.abort(reason);
    await assert.rejects(reading, reason);
    assert.equal(await closed[1], '/body', 'the socket is closed');

    const timed = authFetch(`${origin}/header`, { signal: AbortSignal.timeout(50) });
    await assert.rejects(timed, { name: 'TimeoutError' });
  },
);

onBothRuntimes('a body that is cancelled closes the connection', async (t, hide) => {
  let closed;
  const origin = await startStub(t, (_request, response) => {
    closed = once(response, 'close');
    response.writeHead(200).write('a part');
  });
  const { authFetch } = await fetchOf(t, origin, { hide });
  const { body } = await authFetch(origin);
  await body.cancel();
  await closed;
});

onBothRuntimes(
  'a stream that fails breaks the request off, and the server does not take it for whole',
  async (t, hide) => {
    let arrived;
    const arrival = new Promise((resolve) => {
      arrived = resolve;
    });
    let outcome;
    const origin = await startStub(t, (request, response) => {
      request.once('data', arrived);
      outcome = new Promise((resolve) => {
        request.on('end', () => resolve('complete'));
        request.on('error', () => resolve('broken'));
      });
      request.resume().on('end', () => response.end());
    });
    const { authFetch } = await fetchOf(t, origin, { hide });
    const fault = new Error('a fault of the application');
    async function* failing() {
      yield new Uint8Array(1024);
      await arrival;
      throw fault;
    }
    await assert.rejects(authFetch(origin, { method: 'POST', body: failing() }), (error) => {
      assert.ok(error instanceof TypeError);
      assert.deepEqual([error.code, error.cause], ['ERR_ABORTED', fault]);
      return true;
    });
    assert.equal(await outcome, 'broken');
    async function* texts() {
      yield 'not bytes';
    }
    await assert.rejects(authFetch(origin, { method: 'POST', body: texts() }), TypeError);
  },
);

onBothRuntimes('an answer that comes before the stream is sent ends the sending', async (t, hide) => {
  const origin = await startStub(t, (_request, response) => {
    response.writeHead(413, { connection: 'close' }).end('too large');
  });
  const { authFetch } = await fetchOf(t, origin, { hide });
  let stopped = false;
  async function* endless() {
    try {
      for (;;) yield new Uint8Array(64 * 1024);
    } finally {
      stopped = true;
    }
  }
  const response = await authFetch(origin, { method: 'POST', body: endless() });
  assert.deepEqual([response.status, await response.text()], [413, 'too large']);
  for (let waited = 0; !stopped && waited < 5000; waited += 10) await setTimeout(10);
  assert.ok(stopped, 'the stream is told');
});
