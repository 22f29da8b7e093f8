// A Better Auth server that follows the published recipe: a refresh route of its own, whose tokens are good for one use.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openSession } from './auth-server.mjs';
import { assertIn, entered, startPeer } from './better-auth-peer.mjs';
import { became } from './peer-session.mjs';
import { newVaultOptions, openVault } from './vault-folder.mjs';

test('its tokens rotate, once for all callers, over a restart, and end by its word', async (t) => {
  // Such a server's access tokens are short: here they are sessions of a minute.
  const peer = await startPeer(t, { requireSignature: false, session: { expiresIn: 60, updateAge: 60 } });
  const { session: native, person } = await entered(t, peer);
  const { body } = await native.fetch(`${peer.baseUrl}/refresh/begin`, {
    method: 'POST',
    headers: [['content-type', 'application/json']],
    body: '{}',
  });
  assert.equal(body.includes(await native.accessToken()), false);
  const tokens = await begin(peer, await native.accessToken());

  const vaultOptions = await newVaultOptions(t);
  const provider = { type: 'token-endpoint', refreshUrl: `${peer.baseUrl}/refresh` };
  const open = async (vault) => openSession(t, peer, { vault, provider });
  const vault = await openVault(t, vaultOptions);
  const session = await open(vault);
  const { accessToken, refreshToken, expiresIn, user } = tokens;
  const { id, email, name } = user;
  await session.signIn({
    method: 'tokens',
    accessToken,
    refreshToken,
    expiresInMs: expiresIn * 1000,
    user: { id, email, name },
  });
  await assertIn(session, peer, person);
  const before = peer.refreshes.granted;
  await Promise.all(Array.from({ length: 20 }, () => session.refresh()));
  assert.deepEqual(peer.refreshes, { granted: before + 1, reuses: 0 });
  await assertIn(session, peer, person);

  await session.close();
  await vault.close();
  const again = await open(await openVault(t, vaultOptions));
  await became(again, { state: 'active' });
  await assertIn(again, peer, person);
  assert.deepEqual(peer.refreshes, { granted: before + 2, reuses: 0 });

  // Somebody else uses a token that was spent long ago: the server ends it all.
  const stolen = await post(`${peer.baseUrl}/refresh`, { refreshToken });
  assert.equal(stolen.status, 401);
  await again.refresh().catch(() => undefined);
  assert.deepEqual([again.state().state, again.state().reason], ['expired', 'ended']);
});

async function begin(peer, token) {
  const answer = await post(`${peer.baseUrl}/refresh/begin`, {}, { authorization: `Bearer ${token}` });
  assert.equal(answer.status, 200);
  return answer.json();
}

const post = (url, body, headers = {}) =>
  fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  });
