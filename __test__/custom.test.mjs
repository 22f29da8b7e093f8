// A session whose tokens the application brings: everything around them is the package's.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { AuthSession, rejects } from './addon.mjs';
import { startStub } from './auth-server.mjs';
import { inChild } from './child.mjs';
import { became, outcome } from './peer-session.mjs';
import { newVaultOptions, openVault } from './vault-folder.mjs';

const ADA = { id: 'u1', email: 'ada@example.com', name: 'Ada Lovelace', image: null, emailVerified: true };
const custom = { method: 'custom' };

/** A source that counts, and gives tokens with a number that live so long. */
function sourceOf({ lifetimeMs = 60_000, user = ADA } = {}) {
  const source = {
    asked: [],
    give: async () => ({
      accessToken: `token-${source.asked.length}`,
      expiresAtMs: Date.now() + lifetimeMs,
      user,
    }),
    getToken: (request) => {
      source.asked.push(request);
      return source.give(request);
    },
  };
  return source;
}

async function opened(t, source, { vault, vaultOptions, ...options } = {}) {
  const session = await AuthSession.open({
    vault: vault ?? (await openVault(t, vaultOptions)),
    provider: { type: 'custom', id: 'test', getToken: source.getToken },
    ...options,
  });
  t.after(() => session.close());
  return session;
}

test('somebody signs in with what the application brings', async (t) => {
  const source = sourceOf();
  const session = await opened(t, source);
  const { status, user } = await session.signIn(custom);
  assert.deepEqual([status, user], ['complete', ADA]);
  assert.deepEqual(source.asked, [{ reason: 'signIn', user: null }]);
  assert.equal(await session.accessToken(), 'token-1');
  assert.equal(session.state().state, 'active');
});

test('a JWT says of itself whose it is and when it ends', async (t) => {
  const seconds = Math.floor(Date.now() / 1000);
  const claims = { sub: 'user_1', email: 'ada@example.com', iat: seconds, exp: seconds + 60 };
  const accessToken = `e30.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.c2ln`;
  const session = await opened(t, { getToken: async () => ({ accessToken }) });
  const { user } = await session.signIn(custom);
  assert.deepEqual([user.id, user.email], ['user_1', 'ada@example.com']);
  assert.equal(session.state().expiresAtMs, (seconds + 60) * 1000);
  assert.equal(session.claims().sub, 'user_1');
});

test('a token that is over is asked for anew, once for all who wait', async (t) => {
  const source = sourceOf({ lifetimeMs: 1500 });
  const session = await opened(t, source);
  await session.signIn(custom);
  await setTimeout(1600);
  const tokens = await Promise.all(Array.from({ length: 100 }, () => session.accessToken()));
  assert.deepEqual(new Set(tokens), new Set(['token-2']));
  assert.deepEqual(source.asked[1], { reason: 'renew', user: ADA });
  assert.equal(source.asked.length, 2);
});

test('a start asks for a token, with the person known before', async (t) => {
  const vaultOptions = await newVaultOptions(t);
  const vault = await openVault(t, vaultOptions);
  const first = await opened(t, sourceOf(), { vault });
  await first.signIn(custom);
  await first.close();
  await vault.close();
  const source = sourceOf();
  const session = await opened(t, source, { vaultOptions });
  assert.deepEqual([session.state().state, session.state().user], ['restoring', ADA]);
  assert.equal(await session.accessToken(), 'token-1');
  assert.deepEqual(source.asked, [{ reason: 'renew', user: ADA }]);
});

test('null ends the session and keeps the person; at a sign-in it means that nobody is there', async (t) => {
  const source = sourceOf();
  const session = await opened(t, source);
  const { give } = source;
  source.give = async () => null;
  await rejects('ERR_NOT_SIGNED_IN', () => session.signIn(custom));
  source.give = give;
  await session.signIn(custom);
  source.give = async () => null;
  await session.refresh();
  const { state, reason, user } = session.state();
  assert.deepEqual([state, reason, user], ['expired', 'ended', ADA]);
});

test('a token of somebody else ends the session of the one before', async (t) => {
  const source = sourceOf();
  const session = await opened(t, source);
  await session.signIn(custom);
  source.give = async () => ({ accessToken: 'hers', user: { id: 'u2' } });
  await session.refresh();
  assert.deepEqual([session.state().state, session.state().user.id], ['expired', 'u1']);
  await session.signIn(custom);
  assert.equal(session.state().user.id, 'u2');
});

test('a person may be called otherwise than the token´s subject', async (t) => {
  const jwt = (sub) => `e30.${Buffer.from(JSON.stringify({ sub })).toString('base64url')}.c2ln`;
  const source = sourceOf();
  const session = await opened(t, source);
  source.give = async () => ({ accessToken: jwt('subject'), user: ADA });
  await session.signIn(custom);
  source.give = async () => ({ accessToken: jwt('subject') });
  await session.refresh();
  assert.deepEqual([session.state().state, session.state().user], ['active', ADA]);
  source.give = async () => ({ accessToken: jwt('another') });
  await session.refresh();
  assert.equal(session.state().state, 'expired');
});

const TROUBLE = [
  ['rejects', () => Promise.reject(new Error('secret-token in the message')), 'ERR_NETWORK'],
  ['rejects with something else', () => Promise.reject(), 'ERR_NETWORK'],
  [
    'throws',
    () => {
      throw new Error('secret-token in the message');
    },
    'ERR_NETWORK',
  ],
  ['gives no promise', () => ({ accessToken: 'a' }), 'ERR_NETWORK'],
  ['resolves to undefined', async () => undefined, 'ERR_UNEXPECTED_RESPONSE'],
  ['resolves to a string', async () => 'secret-token', 'ERR_UNEXPECTED_RESPONSE'],
  ['resolves to no token', async () => ({ accessToken: 1 }), 'ERR_UNEXPECTED_RESPONSE'],
  ['resolves to an empty token', async () => ({ accessToken: '' }), 'ERR_UNEXPECTED_RESPONSE'],
];
for (const [name, give, code] of TROUBLE) {
  test(`a source that ${name} is trouble: offline, the token served, asked again by itself`, async (t) => {
    const source = sourceOf();
    const session = await opened(t, source);
    await session.signIn(custom);
    const well = source.give;
    source.give = give;
    const error = await rejects(code, () => session.refresh());
    assert.ok(!error.message.includes('secret-token'));
    assert.equal(session.state().state, 'offline');
    assert.equal(await session.accessToken(), 'token-1');
    source.give = well;
    await became(session, { state: 'active', reason: 'refreshed' });
  });
}

test('the token goes to the origins that may have it', async (t) => {
  const seen = [];
  const url = await startStub(t, (request, response) => {
    seen.push(request.headers.authorization);
    response.end();
  });
  const source = sourceOf();
  const session = await opened(t, source, { allowedOrigins: [url] });
  await session.signIn(custom);
  await session.fetch(url);
  assert.deepEqual(seen, ['Bearer token-1']);
  const other = await startStub(t, (request, response) => {
    seen.push(request.headers.authorization);
    response.end();
  });
  assert.equal(await outcome(session.fetch(other)), 'ERR_ORIGIN_NOT_ALLOWED');
});

test('another source does not get the session of the one before', async (t) => {
  const vaultOptions = await newVaultOptions(t);
  const vault = await openVault(t, vaultOptions);
  const first = await opened(t, sourceOf(), { vault });
  await first.signIn(custom);
  await first.close();
  const source = sourceOf();
  const provider = { type: 'custom', id: 'another', getToken: source.getToken };
  const session = await opened(t, source, { vault, provider });
  assert.equal(session.state().state, 'signedOut');
  assert.equal(source.asked.length, 0);
});

test('what is no custom provider is refused', async (t) => {
  const vault = await openVault(t);
  const getToken = async () => null;
  for (const provider of [
    { type: 'custom', id: 'a' },
    { type: 'custom', getToken },
    { type: 'custom', id: '', getToken },
    { type: 'custom', id: 'a'.repeat(257), getToken },
    { type: 'custom', id: 'a', getToken: 'a' },
  ])
    await rejects('ERR_INVALID_ARGUMENT', () => AuthSession.open({ vault, provider }));
  const insecure = { type: 'custom', id: 'a', baseUrl: 'http://example.com', getToken };
  await rejects('ERR_INSECURE_URL', () => AuthSession.open({ vault, provider: insecure }));
  const session = await opened(t, { getToken }, { vault });
  const password = { method: 'password', email: 'a@b.test', password: 'p' };
  await rejects('ERR_NOT_SUPPORTED', () => session.signIn(password));
});

/** Signs in, and ends without closing anything. */
async function signInAndEnd({ addon }, vaultOptions) {
  const vault = await addon.Vault.open(vaultOptions);
  const getToken = async () => ({ accessToken: 'a', user: { id: 'u1' } });
  const session = await addon.AuthSession.open({ vault, provider: { type: 'custom', id: 'a', getToken } });
  await session.signIn({ method: 'custom' });
  return session.state().state;
}

test('a source does not keep the process alive', async (t) => {
  assert.equal(await inChild(t, signInAndEnd, await newVaultOptions(t)), 'active');
});
