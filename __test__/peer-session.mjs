// Sessions on the servers in peers/, which know of everything that a session should not have done.
import assert from 'node:assert/strict';
import { setTimeout } from 'node:timers/promises';
import { openSession } from './auth-server.mjs';
import { BetterAuthServer } from './peers/better-auth-server.mjs';
import { ClerkServer } from './peers/clerk-server.mjs';
import { OidcServer } from './peers/oidc-server.mjs';
import { RecipeServer } from './peers/recipe-server.mjs';
import { WorkOsServer } from './peers/workos-server.mjs';
import { newVaultOptions, openVault } from './vault-folder.mjs';

/** Whether the long forms run, which take an hour together. */
export const LONG = (process.env.LATCHKEY_LONG ?? '0') !== '0';

export const PEERS = {
  oidc: OidcServer,
  'token-endpoint': RecipeServer,
  'better-auth': BetterAuthServer,
  clerk: ClerkServer,
  workos: WorkOsServer,
};
/** Those that can be told to give out refresh tokens of many uses, */
export const EITHER_USE = ['oidc', 'token-endpoint'];
/** and those whose are good for one use unless they are told so. */
export const SINGLE_USE = [...EITHER_USE, 'workos'];

/** How long a token lives on the servers here unless they are told otherwise, */
export const LIFETIME_MS = 3000;
/** and how long of that it is served: a third is the margin of so short a life. */
export const SERVED_MS = 2000;

/** A session on this server with somebody new signed in: `{ session, who, vault, vaultOptions }`. */
export async function entered(t, server, options) {
  const vaultOptions = await newVaultOptions(t);
  const vault = await openVault(t, vaultOptions);
  const session = await openSession(t, server, { vault, provider: server.provider, ...options });
  const who = await server.enter(session);
  return { session, who, vault, vaultOptions };
}

/** Opens the session that lies in this vault in a new one, as another start of the application does. */
export async function openedAgain(t, server, vaultOptions, options) {
  const vault = await openVault(t, vaultOptions);
  return openSession(t, server, { vault, provider: server.provider, ...options });
}

/** `'done'`, or the code that the call was refused with. */
export async function outcome(promise) {
  try {
    await promise;
    return 'done';
  } catch (error) {
    assert.equal(error.name, 'LatchkeyError', error.stack);
    return error.code;
  }
}

/** Waits until the session is as `expected`, as far as that goes: `{ state, reason? }`. */
export async function became(session, expected, timeoutMs = 15_000) {
  const deadline = Date.now() + timeoutMs;
  const isSo = (snapshot) => Object.entries(expected).every(([name, value]) => snapshot[name] === value);
  while (!isSo(session.state())) {
    if (Date.now() > deadline)
      assert.fail(`not ${JSON.stringify(expected)}, still ${JSON.stringify(session.state())}`);
    await setTimeout(5);
  }
  return session.state();
}

/** Waits until the token at hand is over. */
export async function tokenIsOver(expiresAtMs) {
  await setTimeout(Math.max(0, expiresAtMs - Date.now() + 20));
}

/** Asserts that the server lets this session in, and knows it for whom the session knows itself. */
export async function assertLetIn(session, server) {
  const { status, body } = await session.fetch(server.resource);
  assert.equal(status, 200);
  assert.equal(JSON.parse(body).user.email, session.state().user.email);
}

/** Waits until the server has ended this session. */
export async function endedOnServer(server, who) {
  const deadline = Date.now() + 15_000;
  while (await server.isAlive(who)) {
    assert.ok(Date.now() < deadline, 'the session lives on, on the server');
    await setTimeout(10);
  }
}

/**
 * Asserts that in this time each token was served as long as it may be and then refreshed once. Of a time that is
 * measured on a busy machine a bit is given away.
 */
export function assertOncePerExpiry(server, startedAtMs, durationMs) {
  const { refreshes, granted, reuses } = server.counts;
  assert.deepEqual({ refused: refreshes - granted, reuses }, { refused: 0, reuses: 0 });
  const times = server.grantedAtMs.filter((at) => at >= startedAtMs && at <= startedAtMs + durationMs);
  const gaps = times.slice(1).map((at, number) => at - times[number]);
  assert.ok(
    gaps.every((gap) => gap >= SERVED_MS - 500),
    `refreshed again after ${Math.min(...gaps)} ms`,
  );
  const [fewest, most] = [durationMs / LIFETIME_MS - 1, durationMs / SERVED_MS + 1];
  assert.ok(times.length >= fewest && times.length <= most, `${times.length} refreshes in ${durationMs} ms`);
}
