// Signing in on another device (RFC 8628), at a real OpenID Connect server.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openOidc, userOf } from './oidc-session.mjs';
import { outcome } from './peer-session.mjs';
import { Browser } from './peers/oidc-browser.mjs';

async function beginOnDevice(session) {
  const { status, signIn } = await session.signIn({ method: 'device' });
  assert.deepEqual([status, signIn.awaits], ['pending', 'device']);
  return signIn;
}

test('the person types a code on another device, and this one is signed in', async (t) => {
  for (const provider of [{}, { dpop: true }]) {
    const { server, session } = await openOidc(t, { provider });
    const pending = await beginOnDevice(session);
    assert.match(pending.userCode, /^[A-Z]{4}-[A-Z]{4}$/);
    assert.equal(pending.verificationUri, `${server.url}/device`);
    assert.ok(pending.verificationUriComplete.includes(pending.userCode));
    assert.ok(pending.expiresAtMs > Date.now());
    const waiting = session.waitForSignIn(pending.id);
    assert.equal(await new Browser().visit(pending.verificationUriComplete, { login: 'ada' }), null);
    assert.deepEqual(await waiting, userOf('ada'));
    assert.equal((await session.fetch(server.resource)).status, 200);
  }
});

test('a person who refuses there is not signed in here', async (t) => {
  const { session } = await openOidc(t);
  const pending = await beginOnDevice(session);
  const waiting = outcome(session.waitForSignIn(pending.id));
  await new Browser().visit(pending.verificationUriComplete, { login: 'ada', refuses: true });
  assert.equal(await waiting, 'ERR_ACCESS_DENIED');
  assert.equal(session.state().state, 'signedOut');
});

test('nothing is asked of the server any more once the sign-in was cancelled', async (t) => {
  const { session } = await openOidc(t);
  const pending = await beginOnDevice(session);
  const waiting = outcome(session.waitForSignIn(pending.id));
  await session.cancelSignIn(pending.id);
  assert.equal(await waiting, 'ERR_SIGN_IN_CANCELLED');
});
