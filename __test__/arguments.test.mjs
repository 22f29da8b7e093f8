// Arguments of the wrong type or size: an error of the package's own, by rejection where the call is asynchronous.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inspect } from 'node:util';
import { AuthSession, assertError, rejects, Vault } from './addon.mjs';
import { newVaultOptions, openVault } from './vault-folder.mjs';

const PROVIDER = { type: 'better-auth', baseUrl: 'http://127.0.0.1:9/api/auth' };
const CANARY = 'canary-7f3a9c';
const NOT_OBJECTS = [undefined, null, 42, CANARY, true, Symbol(CANARY)];
/** Everything that is not text, each carrying a secret where it can. */
const NOT_TEXT = [undefined, null, 42, true, 5n, { a: CANARY }, [CANARY], Buffer.from(CANARY), () => CANARY];
const NOT_MILLISECONDS = [-1, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 33, '5', {}];

/** Asserts that `call` rejects each of `wrong`, and that no error tells the value. */
async function refusesEach(wrong, call) {
  for (const value of wrong) {
    const error = await rejects('ERR_INVALID_ARGUMENT', () => call(value)).catch((failure) => {
      failure.message = `${inspect(value)}: ${failure.message}`;
      throw failure;
    });
    const told = inspect(error, { showHidden: true }) + JSON.stringify(error);
    assert.equal(told.includes(CANARY), false, `the value is told: ${told}`);
  }
}

async function openSession(t) {
  const session = await AuthSession.open({ vault: await openVault(t), provider: PROVIDER });
  t.after(() => session.close());
  return session;
}

test('Vault.open: options', async (t) => {
  const good = await newVaultOptions(t);
  await refusesEach([...NOT_OBJECTS, {}, { path: good.path }], (options) => Vault.open(options));
  const ids = [...NOT_TEXT, '', '.hidden', 'a b', 'a/b', 'ä', 'a\0b', 'x'.repeat(129)];
  await refusesEach(ids, (id) => Vault.open({ ...good, id }));
  const paths = ['', 'relative', './relative', 42, {}, `${good.path}\0/etc`];
  await refusesEach(paths, (path) => Vault.open({ ...good, path }));
});

test('Vault.open: limits of time', async (t) => {
  const good = await newVaultOptions(t);
  await refusesEach(NOT_MILLISECONDS, (keychainTimeoutMs) => Vault.open({ ...good, keychainTimeoutMs }));
  await refusesEach(NOT_MILLISECONDS, (lockTimeoutMs) => Vault.open({ ...good, lockTimeoutMs }));
});

test('a key that is not text', async (t) => {
  const vault = await openVault(t);
  for (const name of ['get', 'set', 'delete', 'has']) {
    await refusesEach(NOT_TEXT, (key) => vault[name](key, 'value'));
  }
  assert.deepEqual(await vault.keys(), []);
});

test('a value that is neither text nor bytes', async (t) => {
  const vault = await openVault(t);
  const buffer = new ArrayBuffer(8);
  const views = [buffer, new Uint16Array(buffer), new Float64Array(buffer), new DataView(buffer)];
  const values = NOT_TEXT.filter((value) => !Buffer.isBuffer(value));
  await refusesEach([...values, ...views], (value) => vault.set('key', value));
  assert.deepEqual(await vault.keys(), []);
});

test('a time to live that is no time', async (t) => {
  const vault = await openVault(t);
  const times = [0, -1, 0.5, Number.NaN, Number.POSITIVE_INFINITY, '5', {}, 5n];
  await refusesEach(times, (ttlMs) => vault.set('key', 'value', { ttlMs }));
  await refusesEach([5, '5', true], (options) => vault.set('key', 'value', options));
  assert.deepEqual(await vault.keys(), []);
});

test('AuthSession.open: options', async (t) => {
  const good = { vault: await openVault(t), provider: PROVIDER };
  const incomplete = [{}, { vault: good.vault }, { provider: PROVIDER }];
  await refusesEach([...NOT_OBJECTS, ...incomplete], (options) => AuthSession.open(options));
  const notVaults = [null, {}, 'vault', Object.create(Vault.prototype), Vault];
  await refusesEach(notVaults, (vault) => AuthSession.open({ ...good, vault }));
});

test('AuthSession.open: provider and origins', async (t) => {
  const good = { vault: await openVault(t), provider: PROVIDER };
  const providers = [null, 42, {}, { type: 'better-auth' }, { ...PROVIDER, type: 'other' }];
  await refusesEach(providers, (provider) => AuthSession.open({ ...good, provider }));
  const urls = ['', '/api/auth', 'ftp://127.0.0.1/', 'javascript:0', 42];
  await refusesEach(urls, (baseUrl) => AuthSession.open({ ...good, provider: { ...PROVIDER, baseUrl } }));
  const origins = ['https://a.example', 42, [42], ['nonsense'], ['*'], {}];
  await refusesEach(origins, (allowedOrigins) => AuthSession.open({ ...good, allowedOrigins }));
  const readable = 'http://example.com/api';
  const open = (options) => rejects('ERR_INSECURE_URL', () => AuthSession.open({ ...good, ...options }));
  await open({ provider: { ...PROVIDER, baseUrl: readable } });
  await open({ provider: { type: 'oidc', issuer: readable, clientId: 'app' } });
  await open({ provider: { type: 'token-endpoint', refreshUrl: readable } });
  await open({ allowedOrigins: [readable] });
});

test('signIn and signUp', async (t) => {
  const session = await openSession(t);
  const signIn = { method: 'password', email: 'a@example.com', password: CANARY };
  const signUp = { name: 'A', email: 'a@example.com', password: CANARY };
  await refusesEach([...NOT_OBJECTS, {}], (request) => session.signIn(request));
  await refusesEach([...NOT_OBJECTS, {}], (request) => session.signUp(request));
  for (const name of ['method', 'email', 'password']) {
    await refusesEach(NOT_TEXT, (value) => session.signIn({ ...signIn, [name]: value }));
  }
  for (const name of ['name', 'email', 'password']) {
    await refusesEach(NOT_TEXT, (value) => session.signUp({ ...signUp, [name]: value }));
  }
  await refusesEach(['magic', ''], (method) => session.signIn({ ...signIn, method }));
  await refusesEach(['yes', 1, {}], (rememberMe) => session.signIn({ ...signIn, rememberMe }));
  assert.equal(session.state().revision, 0, 'nothing happened');
});

test('fetch and accessToken', async (t) => {
  const session = await openSession(t);
  await refusesEach([...NOT_TEXT, '', '/relative'], (url) => session.fetch(url));
  await rejects('ERR_INSECURE_URL', () => session.fetch('http://example.com/'));
  const inits = [
    42,
    { method: 'GET POST' },
    { method: 42 },
    { headers: { accept: 'x' } },
    { headers: [['accept']] },
    { headers: [['a b', 'c']] },
    { headers: [['a', `b\r\n${CANARY}: d`]] },
    { body: 42 },
    { body: { a: CANARY } },
    ...NOT_MILLISECONDS.map((timeoutMs) => ({ timeoutMs })),
  ];
  await refusesEach(inits, (init) => session.fetch('http://127.0.0.1:9/', init));
  await refusesEach(NOT_MILLISECONDS, (minValidityMs) => session.accessToken({ minValidityMs }));
});

test('onChange throws, since it is not asynchronous', async (t) => {
  const session = await openSession(t);
  for (const listener of [undefined, null, 42, {}, 'listener']) {
    assert.throws(
      () => session.onChange(listener),
      (error) => {
        assertError(error, 'ERR_INVALID_ARGUMENT');
        return true;
      },
    );
  }
});
