// Sessions on the real Better Auth server with all its plugins, and what the person's authenticator and browser do.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { BetterAuthPeer } from '../electron-example/e2e/peers/better-auth.mjs';
import { openSession } from './auth-server.mjs';
import { totp } from './peers/authenticator.mjs';

export { DEVICE_CLIENT, SCHEME } from '../electron-example/e2e/peers/better-auth.mjs';
export { Browser } from '../electron-example/e2e/peers/browser.mjs';
export { rejects } from './addon.mjs';
export { totp, wrongTotp } from './peers/authenticator.mjs';

/** A file's own: pass `{ after }` of node:test for `t`. */
export const startPeer = (t, options) => BetterAuthPeer.start(t, options);

/** A session on this server. */
export const sessionOn = (t, peer, { provider, ...options } = {}) =>
  openSession(t, peer, { ...options, provider: { ...peer.provider, ...provider } });

/** Somebody who has no account yet, with a user name. */
export function newPerson() {
  const id = randomUUID();
  const username = `ada_${id.slice(0, 8)}`;
  return { email: `${id}@example.com`, password: 'difference-engine', name: 'Ada Lovelace', username };
}

export const byEmail = ({ email, password }, more) => ({ method: 'password', email, password, ...more });

/** Signs somebody new up. */
export async function entered(t, peer, options) {
  const session = await sessionOn(t, peer, options);
  const person = newPerson();
  await session.signUp(person);
  return { session, person };
}

/** Somebody new whose account has an authenticator: `{ session, person, secret, backupCodes }`. */
export async function enrolled(t, peer, options) {
  const { session, person } = await entered(t, peer, options);
  const { secret, backupCodes } = await enrol(clientOf(session, peer), person);
  return { session, person, secret, backupCodes };
}

/** Sets up an authenticator, as the page of an account does. */
export async function enrol(client, { password }) {
  const { status, json } = await client.post('/two-factor/enable', { password });
  assert.equal(status, 200);
  const secret = new URL(json.totpURI).searchParams.get('secret');
  const verified = await client.post('/two-factor/verify-totp', { code: totp(secret) });
  assert.equal(verified.status, 200, JSON.stringify(verified.json));
  return { secret, backupCodes: json.backupCodes };
}

/** Begins to sign in on this session; answers what it waits for. */
export async function begun(session, request) {
  const { status, signIn } = await session.signIn(request);
  assert.equal(status, 'pending');
  return signIn;
}

/** Calls routes of Better Auth over the session's fetch as a page does, and watches every answer for secrets. */
export function clientOf(session, peer) {
  const call = async (method, route, body) => {
    const answer = await session.fetch(peer.baseUrl + route, {
      method,
      ...(body && { body: JSON.stringify(body), headers: [['content-type', 'application/json']] }),
    });
    assertNoSecret(peer, `${JSON.stringify(answer.headers)} ${answer.body}`, `${method} ${route}`);
    return { status: answer.status, json: answer.body.length > 0 ? JSON.parse(answer.body) : undefined };
  };
  return { get: (route) => call('GET', route), post: (route, body = {}) => call('POST', route, body) };
}

/** Asserts that nothing which the server gave out as a secret can be seen here. */
export function assertNoSecret(peer, shown, what) {
  for (const secret of peer.secrets) assert.equal(shown.includes(secret), false, `${what} shows a secret`);
}

/** Asserts that the server lets this session in as this person. */
export async function assertIn(session, peer, { email }) {
  const { status, body } = await session.fetch(`${peer.url}/api/profile`);
  assert.equal(status, 200, body);
  assert.equal(JSON.parse(body).user.email, email);
}
