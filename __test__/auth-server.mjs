// A real Better Auth server, sessions on it, and small servers of other kinds, all gone when their test ends.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import http from 'node:http';
import { setTimeout } from 'node:timers/promises';
import { Server } from '../electron-example/e2e/server.mjs';
import { AuthSession } from './addon.mjs';
import { newVaultOptions, openVault } from './vault-folder.mjs';

/** Starts a server; one that a whole file shares ends with the file: pass `{ after }` of node:test for `t`. */
export const startServer = (t, options) => Server.start(t, options);

const REACH_TIMEOUT_MS = 10_000;

/** Opens a session on this server, with a vault of its own unless one is given. */
export async function openSession(t, server, { vault, ...options } = {}) {
  const session = await AuthSession.open({
    vault: vault ?? (await openVault(t)),
    provider: { type: 'better-auth', baseUrl: `${server.url}/api/auth` },
    ...options,
  });
  t.after(() => session.close());
  return session;
}

/** Somebody who has no account yet. */
export function newUser() {
  return { email: `${randomUUID()}@example.com`, password: 'difference-engine', name: 'Ada Lovelace' };
}

/** The request that signs this user in. */
export const passwordOf = ({ email, password }) => ({ method: 'password', email, password });

/** A session with somebody new signed in. */
export async function signedUp(t, server, options) {
  const session = await openSession(t, server, options);
  const user = newUser();
  await session.signUp(user);
  return { session, user };
}

/** Closes session and vault and opens them again, as an application does that starts again. */
export function restarting(t) {
  let vaultOptions;
  let vault;
  let session;
  return async (server, options) => {
    vaultOptions ??= await newVaultOptions(t);
    session?.close();
    await vault?.close();
    vault = await openVault(t, vaultOptions);
    session = await openSession(t, server, { vault, ...options });
    return session;
  };
}

/** Waits until the session is in `state`. */
export async function reached(session, state) {
  let stop;
  let timer;
  const reaching = new Promise((resolve, reject) => {
    const look = (snapshot) => snapshot.state === state && resolve(snapshot);
    stop = session.onChange(look);
    look(session.state());
    const fail = () => reject(new Error(`not ${state}, still ${JSON.stringify(session.state())}`));
    timer = globalThis.setTimeout(fail, REACH_TIMEOUT_MS);
  });
  try {
    return await reaching;
  } finally {
    clearTimeout(timer);
    stop();
  }
}

/**
 * Asserts that exactly `expected` was heard by listeners. They are told in order, but not before the call that caused
 * the change returns; a moment more shows what should not have been heard.
 */
export async function assertHeard(heard, expected) {
  const deadline = Date.now() + REACH_TIMEOUT_MS;
  while (heard.length < expected.length && Date.now() < deadline) await setTimeout(5);
  await setTimeout(30);
  assert.deepEqual(heard, expected);
}

/** How often the server was asked whether a session goes on, since the log was last cleared. */
export async function renewals(server) {
  const requests = await server.requests();
  return requests.filter((line) => line.startsWith('GET /api/auth/get-session')).length;
}

/** The user of a snapshot or result, as far as it is known before the server is asked. */
export function assertUser(user, { email, name }) {
  assert.equal(typeof user.id, 'string');
  assert.deepEqual({ ...user, id: '' }, { id: '', email, name, image: null, emailVerified: false });
}

/** A plain server on the loopback address; answers its origin. */
export async function startStub(t, answer) {
  const server = http.createServer(answer).listen(0, '127.0.0.1');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  await new Promise((resolve) => server.once('listening', resolve));
  return `http://127.0.0.1:${server.address().port}`;
}
