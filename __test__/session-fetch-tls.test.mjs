// Who the token is sent to: only a server that proves its name, within one origin, and through a proxy that cannot read it.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import https from 'node:https';
import net from 'node:net';
import { after, before, test } from 'node:test';
import { rejects } from './addon.mjs';
import { signedUp, startServer, startStub } from './auth-server.mjs';
import { makeCertificates } from './certificates.mjs';

const server = await startServer({ after });
let certificates;
before(async () => {
  certificates = await makeCertificates({ after });
});

/** A server that remembers the `Authorization` of all that reaches it, and redirects `/to?<url>`. */
async function startTls(t, { key, cert }) {
  const seen = [];
  const stub = https.createServer({ key, cert }, (request, response) => {
    seen.push(request.headers.authorization);
    const { pathname, search } = new URL(request.url, 'https://localhost');
    if (pathname === '/to') response.writeHead(307, { location: decodeURIComponent(search.slice(1)) });
    response.end('secure');
  });
  stub.on('tlsClientError', () => undefined);
  const sockets = [];
  stub.on('connection', (socket) => sockets.push(socket));
  stub.listen(0, '127.0.0.1');
  t.after(() => {
    // Also a connection that the client began and did not need, which is no request's yet and which the server does not close.
    for (const socket of sockets) socket.destroy();
    stub.close();
  });
  await once(stub, 'listening');
  const { port } = stub.address();
  return { origin: `https://127.0.0.1:${port}`, port, seen };
}

/** A server without TLS that remembers the same. */
async function startPlain(t) {
  const seen = [];
  const origin = await startStub(t, (request, response) => {
    seen.push(request.headers.authorization);
    response.end('plain');
  });
  return { origin, seen };
}

test('a server with a certificate of the given authority gets the token', async (t) => {
  const { origin, seen } = await startTls(t, certificates.good);
  for (const caCertificates of [certificates.ca, [certificates.self.cert.toString(), certificates.ca]]) {
    const { session } = await signedUp(t, server, { allowedOrigins: [origin], http: { caCertificates } });
    const answer = await session.fetch(origin);
    assert.equal(String(answer.body), 'secure');
    assert.equal(seen.pop(), `Bearer ${await session.accessToken()}`);
  }
  const named = origin.replace('127.0.0.1', 'localhost');
  const http = { caCertificates: certificates.ca };
  const { session } = await signedUp(t, server, { allowedOrigins: [named], http });
  assert.equal((await session.fetch(named)).status, 200);
});

for (const [what, name, trusted, code] of [
  ['of an authority that nobody trusts', 'good', false, 'ERR_TLS_UNTRUSTED'],
  ['for another host', 'wronghost', true, 'ERR_TLS_HOSTNAME'],
  ['that is its own', 'self', true, 'ERR_TLS_UNTRUSTED'],
  ['that has expired', 'expired', true, 'ERR_TLS_EXPIRED'],
]) {
  test(`a certificate ${what} ends the connection before anything is sent`, async (t) => {
    const { origin, seen } = await startTls(t, certificates[name]);
    const http = trusted ? { caCertificates: certificates.ca } : undefined;
    const { session } = await signedUp(t, server, { allowedOrigins: [origin], http });
    await rejects(code, () => session.fetch(origin));
    await rejects(code, () => session.exchange(origin).response());
    assert.deepEqual(seen, []);
  });
}

test('a redirect to another origin, to http, or to another port gets no token and nothing else', async (t) => {
  const start = await startTls(t, certificates.good);
  const others = [await startTls(t, certificates.good), await startPlain(t), await startPlain(t)];
  // Each of them may have the token, when it is asked for by its own URL.
  const allowedOrigins = [start.origin, ...others.map(({ origin }) => origin)];
  const http = { caCertificates: certificates.ca };
  const { session } = await signedUp(t, server, { allowedOrigins, http });
  const targets = [
    ...others.map(({ origin }) => origin),
    start.origin.replace('https:', 'http:'),
    start.origin.replace('127.0.0.1', 'localhost'),
    '//example.com/',
    'https://example.com/',
    'data:text/plain,x',
  ];
  for (const target of targets) {
    const url = `${start.origin}/to?${encodeURIComponent(target)}`;
    await rejects('ERR_ORIGIN_NOT_ALLOWED', () => session.fetch(url, { method: 'POST', body: 'b' }));
    await rejects('ERR_ORIGIN_NOT_ALLOWED', () => session.exchange(url).response());
  }
  assert.deepEqual(
    others.flatMap(({ seen }) => seen),
    [],
  );
  const token = `Bearer ${await session.accessToken()}`;
  assert.equal(start.seen.length, 2 * targets.length);
  const within = await session.fetch(`${start.origin}/to?${encodeURIComponent('/end')}`);
  assert.deepEqual([within.url, within.redirected], [`${start.origin}/end`, true]);
  assert.deepEqual([...new Set(start.seen)], [token]);
});

/** A proxy that tunnels (CONNECT) to `port`, whatever was asked for, and remembers what it saw. */
async function startProxy(t, port) {
  const [seen, ends] = [[], []];
  const proxy = http.createServer((_request, response) => response.writeHead(400).end());
  proxy.on('connect', ({ url, headers }, socket) => {
    seen.push([url, headers['proxy-authorization'], headers.authorization]);
    const tunnel = net.connect(port, '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n');
      tunnel.pipe(socket).pipe(tunnel);
    });
    for (const end of [tunnel, socket]) {
      ends.push(end);
      end.on('error', () => undefined);
    }
  });
  proxy.listen(0, '127.0.0.1');
  t.after(() => {
    // A tunnel is no longer the server's: it does not close it.
    for (const end of ends) end.destroy();
    proxy.closeAllConnections();
    proxy.close();
  });
  await once(proxy, 'listening');
  return { host: `127.0.0.1:${proxy.address().port}`, seen };
}

test('a proxy carries what it cannot read, and never what is for this machine', async (t) => {
  const { port, seen, origin } = await startTls(t, certificates.api);
  const api = 'https://api.example.test';
  const proxy = await startProxy(t, port);
  const caCertificates = certificates.ca;
  const open = (proxy) =>
    signedUp(t, server, { allowedOrigins: [api, origin], http: { caCertificates, proxy } });
  const { session } = await open(`http://name:word@${proxy.host}`);
  const answer = await session.fetch(`${api}/path`);
  assert.equal(String(answer.body), 'secure');
  assert.deepEqual(seen, [`Bearer ${await session.accessToken()}`]);
  const credentials = `Basic ${Buffer.from('name:word').toString('base64')}`;
  assert.deepEqual(proxy.seen, [['api.example.test:443', credentials, undefined]]);
  // The sign-up above went to this machine, and so does this, where the certificate is for another host.
  await rejects('ERR_TLS_HOSTNAME', () => session.fetch(origin));
  assert.equal(proxy.seen.length, 1);
});

test('the proxy of the environment is used unless it is turned off', async (t) => {
  const { port } = await startTls(t, certificates.api);
  const api = 'https://api.example.test';
  const proxy = await startProxy(t, port);
  process.env.HTTPS_PROXY = `http://${proxy.host}`;
  t.after(() => delete process.env.HTTPS_PROXY);
  const fetchWith = async (http) => {
    const { session } = await signedUp(t, server, { allowedOrigins: [api], http });
    return session.fetch(api, { timeoutMs: 5000 });
  };
  const caCertificates = certificates.ca;
  assert.equal((await fetchWith({ caCertificates })).status, 200);
  assert.equal((await fetchWith({ caCertificates, proxy: 'system' })).status, 200);
  assert.equal(proxy.seen.length, 2);
  await assert.rejects(fetchWith({ caCertificates, proxy: 'none' }));
  assert.equal(proxy.seen.length, 2);
});

test('a proxy that does not answer is a connection that was not made', async (t) => {
  const sockets = [];
  const deaf = net.createServer((socket) => sockets.push(socket)).listen(0, '127.0.0.1');
  t.after(() => {
    // What is never read does not tell that its other end is closed.
    for (const socket of sockets) socket.destroy();
    deaf.close();
  });
  await once(deaf, 'listening');
  const api = 'https://api.example.test';
  const http = { proxy: `http://127.0.0.1:${deaf.address().port}`, connectTimeoutMs: 100 };
  const { session } = await signedUp(t, server, { allowedOrigins: [api], http });
  const error = await rejects('ERR_TIMEOUT', () => session.fetch(api));
  assert.match(error.message, /100 ms/);
});

test('options that cannot be meant are refused', async (t) => {
  for (const http of [
    { caCertificates: '' },
    { caCertificates: 'not PEM' },
    { caCertificates: [certificates.ca, '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n'] },
    { caCertificates: certificates.good.key.toString() },
    { caCertificates: 1 },
    { proxy: '' },
    { proxy: 'proxy.example.com:3128' },
    { proxy: 'socks5://127.0.0.1:1080' },
    { connectTimeoutMs: 0 },
    { connectTimeoutMs: -1 },
  ]) {
    await rejects('ERR_INVALID_ARGUMENT', () => signedUp(t, server, { http }).then(() => http));
  }
});
