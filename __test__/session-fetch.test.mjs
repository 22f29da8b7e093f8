// Requests with the token: to whom it goes, what may be sent, what comes back.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { rejects } from './addon.mjs';
import { openSession, signedUp, startServer, startStub } from './auth-server.mjs';

const server = await startServer({ after });

/** A server that answers what it was sent. */
const startEcho = (t) =>
  startStub(t, async (request, response) => {
    const body = [];
    for await (const chunk of request) body.push(chunk);
    const { method, url, headers } = request;
    response.setHeader('x-request', JSON.stringify({ method, url, headers }));
    response.end(Buffer.concat(body));
  });

const sent = ({ headers }) => JSON.parse(new Map(headers).get('x-request'));

test('a protected route answers to the session, and to nobody without one', async (t) => {
  const { session, user } = await signedUp(t, server);
  const url = `${server.url}/api/profile`;
  const answer = await session.fetch(url);
  assert.deepEqual([answer.status, answer.statusText, answer.url], [200, 'OK', url]);
  assert.ok(Buffer.isBuffer(answer.body));
  assert.equal(JSON.parse(answer.body).user.email, user.email);
  assert.match(new Map(answer.headers).get('content-type'), /^application\/json/);
  const nobody = await openSession(t, server);
  assert.equal((await nobody.fetch(url)).status, 401);
  assert.equal((await nobody.fetch(`${server.url}/api/health`)).status, 200);
});

test('the token goes to allowed origins and to no other', async (t) => {
  const seen = [];
  const record = ({ headers }, response) => {
    seen.push(headers.authorization);
    response.end();
  };
  const [allowed, other] = [await startStub(t, record), await startStub(t, record)];
  const { session } = await signedUp(t, server, { allowedOrigins: [allowed] });
  await session.fetch(`${allowed}/path?query`);
  for (const url of [
    other,
    'https://example.com/',
    server.url.replace('127.0.0.1', 'localhost'),
    server.url.replace('http:', 'https:'),
    server.url.replace('http://', `http://${new URL(allowed).host}@`).replace(/\d+$/, new URL(other).port),
    `http://127.0.0.1:1/${server.url}`,
  ]) {
    await rejects('ERR_ORIGIN_NOT_ALLOWED', () => session.fetch(url));
  }
  assert.deepEqual(seen, [`Bearer ${await session.accessToken()}`]);
});

test('a redirect is followed within the origin, and never to another', async (t) => {
  const seen = [];
  const elsewhere = await startStub(t, (request, response) => {
    seen.push(request.headers.authorization);
    response.end();
  });
  const allowed = await startStub(t, (request, response) => {
    const targets = { '/near': '/end', '/far': elsewhere, '/loop': '/loop' };
    const location = targets[request.url];
    if (location) response.writeHead(302, { location }).end();
    else response.end(`arrived with ${request.headers.authorization?.slice(0, 6)}`);
  });
  const { session } = await signedUp(t, server, { allowedOrigins: [allowed] });
  const near = await session.fetch(`${allowed}/near`);
  assert.deepEqual([near.url, String(near.body)], [`${allowed}/end`, 'arrived with Bearer']);
  await rejects('ERR_ORIGIN_NOT_ALLOWED', () => session.fetch(`${allowed}/far`));
  assert.deepEqual(seen, []);
  await rejects('ERR_ORIGIN_NOT_ALLOWED', () => session.fetch(`${allowed}/loop`));
});

test('method, header fields and body go out as given, text and bytes', async (t) => {
  const origin = await startEcho(t);
  const session = await openSession(t, server, { allowedOrigins: [origin] });
  const bytes = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
  const cases = [
    ['POST', 'Grüße', Buffer.from('Grüße')],
    ['PUT', bytes, bytes],
    ['PATCH', bytes.subarray(3, 9), bytes.subarray(3, 9)],
    ['DELETE', undefined, Buffer.alloc(0)],
  ];
  for (const [method, body, arrives] of cases) {
    const headers = [
      ['X-One', 'one'],
      ['x-two', ''],
    ];
    const answer = await session.fetch(`${origin}/a?b=c`, { method, body, headers });
    assert.deepEqual(answer.body, arrives, method);
    assert.deepEqual([sent(answer).method, sent(answer).url], [method, '/a?b=c']);
    assert.deepEqual([sent(answer).headers['x-one'], sent(answer).headers['x-two']], ['one', '']);
  }
});

test('fields that authenticate, name the sender or frame the message are not the caller’s to set', async (t) => {
  const origin = await startEcho(t);
  const session = await openSession(t, server, { allowedOrigins: [origin] });
  const forged = {
    'accept-encoding': 'gzip',
    authorization: 'Bearer forged',
    cookie: 'a=b',
    origin: 'https://evil.example',
    referer: 'https://evil.example/',
    host: 'evil.example',
    'content-length': '3',
    'transfer-encoding': 'chunked',
    'sec-fetch-site': 'cross-site',
    'proxy-authorization': 'Basic forged',
  };
  const answer = await session.fetch(origin, {
    method: 'POST',
    body: 'body',
    headers: Object.entries(forged),
  });
  assert.equal(String(answer.body), 'body');
  for (const [name, value] of Object.entries(forged))
    assert.notEqual(sent(answer).headers[name], value, name);
  // A token is not found in what is compressed.
  assert.equal(sent(answer).headers['accept-encoding'], 'identity');
});

test('cookies of an answer are neither shown nor sent again, and the token is blotted out', async (t) => {
  const seen = [];
  const origin = await startStub(t, (request, response) => {
    seen.push(request.headers.cookie);
    const { authorization } = request.headers;
    response.setHeader('set-cookie', ['a=b', 'c=d']);
    response.setHeader('x-debug', authorization);
    response.end(`you sent ${authorization}`);
  });
  const { session } = await signedUp(t, server, { allowedOrigins: [origin] });
  const token = await session.accessToken();
  for (let round = 0; round < 2; round++) {
    const { headers, body } = await session.fetch(origin);
    assert.deepEqual(
      headers.filter(([name]) => name === 'set-cookie' || name === 'x-debug'),
      [],
    );
    for (const part of [token, token.split('.')[0]]) assert.equal(String(body).includes(part), false);
    assert.match(String(body), /^you sent Bearer \*+/);
  }
  assert.deepEqual(seen, [undefined, undefined]);
});

test('an answer that takes too long or is too large is given up', { timeout: 30_000 }, async (t) => {
  const origin = await startStub(t, (request, response) => {
    if (request.url === '/slow') return;
    if (request.url === '/trickle') return response.write('a part');
    const megabyte = Buffer.alloc(1024 * 1024);
    let left = Number(request.url.slice(1));
    const more = () => {
      while (left-- > 0) if (!response.write(megabyte)) return;
      response.end();
    };
    response.on('drain', more);
    more();
  });
  const session = await openSession(t, server, { allowedOrigins: [origin] });
  await rejects('ERR_TIMEOUT', () => session.fetch(`${origin}/slow`, { timeoutMs: 100 }));
  await rejects('ERR_TIMEOUT', () => session.fetch(`${origin}/trickle`, { timeoutMs: 100 }));
  assert.equal((await session.fetch(`${origin}/64`)).body.length, 64 * 1024 * 1024);
  await rejects('ERR_RESPONSE_TOO_LARGE', () => session.fetch(`${origin}/65`));
  const megabyte = 1024 * 1024;
  assert.equal((await session.fetch(`${origin}/65`, { maxResponseBytes: 65 * megabyte })).status, 200);
  await rejects('ERR_RESPONSE_TOO_LARGE', () =>
    session.fetch(`${origin}/1`, { maxResponseBytes: megabyte - 1 }),
  );
  for (const init of [{ maxResponseBytes: -1 }, { maxResponseBytes: 0.5 }, { redirect: 'away' }]) {
    await rejects('ERR_INVALID_ARGUMENT', () => session.fetch(`${origin}/1`, init));
    await rejects('ERR_INVALID_ARGUMENT', () => session.exchange(`${origin}/1`, init).response());
  }
  for (const options of [{ upload: true, contentLength: -1 }, { whole: 'yes' }, 1]) {
    await rejects('ERR_INVALID_ARGUMENT', () => session.exchange(`${origin}/1`, null, options).response());
  }
});
