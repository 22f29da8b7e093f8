// Whom a sign-in trusts: a server with a good certificate, and no other. Each of the others has a code of its own.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import https from 'node:https';
import net from 'node:net';
import { before, test } from 'node:test';
import { rejects } from './addon.mjs';
import { openSession } from './auth-server.mjs';
import { makeCertificates } from './certificates.mjs';
import { sendJson } from './peers/loopback.mjs';
import { OidcForger } from './peers/oidc-forger.mjs';

let certificates;
before(async (t) => {
  certificates = await makeCertificates(t);
});

/** An issuer over TLS with this certificate: `{ issuer, requests }`. */
async function startIssuer(t, { key, cert }) {
  const requests = [];
  const server = https.createServer({ key, cert }, (request, response) => {
    requests.push(request.url);
    sendJson(response, 200, {
      issuer,
      token_endpoint: `${issuer}/token`,
      authorization_endpoint: `${issuer}/authorize`,
    });
  });
  server.on('tlsClientError', () => undefined);
  const sockets = [];
  server.on('connection', (socket) => sockets.push(socket));
  server.listen(0, '127.0.0.1');
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  await once(server, 'listening');
  const issuer = `https://127.0.0.1:${server.address().port}`;
  return { issuer, requests };
}

async function openAt(t, issuer, http = { caCertificates: certificates.ca }) {
  const provider = { type: 'oidc', issuer, clientId: 'app', redirectUri: 'com.example.app:/callback' };
  return openSession(t, { url: issuer }, { provider, http });
}

test('a good certificate of the given authority passes', async (t) => {
  const { issuer, requests } = await startIssuer(t, certificates.good);
  const session = await openAt(t, issuer);
  const { status, signIn } = await session.signIn({ method: 'browser' });
  assert.equal(status, 'pending');
  assert.ok(signIn.url.startsWith(`${issuer}/authorize?`));
  assert.deepEqual(requests, ['/.well-known/openid-configuration']);
});

for (const [what, name, code] of [
  ['for another host', 'wronghost', 'ERR_TLS_HOSTNAME'],
  ['that is its own', 'self', 'ERR_TLS_UNTRUSTED'],
  ['that has expired', 'expired', 'ERR_TLS_EXPIRED'],
]) {
  test(`a certificate ${what} is ${code}, and nothing is sent`, async (t) => {
    const { issuer, requests } = await startIssuer(t, certificates[name]);
    const session = await openAt(t, issuer);
    await rejects(code, () => session.signIn({ method: 'browser' }));
    await rejects(code, () => session.signIn({ method: 'device' }));
    assert.deepEqual(requests, []);
    assert.equal(session.state().state, 'signedOut');
  });
}

test('a certificate of an authority that nobody trusts is ERR_TLS_UNTRUSTED', async (t) => {
  const { issuer, requests } = await startIssuer(t, certificates.good);
  const session = await openAt(t, issuer, {});
  await rejects('ERR_TLS_UNTRUSTED', () => session.signIn({ method: 'browser' }));
  assert.deepEqual(requests, []);
});

test('what speaks no TLS is ERR_TLS', async (t) => {
  const server = net.createServer((socket) => {
    socket.on('error', () => undefined);
    socket.end('this is not TLS, and long enough to tell');
  });
  server.listen(0, '127.0.0.1');
  t.after(() => server.close());
  await once(server, 'listening');
  const session = await openAt(t, `https://127.0.0.1:${server.address().port}`);
  await rejects('ERR_TLS', () => session.signIn({ method: 'browser' }));
});

test('http elsewhere than on this machine is ERR_INSECURE_URL, also where the server names it', async (t) => {
  await rejects('ERR_INSECURE_URL', () => openAt(t, 'http://id.example.com'));
  const forger = await OidcForger.start(t);
  for (const name of ['token_endpoint', 'authorization_endpoint', 'jwks_uri']) {
    forger.discovery = { [name]: 'http://id.example.com/' };
    const session = await openAt(t, forger.url);
    await rejects('ERR_INSECURE_URL', () => session.signIn({ method: 'browser' }));
  }
});
