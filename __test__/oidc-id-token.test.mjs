// What an ID token must prove before anybody is signed in, and what a server's other answers must.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { rejects } from './addon.mjs';
import { openSession } from './auth-server.mjs';
import { begin, CALLBACK } from './oidc-session.mjs';
import { OidcForger, SigningKey, signedWithPublicKey } from './peers/oidc-forger.mjs';

/** Signs in with the ID token that `forge(nonce)` makes. */
async function enter(session, forger, forge, request) {
  const pending = await begin(session, request);
  const { searchParams } = new URL(pending.url);
  forger.token = () => [
    200,
    {
      token_type: 'Bearer',
      access_token: randomUUID(),
      refresh_token: randomUUID(),
      expires_in: 300,
      id_token: forge(searchParams.get('nonce')),
    },
  ];
  return session.handleCallback(`${CALLBACK}?code=c&state=${searchParams.get('state')}`);
}

async function openForger(t, provider) {
  const forger = await OidcForger.start(t);
  const session = await openSession(t, forger, { provider: { ...forger.provider, ...provider } });
  return { forger, session };
}

const rsa = SigningKey.of('RS256');

test('a token of every algorithm that is taken holds', async (t) => {
  const { forger, session } = await openForger(t);
  for (const alg of ['RS256', 'PS256', 'ES256', 'EdDSA']) {
    const key = SigningKey.of(alg);
    forger.keys = [SigningKey.of('RS256', 'another'), key];
    const fresh = await openSession(t, forger, { provider: forger.provider });
    const { result } = await enter(fresh, forger, (nonce) => key.jwt(forger.claims(nonce)));
    assert.equal(result.user.name, 'Ada', alg);
  }
  assert.equal(session.state().state, 'signedOut');
});

for (const [what, forge] of [
  ['alg none', (claims) => rsa.jwt(claims, { header: { alg: 'none' }, signature: () => '' })],
  ['HS256 with the public key', (claims) => rsa.jwt(claims, signedWithPublicKey(rsa))],
  ['an algorithm the key is not for', (claims) => rsa.jwt(claims, { header: { alg: 'ES256' } })],
  [
    'a signature of another key',
    (claims) => SigningKey.of('RS256', 'evil').jwt(claims, { header: { kid: 'RS256' } }),
  ],
  ['no signature', (claims) => rsa.jwt(claims, { signature: () => '' })],
  [
    'an extension that must be understood',
    (claims) => rsa.jwt(claims, { header: { crit: ['b64'], b64: false } }),
  ],
  ['no token at all', () => undefined],
  ['nonsense', () => 'a.b.c'],
  ['iss', (claims) => rsa.jwt({ ...claims, iss: 'https://evil.example' })],
  ['aud', (claims) => rsa.jwt({ ...claims, aud: 'another' })],
  ['azp', (claims) => rsa.jwt({ ...claims, aud: ['app', 'another'], azp: 'another' })],
  ['nonce', (claims) => rsa.jwt({ ...claims, nonce: 'another' })],
  ['a missing nonce', (claims) => rsa.jwt({ ...claims, nonce: undefined })],
  ['exp', (claims) => rsa.jwt({ ...claims, exp: claims.iat - 120 })],
  ['iat', (claims) => rsa.jwt({ ...claims, iat: claims.iat + 600, exp: claims.exp + 600 })],
  ['at_hash', (claims) => rsa.jwt({ ...claims, at_hash: 'AAAAAAAAAAAAAAAAAAAAAA' })],
  ['sub', (claims) => rsa.jwt({ ...claims, sub: '' })],
]) {
  test(`an ID token is refused for ${what}`, async (t) => {
    const { forger, session } = await openForger(t);
    const entering = enter(session, forger, (nonce) => forge(forger.claims(nonce)));
    await rejects('ERR_ID_TOKEN_INVALID', () => entering);
    assert.equal(session.state().state, 'signedOut');
    assert.deepEqual(await session.pendingSignIns(), []);
  });
}

test('keys that the server has rotated are fetched once, and a key nobody has is not asked for again and again', async (t) => {
  const { forger, session } = await openForger(t);
  await enter(session, forger, (nonce) => rsa.jwt(forger.claims(nonce)));
  assert.equal(forger.count('GET /jwks'), 1);
  const next = SigningKey.of('ES256', 'next');
  forger.keys = [next];
  const { result } = await enter(session, forger, (nonce) => next.jwt(forger.claims(nonce)));
  assert.equal(result.user.id, 'ada');
  assert.equal(forger.count('GET /jwks'), 2);
  for (const kid of ['made-up-1', 'made-up-2', 'made-up-3']) {
    const evil = (nonce) => SigningKey.of('ES256', 'evil').jwt(forger.claims(nonce), { header: { kid } });
    await rejects('ERR_ID_TOKEN_INVALID', () => enter(session, forger, evil));
  }
  assert.equal(forger.count('GET /jwks'), 2, 'half a minute has not passed');
});

test('max_age is measured by auth_time', async (t) => {
  const { forger, session } = await openForger(t);
  const now = Math.floor(Date.now() / 1000);
  for (const auth_time of [undefined, now - 600]) {
    const forge = (nonce) => rsa.jwt(forger.claims(nonce, { auth_time }));
    await rejects('ERR_ID_TOKEN_INVALID', () => enter(session, forger, forge, { maxAgeS: 60 }));
  }
  const forge = (nonce) => rsa.jwt(forger.claims(nonce, { auth_time: now }));
  assert.equal((await enter(session, forger, forge, { maxAgeS: 60 })).result.status, 'complete');
});

test('userinfo about somebody else is refused', async (t) => {
  const { forger, session } = await openForger(t);
  forger.discovery = { userinfo_endpoint: `${forger.url}/userinfo` };
  forger.userinfo = () => [200, { sub: 'eve', email: 'eve@example.com' }];
  const forge = (nonce) => rsa.jwt(forger.claims(nonce, { email: undefined }));
  await rejects('ERR_UNEXPECTED_RESPONSE', () => enter(session, forger, forge));
  forger.userinfo = () => [200, { sub: 'ada', email: 'ada@example.org' }];
  const { result } = await enter(session, forger, forge);
  assert.deepEqual([result.user.email, result.user.name], ['ada@example.org', 'Ada']);
  forger.userinfo = () => [500, {}];
  const more = await enter(session, forger, forge);
  assert.equal(more.result.user.email, null, 'the sign-in does not need it');
});

test('a refresh that brings an ID token about somebody else is refused, and the person stays who they are', async (t) => {
  const { forger, session } = await openForger(t, { refreshTokenReuse: true });
  await enter(session, forger, (nonce) => rsa.jwt(forger.claims(nonce)));
  const answer = (changes) => () => [
    200,
    {
      token_type: 'Bearer',
      access_token: randomUUID(),
      id_token: rsa.jwt(forger.claims(undefined, changes)),
    },
  ];
  const before = await session.accessToken();
  forger.token = answer({ sub: 'eve' });
  await rejects('ERR_ID_TOKEN_INVALID', () => session.refresh());
  assert.equal(session.state().user.id, 'ada');
  assert.equal(await session.accessToken(), before);
  forger.token = answer({ name: 'Ada Lovelace' });
  await session.refresh();
  assert.equal(session.state().user.name, 'Ada Lovelace');
  assert.notEqual(await session.accessToken(), before);
});

test('a refresh is not lost, and waits for nothing, because the keys cannot be had now', async (t) => {
  const { forger, session } = await openForger(t);
  await enter(session, forger, (nonce) => rsa.jwt(forger.claims(nonce)));
  const renamed = SigningKey.of('ES256', 'renamed');
  const id_token = renamed.jwt(forger.claims(undefined, { name: 'Somebody' }));
  forger.token = () => [200, { token_type: 'Bearer', access_token: 'renewed', id_token }];
  forger.keys = { map: () => 'no keys' };
  await session.refresh();
  assert.equal(await session.accessToken(), 'renewed');
  assert.equal(session.state().user.name, 'Ada');
  // The next one has them.
  forger.keys = [renamed];
  await session.refresh();
  assert.equal(session.state().user.name, 'Somebody');
});

test('an OAuth 2 server without ID tokens signs in too: its own discovery, and userinfo or a JWT tells who', async (t) => {
  const { forger, session } = await openForger(t, { scope: 'api' });
  forger.discoveryPath = '/.well-known/oauth-authorization-server';
  const access_token = rsa.jwt({ sub: 'ada', exp: 4_000_000_000 });
  forger.token = () => [200, { token_type: 'Bearer', access_token, refresh_token: 'r', expires_in: 60 }];
  const pending = await begin(session);
  const { searchParams } = new URL(pending.url);
  assert.deepEqual([searchParams.get('nonce'), searchParams.get('prompt')], [null, null]);
  const { result } = await session.handleCallback(`${CALLBACK}?code=c&state=${searchParams.get('state')}`);
  assert.equal(result.user.id, 'ada');
  assert.equal(forger.count('GET /jwks'), 0);
});

test('a server that does not bind a token to the key is not taken for one that does', async (t) => {
  const { forger, session } = await openForger(t, { dpop: true });
  const forge = (nonce) => rsa.jwt(forger.claims(nonce));
  await rejects('ERR_UNEXPECTED_RESPONSE', () => enter(session, forger, forge));
  assert.equal(session.state().state, 'signedOut');
});

test('a wrong clock here does not make a good token bad', async (t) => {
  const { forger, session } = await openForger(t);
  // The server lives in another year than this machine: what counts is its own clock.
  const ahead = 400 * 86_400;
  const forge = (nonce) => {
    const { iat, exp, ...rest } = forger.claims(nonce);
    return rsa.jwt({ ...rest, iat: iat + ahead, exp: exp + ahead });
  };
  const pending = await begin(session);
  const { searchParams } = new URL(pending.url);
  const date = new Date(Date.now() + ahead * 1000).toUTCString();
  const id_token = forge(searchParams.get('nonce'));
  forger.token = () => [200, { token_type: 'Bearer', access_token: 'a', id_token }, { date }];
  const { result } = await session.handleCallback(`${CALLBACK}?code=c&state=${searchParams.get('state')}`);
  assert.equal(result.status, 'complete');
});
