import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import { AuthError, connectAuth, createAuthFetch } from '../dist/esm/renderer/index.js';

const URL = 'http://127.0.0.1:4711/api/profile';
const encoder = new TextEncoder();
const decoder = new TextDecoder();

afterEach(() => {
  delete globalThis.auth;
});

/** A fake broker whose `fetch` remembers its arguments and answers `response`. */
function fakeBroker(response = {}) {
  const calls = [];
  return {
    calls,
    async fetch(...args) {
      calls.push(args);
      const value = {
        status: 200,
        statusText: 'OK',
        url: args[0],
        headers: [],
        body: new Uint8Array(),
        ...response,
      };
      return { ok: true, value };
    },
  };
}

async function sent(input, init) {
  const broker = fakeBroker();
  await createAuthFetch(broker)(input, init);
  const [url, request] = broker.calls[0];
  return {
    url,
    method: request.method,
    headers: Object.fromEntries(request.headers),
    body: request.body,
    text: request.body === undefined ? undefined : decoder.decode(request.body),
  };
}

test('a plain URL becomes a GET without a body', async () => {
  assert.deepEqual(await sent(URL), {
    url: URL,
    method: 'GET',
    headers: {},
    body: undefined,
    text: undefined,
  });
});

test('a URL object and a Request are taken as fetch takes them', async () => {
  assert.equal((await sent(new globalThis.URL(URL))).url, URL);
  const request = new Request(URL, { method: 'PUT', headers: { 'X-A': '1' }, body: 'text' });
  const { method, headers, text } = await sent(request);
  assert.deepEqual([method, headers['x-a'], text], ['PUT', '1', 'text']);
});

test('init beats the Request it comes with', async () => {
  const { method, text } = await sent(new Request(URL, { method: 'PUT', body: 'a' }), {
    method: 'POST',
    body: 'b',
  });
  assert.deepEqual([method, text], ['POST', 'b']);
});

for (const [what, headers] of [
  ['an object', { Accept: 'text/plain', 'X-A': '1' }],
  [
    'pairs',
    [
      ['Accept', 'text/plain'],
      ['X-A', '1'],
    ],
  ],
  ['Headers', new Headers({ Accept: 'text/plain', 'X-A': '1' })],
]) {
  test(`headers may be ${what}`, async () => {
    assert.deepEqual((await sent(URL, { headers })).headers, { accept: 'text/plain', 'x-a': '1' });
  });
}

for (const [what, body, type, text] of [
  ['a string', 'ł', 'text/plain;charset=UTF-8', 'ł'],
  [
    'URLSearchParams',
    new URLSearchParams({ a: '1 2' }),
    'application/x-www-form-urlencoded;charset=UTF-8',
    'a=1+2',
  ],
  ['a Uint8Array', encoder.encode('bytes'), undefined, 'bytes'],
  ['a view into a larger buffer', encoder.encode('-view-').subarray(1, 5), undefined, 'view'],
  ['an ArrayBuffer', encoder.encode('buffer').buffer, undefined, 'buffer'],
  ['a Blob', new Blob(['blob'], { type: 'image/png' }), 'image/png', 'blob'],
]) {
  test(`the body may be ${what}`, async () => {
    const request = await sent(URL, { method: 'POST', body });
    assert.equal(request.text, text);
    assert.equal(request.body.buffer.byteLength, request.body.byteLength);
    assert.equal(request.headers['content-type']?.toLowerCase(), type?.toLowerCase());
  });
}

test('FormData is encoded with its boundary', async () => {
  const form = new FormData();
  form.set('field', 'value');
  const { headers, text } = await sent(URL, { method: 'POST', body: form });
  const [, boundary] = /^multipart\/form-data; boundary=(.+)$/.exec(headers['content-type']);
  assert.ok(text.includes(`--${boundary}`));
  assert.match(text, /name="field"\r\n\r\nvalue\r\n/);
});

test('what fetch itself refuses is refused before anything is sent', async () => {
  const broker = fakeBroker();
  const authFetch = createAuthFetch(broker);
  await assert.rejects(authFetch('not a url'), TypeError);
  await assert.rejects(authFetch(URL, { body: 'a body with GET' }), TypeError);
  await assert.rejects(authFetch(URL, { headers: { 'bad name': '1' } }), TypeError);
  assert.deepEqual(broker.calls, []);
});

test('the response is a real Response with status, headers, URL and body', async () => {
  const body = encoder.encode('{"a":1}');
  const broker = fakeBroker({
    status: 201,
    statusText: 'Created',
    url: `${URL}/1`,
    headers: [['X-B', '2']],
    body,
  });
  const response = await createAuthFetch(broker)(URL);
  assert.ok(response instanceof Response);
  assert.deepEqual(
    [response.status, response.statusText, response.ok, response.url, response.headers.get('x-b')],
    [201, 'Created', true, `${URL}/1`, '2'],
  );
  assert.deepEqual(await response.json(), { a: 1 });
});

for (const status of [204, 205, 304]) {
  test(`a ${status} has no body`, async () => {
    const response = await createAuthFetch(fakeBroker({ status, statusText: '' }))(URL);
    assert.deepEqual([response.status, response.body], [status, null]);
  });
}

test('an error status is a response, not an error', async () => {
  const response = await createAuthFetch(fakeBroker({ status: 500, statusText: 'x' }))(URL);
  assert.deepEqual([response.status, response.ok], [500, false]);
});

for (const status of [0, 101, 199, 600]) {
  test(`a status of ${status} is an unexpected response`, async () => {
    await assert.rejects(createAuthFetch(fakeBroker({ status }))(URL), { code: 'ERR_UNEXPECTED_RESPONSE' });
  });
}

test('no response is a TypeError with the code', async () => {
  const broker = { fetch: async () => ({ ok: false, code: 'ERR_NETWORK', message: 'No connection.' }) };
  await assert.rejects(createAuthFetch(broker)(URL), (error) => {
    assert.ok(error instanceof TypeError);
    assert.deepEqual([error.code, error.message], ['ERR_NETWORK', 'No connection.']);
    assert.ok(error.cause instanceof AuthError);
    return true;
  });
});

test('an aborted signal stops the request before it is sent', async () => {
  const broker = fakeBroker();
  await assert.rejects(createAuthFetch(broker)(URL, { signal: AbortSignal.abort() }), { name: 'AbortError' });
  assert.deepEqual(broker.calls, []);
});

test('aborting during the request rejects at once with the reason, and gives it up in main', async () => {
  const [sent, given] = [[], []];
  const broker = {
    fetch: (_url, { requestId }) => {
      sent.push(requestId);
      return new Promise(() => undefined);
    },
    cancelFetch: async (requestId) => given.push(requestId),
  };
  const authFetch = createAuthFetch(broker);
  const controller = new AbortController();
  const response = authFetch(URL, { signal: controller.signal });
  void authFetch(URL);
  setImmediate(() => controller.abort(new Error('enough')));
  await assert.rejects(response, { message: 'enough' });
  assert.equal(new Set(sent).size, 2, 'each request has an id of its own');
  assert.deepEqual(given, [sent[0]], 'main is told which one');
});

test('aborting after the answer changes nothing', async () => {
  const controller = new AbortController();
  const response = await createAuthFetch(fakeBroker({ body: encoder.encode('late') }))(URL, {
    signal: controller.signal,
  });
  controller.abort();
  // The fake broker has no cancelFetch: it is not called.
  assert.equal(await response.text(), 'late');
});

test('connectAuth gives values and throws failures as AuthError', async () => {
  const broker = {
    ...fakeBroker(),
    snapshot: async () => ({ ok: true, value: { state: 'active' } }),
    signIn: async () => ({ ok: false, code: 'ERR_INVALID_CREDENTIALS', message: 'Wrong email or password.' }),
  };
  const client = connectAuth(broker);
  assert.deepEqual(await client.snapshot(), { state: 'active' });
  assert.equal((await client.fetch(URL)).status, 200);
  await assert.rejects(client.signIn({}), (error) => {
    assert.ok(error instanceof AuthError);
    assert.deepEqual([error.code, error.message], ['ERR_INVALID_CREDENTIALS', 'Wrong email or password.']);
    return true;
  });
});

test('connectAuth passes every call on, with what it was called with', async () => {
  const called = [];
  const broker = new Proxy(
    {},
    {
      get:
        (_target, name) =>
        async (...args) => {
          called.push([name, ...args]);
          return { ok: true, value: name };
        },
    },
  );
  const { onChange, onRefresh, ...calls } = connectAuth(broker);
  assert.deepEqual([typeof onChange, typeof onRefresh], ['function', 'function']);
  for (const [name, call] of Object.entries(calls)) {
    const args = ['first', 'second'].slice(0, call.length);
    assert.equal(await call(...args), name);
    assert.deepEqual(called.at(-1), [name, ...args]);
  }
  assert.equal(called.length, 22);
});

test('both take window.auth by default, and say what is missing without it', async () => {
  assert.throws(() => connectAuth(), { name: 'AuthError', code: 'ERR_NO_BROKER' });
  assert.throws(() => createAuthFetch(), { name: 'AuthError', code: 'ERR_NO_BROKER' });
  globalThis.auth = fakeBroker();
  assert.equal((await createAuthFetch()(URL)).status, 200);
});
