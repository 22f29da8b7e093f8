// Signing in on another device, and by a code in a mail, on a real Better Auth server.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { restarting } from './auth-server.mjs';
import {
  assertIn,
  assertNoSecret,
  begun,
  entered,
  newPerson,
  rejects,
  sessionOn,
  startPeer,
} from './better-auth-peer.mjs';

const peer = await startPeer({ after }, { requireSignature: false });
const polls = () => peer.requests.filter((line) => line.startsWith('POST /api/auth/device/token'));

async function somebody(t) {
  const { person } = await entered(t, peer);
  return person;
}

test('another device: its code is shown, and it is asked about until it is allowed', async (t) => {
  const person = await somebody(t);
  const session = await sessionOn(t, peer);
  const waiting = await begun(session, { method: 'device', scope: 'profile' });
  assert.equal(waiting.awaits, 'device');
  assert.equal(waiting.verificationUri, `${peer.url}/device`);
  assert.equal(waiting.verificationUriComplete, `${peer.url}/device?user_code=${waiting.userCode}`);
  assert.match(waiting.userCode, /^[A-Z0-9]{8}$/);
  assertNoSecret(peer, JSON.stringify(waiting), 'what the application sees');
  const completing = session.waitForSignIn(waiting.id);
  await peer.decideDevice(waiting.userCode, 'approve', person);
  assert.equal((await completing).email, person.email);
  assert.equal(session.state().state, 'active');
  assert.ok(session.state().expiresAtMs > Date.now());
  await assertIn(session, peer, person);
  assert.deepEqual(await session.pendingSignIns(), []);
});

test('the unsigned token of a device becomes the signed one as soon as the server shows it', async (t) => {
  const person = await somebody(t);
  const session = await sessionOn(t, peer);
  const { id, userCode } = await begun(session, { method: 'device' });
  await peer.decideDevice(userCode, 'approve', person);
  await session.waitForSignIn(id);
  const raw = await session.accessToken();
  assert.equal(raw.includes('.'), false);
  // Old enough to be prolonged, with which its token is shown.
  await peer.changeSessions(person.email, { expiresAt: new Date(Date.now() + 60_000) });
  await session.refresh();
  const signed = await session.accessToken();
  assert.equal(signed.split('.')[0], raw);
  assert.ok(signed.includes('.'));
  await assertIn(session, peer, person);
});

test('refused on the other device: ERR_ACCESS_DENIED', async (t) => {
  const person = await somebody(t);
  const session = await sessionOn(t, peer);
  const { id, userCode } = await begun(session, { method: 'device' });
  const outcome = rejects('ERR_ACCESS_DENIED', () => session.waitForSignIn(id));
  await peer.decideDevice(userCode, 'deny', person);
  await outcome;
  assert.equal(session.state().state, 'signedOut');
});

test('nobody comes: ERR_SIGN_IN_EXPIRED', async (t) => {
  const hasty = await startPeer(t, { deviceSeconds: 2 });
  const session = await sessionOn(t, hasty);
  const { id } = await begun(session, { method: 'device' });
  await rejects('ERR_SIGN_IN_EXPIRED', () => session.waitForSignIn(id));
});

test('given up: it is not asked about any more', async (t) => {
  const session = await sessionOn(t, peer);
  const { id } = await begun(session, { method: 'device' });
  const outcome = rejects('ERR_SIGN_IN_CANCELLED', () => session.waitForSignIn(id));
  await session.cancelSignIn(id);
  await outcome;
  assert.equal(session.state().state, 'signedOut');
});

test('slow_down: it is asked about more seldom', async (t) => {
  const person = await somebody(t);
  const session = await sessionOn(t, peer);
  peer.clearLog();
  peer.answerOnce('/api/auth/device/token', () => Response.json({ error: 'slow_down' }, { status: 400 }));
  const { id, userCode } = await begun(session, { method: 'device' });
  await peer.decideDevice(userCode, 'approve', person);
  const started = Date.now();
  await session.waitForSignIn(id);
  // One second, and then that and five more.
  assert.ok(Date.now() - started > 5_000);
  assert.equal(polls().length, 2);
});

test('a token is taken although the server fails right afterwards', async (t) => {
  const person = await somebody(t);
  const session = await sessionOn(t, peer);
  const { id, userCode } = await begun(session, { method: 'device' });
  peer.answerOnce('/api/auth/get-session', () => new Response('oops', { status: 503 }));
  peer.clearLog();
  await peer.decideDevice(userCode, 'approve', person);
  await session.waitForSignIn(id);
  await assertIn(session, peer, person);
  const granted = polls().filter((line) => line.endsWith('200'));
  assert.equal(granted.length, 1, 'the server gives it once');
});

test('it survives a restart', async (t) => {
  const person = await somebody(t);
  const restart = restarting(t);
  const first = await restart(peer, { provider: peer.provider });
  const { id, userCode } = await begun(first, { method: 'device' });
  const second = await restart(peer, { provider: peer.provider });
  const completing = second.waitForSignIn(id);
  await peer.decideDevice(userCode, 'approve', person);
  await completing;
  await assertIn(second, peer, person);
});

test('a server that takes signed tokens only cannot be signed in to so, and the error says why', async (t) => {
  const strict = await startPeer(t, { requireSignature: true });
  const { person } = await entered(t, strict);
  const session = await sessionOn(t, strict);
  const { id, userCode } = await begun(session, { method: 'device' });
  await strict.decideDevice(userCode, 'approve', person);
  const error = await rejects('ERR_UNEXPECTED_RESPONSE', () => session.waitForSignIn(id));
  assert.match(error.message, /requireSignature/);
  assert.equal(session.state().state, 'signedOut');
});

test('a client that the server does not know, a server without the plugin', async (t) => {
  const session = await sessionOn(t, peer, { provider: { deviceClientId: 'nobody' } });
  const refused = await rejects('ERR_SIGN_IN_REJECTED', () => session.signIn({ method: 'device' }));
  assert.match(refused.message, /400, INVALID_CLIENT/);
  peer.answerOnce('/api/auth/device/code', () => new Response(null, { status: 404 }));
  await rejects('ERR_NOT_SUPPORTED', () => session.signIn({ method: 'device' }));
});

test('a code by mail signs in, and makes the account of somebody new', async (t) => {
  const { email } = newPerson();
  const session = await sessionOn(t, peer);
  const { id, awaits, factors } = await begun(session, { method: 'code', email });
  assert.equal(awaits, 'code');
  const [first] = email;
  assert.deepEqual(factors, [
    { strategy: 'emailOtp', hint: `${first}•••@example.com`, sent: true, first: true },
  ]);
  const submit = (code) => session.submitCode(id, { strategy: 'emailOtp', code });
  const wrong = peer.codeFor(email) === '000000' ? '000001' : '000000';
  await rejects('ERR_INVALID_CODE', () => submit(wrong));
  await submit(peer.codeFor(email));
  await assertIn(session, peer, { email });
});

test('a code by mail: after too many wrong ones another is sent', async (t) => {
  const { email } = newPerson();
  const session = await sessionOn(t, peer);
  const { id } = await begun(session, { method: 'code', email });
  const submit = (code) => session.submitCode(id, { strategy: 'emailOtp', code });
  const wrong = peer.codeFor(email) === '000000' ? '000001' : '000000';
  for (let tries = 0; tries < 5; tries++) await rejects('ERR_INVALID_CODE', () => submit(wrong));
  await rejects('ERR_INVALID_CODE', () => submit(peer.codeFor(email)));
  await session.sendCode(id, 'emailOtp');
  await submit(peer.codeFor(email));
  await assertIn(session, peer, { email });
});
