// No error, in any form it can be shown in, holds the password, the token or what was stored.
import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { after, test } from 'node:test';
import { inspect } from 'node:util';
import { newUser, openSession, passwordOf, signedUp, startServer, startStub } from './auth-server.mjs';
import { newVaultOptions, openVault } from './vault-folder.mjs';

const server = await startServer({ after });
const PASSWORD = 'canary-password-5d1f';
const VALUE = 'canary-value-93ab';

/** Every form in which an error ends up in a log. */
function forms(error) {
  const own = Object.getOwnPropertyNames(error).map((name) => `${name}: ${inspect(error[name])}`);
  return [
    String(error),
    error.message,
    error.stack,
    JSON.stringify(error),
    inspect(error, { depth: 9, showHidden: true }),
    ...own,
  ];
}

function assertSecret(thing, secrets, what) {
  const text = typeof thing === 'string' ? [thing] : forms(thing);
  for (const form of text) {
    for (const secret of secrets) assert.equal(form?.includes(secret) ?? false, false, `${what}: ${form}`);
  }
}

/** The error that a call ends with, thrown or rejected. */
async function failure(call) {
  try {
    await call();
  } catch (error) {
    return error;
  }
  return assert.fail('did not fail');
}

const partsOf = (token) => [token, ...token.split('.'), encodeURIComponent(token.split('.')[1])];

test('errors of signing in never tell the password', async (t) => {
  const session = await openSession(t, server);
  t.after(() => server.mode('up'));
  const request = { ...passwordOf(newUser()), password: PASSWORD };
  const account = { ...newUser(), email: 'no address', password: PASSWORD };
  for (const mode of ['up', 'error500', 'html', 'empty', 'drop']) {
    await server.mode(mode);
    assertSecret(await failure(() => session.signIn(request)), [PASSWORD], mode);
    assertSecret(await failure(() => session.signUp(account)), [PASSWORD], mode);
  }
  const wrong = [{ email: 42 }, { method: PASSWORD }, { rememberMe: PASSWORD }, { password: [PASSWORD] }];
  for (const change of wrong) {
    assertSecret(await failure(() => session.signIn({ ...request, ...change })), [PASSWORD], inspect(change));
  }
});

test('errors of a session never tell its token or the query of a URL', async (t) => {
  const origin = await startStub(t, (request, response) => {
    if (request.url.startsWith('/redirect')) {
      response.writeHead(302, { location: `https://example.com/?${request.headers.authorization}` }).end();
    } else request.socket.destroy();
  });
  const { session } = await signedUp(t, server, { allowedOrigins: [origin] });
  const secrets = [...partsOf(await session.accessToken()), 'canary-query'];
  for (const url of [
    `${origin}/?canary-query`,
    `${origin}/redirect?canary-query`,
    'https://example.com/?canary-query',
    'http://example.com/?canary-query',
    'canary-query',
  ]) {
    assertSecret(await failure(() => session.fetch(url)), secrets, url);
  }
  const headers = [['authorization', `Bearer ${secrets[0]}\n`]];
  assertSecret(await failure(() => session.fetch(origin, { headers })), secrets, 'a header');
  t.after(() => server.mode('up'));
  for (const mode of ['error500', 'html', 'empty', 'drop']) {
    await server.mode(mode);
    assertSecret(await failure(() => session.refresh()), secrets, mode);
  }
});

test('errors of a vault never tell a value', async (t) => {
  const vault = await openVault(t);
  const big = VALUE.repeat(1_000_000);
  assertSecret(await failure(() => vault.set('key', big)), [VALUE], 'too large');
  assertSecret(await failure(() => vault.set('key', VALUE, { ttlMs: 0 })), [VALUE], 'a wrong time to live');
  assertSecret(await failure(() => vault.set('key', { VALUE })), ['canary'], 'not text');
  await vault.set('key', VALUE);
  await vault.close();
  assertSecret(await failure(() => vault.set('key', VALUE)), [VALUE], 'closed');
});

test('what can be inspected of a vault and a session holds no secret', async (t) => {
  const vault = await openVault(t);
  await vault.set('key', VALUE);
  const { session } = await signedUp(t, server, { vault });
  const secrets = [VALUE, ...partsOf(await session.accessToken())];
  for (const thing of [vault, session, session.state(), vault.protection()]) {
    assertSecret(inspect(thing, { depth: 9, showHidden: true }), secrets, 'inspect');
    assertSecret(JSON.stringify(thing), secrets, 'JSON');
  }
});

test('the files of a vault hold no secret in the clear, at any step', async (t) => {
  const options = await newVaultOptions(t);
  const vault = await openVault(t, options);
  await vault.set('canary-name', VALUE);
  const { session, user } = await signedUp(t, server, { vault });
  const secrets = [VALUE, 'canary-name', user.email, user.password, ...partsOf(await session.accessToken())];
  const assertSealed = async (step) => {
    for (const name of await readdir(options.path)) {
      const bytes = await readFile(path.join(options.path, name));
      for (const secret of secrets) assert.equal(bytes.includes(secret), false, `${name} after ${step}`);
    }
  };
  await assertSealed('signing up');
  await session.refresh();
  await assertSealed('a refresh');
  await session.signOut();
  await assertSealed('signing out');
});
