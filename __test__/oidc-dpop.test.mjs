// Tokens that are bound to a key (RFC 9449), with a server and an API that each want nonces of their own.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openOidc, signInBy } from './oidc-session.mjs';
import { became } from './peer-session.mjs';

const jwk = (proof) => JSON.parse(Buffer.from(proof.split('.')[0], 'base64url')).jwk;

for (const nonces of [false, true]) {
  const how = nonces ? 'with nonces' : 'without nonces';
  test(`sign-in, API, refresh and restart with one key, ${how}`, async (t) => {
    const { server, session, open } = await openOidc(t, {
      nonces,
      provider: { dpop: true },
      accessTokenSeconds: 3,
    });
    await signInBy(session, 'ada');
    assert.equal((await session.fetch(server.resource)).status, 200);
    assert.equal((await session.fetch(`${server.resource}`)).status, 200);
    await session.refresh();
    assert.equal((await session.fetch(server.resource)).status, 200);
    session.close();
    const again = await open();
    await became(again, { state: 'active' });
    assert.equal((await again.fetch(server.resource)).status, 200);

    const { counts, requests } = server;
    assert.deepEqual([counts.reuses, counts.invalidGrants], [0, 0]);
    const proofs = requests.filter(({ route, dpop }) => route === 'token' && dpop).map(({ dpop }) => dpop);
    assert.equal(new Set(proofs).size, proofs.length, 'no proof was sent twice');
    assert.equal(new Set(proofs.map((proof) => jwk(proof).x)).size, 1, 'one key');
    assert.ok(
      requests.every(({ route, dpop }) => route !== 'token' || dpop),
      'no token request without a proof',
    );
    const refused = requests.filter(({ error }) => error === 'use_dpop_nonce').length;
    assert.equal(refused > 0, nonces);
  });
}

test('requests at once that all lack the nonce of the API are all served, without a refresh', async (t) => {
  const { server, session } = await openOidc(t, { nonces: true, provider: { dpop: true } });
  await signInBy(session, 'ada');
  const answers = await Promise.all(Array.from({ length: 10 }, () => session.fetch(server.resource)));
  assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([200]));
  assert.equal(server.counts.refreshes, 0);
});

test('a bound token is of no use without its key', async (t) => {
  const { server, session } = await openOidc(t, { provider: { dpop: true } });
  await signInBy(session, 'ada');
  const token = await session.accessToken();
  for (const scheme of ['Bearer', 'DPoP']) {
    const { status } = await fetch(server.resource, { headers: { authorization: `${scheme} ${token}` } });
    assert.equal(status, 401, scheme);
  }
  assert.equal((await session.fetch(server.resource)).status, 200);
});

test('each sign-in has a key of its own', async (t) => {
  const { server, session } = await openOidc(t, { provider: { dpop: true } });
  for (const login of ['ada', 'eve']) {
    await signInBy(session, login);
    await session.signOut();
  }
  const proofs = server.requests.filter(({ params }) => params?.grant_type === 'authorization_code');
  assert.equal(new Set(proofs.map(({ dpop }) => jwk(dpop).x)).size, 2);
});
