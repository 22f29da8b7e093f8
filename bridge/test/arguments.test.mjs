import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import { CHANNELS, startOpenAuth } from './start.mjs';

const URL = 'http://127.0.0.1:4711/api/profile';
const RESPONSE = {
  status: 200,
  statusText: 'OK',
  url: URL,
  redirected: false,
  headers: [],
  first: Buffer.from('{}'),
  complete: true,
};
/** Pages get whole answers. */
const WHOLE = { whole: true };

afterEach(() => {
  delete Object.prototype.email;
  delete Object.prototype.password;
  delete Object.prototype.method;
  delete Object.prototype.headers;
});

async function assertInvalid(channel, ...args) {
  const { addon, call } = await startOpenAuth();
  const answer = await call(channel, ...args);
  assert.deepEqual([answer.ok, answer.code], [false, 'ERR_INVALID_ARGUMENT']);
  assert.deepEqual(addon.session.calls, []);
  return answer;
}

async function received(channel, ...args) {
  const { addon, call } = await startOpenAuth();
  addon.session.replies.fetch = RESPONSE;
  const answer = await call(channel, ...args);
  assert.equal(answer.ok, true, answer.message);
  assert.equal(addon.session.calls.length, 1);
  return addon.session.calls[0].slice(1);
}

test('sign-in passes on exactly the documented fields', async () => {
  const request = { method: 'password', email: 'a@b.c', password: 'pw', extra: 1, headers: { a: 'b' } };
  assert.deepEqual(await received(CHANNELS.signIn, request, 'more'), [
    { method: 'password', email: 'a@b.c', password: 'pw' },
  ]);
  assert.deepEqual(await received(CHANNELS.signIn, { ...request, rememberMe: false }), [
    { method: 'password', email: 'a@b.c', password: 'pw', rememberMe: false },
  ]);
});

for (const request of [
  { method: 'password', username: 'ada', password: 'pw' },
  {
    method: 'browser',
    connection: 'google',
    organizationId: 'org_1',
    domainHint: 'example.com',
    loginHint: 'a@b.c',
    screenHint: 'sign-up',
    prompt: 'login',
    acrValues: 'mfa',
    scope: 'openid email',
    challenge: 'Bearer error="insufficient_user_authentication"',
    maxAgeS: 0,
  },
  { method: 'browser' },
  { method: 'device', scope: 'openid' },
  { method: 'code', email: 'a@b.c' },
  { method: 'code', username: 'ada' },
  { method: 'custom' },
  { method: 'stepUp', level: 'multi_factor' },
]) {
  test(`sign-in with ${JSON.stringify(request)} passes on exactly that`, async () => {
    const more = { redirect: 'app', redirectUri: 'https://evil.example', accessToken: 't', state: 's' };
    assert.deepEqual(await received(CHANNELS.signIn, { ...request, ...more }), [request]);
  });
}

const ID = '0123456789abcdef0123456789abcdef';
const SUBMISSION = { strategy: 'totp', code: '123456' };
for (const [what, channel, ...args] of [
  ['no identifier', CHANNELS.awaitSignIn],
  ['an identifier that is no text', CHANNELS.awaitSignIn, [ID]],
  ['an identifier that is too short', CHANNELS.cancelSignIn, ID.slice(1)],
  ['an identifier in another form', CHANNELS.openSignIn, ID.toUpperCase()],
  ['an identifier with more behind it', CHANNELS.copySignInLink, `${ID}\n`],
  ['no submission', CHANNELS.submitCode, ID],
  ['a submission without an identifier', CHANNELS.submitCode, undefined, SUBMISSION],
  ['a submission without a strategy', CHANNELS.submitCode, ID, { code: '123456' }],
  ['a strategy over 64 characters', CHANNELS.submitCode, ID, { ...SUBMISSION, strategy: 'x'.repeat(65) }],
  ['a code that is a number', CHANNELS.submitCode, ID, { ...SUBMISSION, code: 123456 }],
  ['a code over 8192 characters', CHANNELS.submitCode, ID, { ...SUBMISSION, code: 'x'.repeat(8193) }],
  ['trustDevice as a string', CHANNELS.submitCode, ID, { ...SUBMISSION, trustDevice: 'no' }],
  ['no strategy', CHANNELS.sendCode, ID],
  ['a sign-out that is no object', CHANNELS.signOut, 'browser'],
  ['a browser that is no flag', CHANNELS.signOut, { browser: 1 }],
  ['no organization', CHANNELS.switchOrganization],
  ['an empty organization', CHANNELS.switchOrganization, ''],
  ['an organization that is no text', CHANNELS.switchOrganization, ['org_1']],
  ['no session', CHANNELS.endSession],
  ['a session over 512 characters', CHANNELS.endSession, 'x'.repeat(513)],
]) {
  test(`${what} (${channel}) is refused`, () => assertInvalid(channel, ...args));
}

test('sign-up passes on exactly the documented fields', async () => {
  assert.deepEqual(
    await received(CHANNELS.signUp, { email: 'a@b.c', password: 'pw', name: 'A', callbackURL: 'x' }),
    [{ email: 'a@b.c', password: 'pw', name: 'A' }],
  );
});

const SIGN_IN = { method: 'password', email: 'a@b.c', password: 'pw' };
for (const [what, argument] of [
  ['nothing', undefined],
  ['null', null],
  ['a string', 'a@b.c'],
  ['an array', [SIGN_IN]],
  ['tokens, which no page has', { ...SIGN_IN, method: 'tokens', accessToken: 't', user: { id: 'u' } }],
  ['another method', { ...SIGN_IN, method: 'Browser' }],
  ['a method that every object has', { ...SIGN_IN, method: 'constructor' }],
  ['an address and a user name', { ...SIGN_IN, username: 'ada' }],
  ['an empty user name', { method: 'password', username: '', password: 'pw' }],
  ['no method', { email: 'a@b.c', password: 'pw' }],
  ['an email that is an object', { ...SIGN_IN, email: { toString: 'a@b.c' } }],
  ['an empty email', { ...SIGN_IN, email: '' }],
  ['an email over 254 characters', { ...SIGN_IN, email: `${'a'.repeat(251)}@b.c` }],
  ['no password', { method: 'password', email: 'a@b.c' }],
  ['a password over 1024 characters', { ...SIGN_IN, password: 'x'.repeat(1025) }],
  ['rememberMe as a string', { ...SIGN_IN, rememberMe: 'false' }],
  ['a hint that is no text', { method: 'browser', loginHint: ['a@b.c'] }],
  ['an empty hint', { method: 'browser', connection: '' }],
  ['a hint over 256 characters', { method: 'browser', prompt: 'x'.repeat(257) }],
  ['a scope over 1024 characters', { method: 'browser', scope: 'x'.repeat(1025) }],
  ['a challenge over 4096 characters', { method: 'browser', challenge: 'x'.repeat(4097) }],
  ['an age that is no number', { method: 'browser', maxAgeS: '0' }],
  ['an age below 0', { method: 'browser', maxAgeS: -1 }],
  ['an age that is no whole number', { method: 'browser', maxAgeS: 0.5 }],
  ['an endless age', { method: 'browser', maxAgeS: Number.POSITIVE_INFINITY }],
  ['a scope of a device that is no text', { method: 'device', scope: {} }],
  ['no address for a code', { method: 'code' }],
  ['a level that is no text', { method: 'stepUp', level: 2 }],
]) {
  test(`sign-in with ${what} is refused`, () => assertInvalid(CHANNELS.signIn, argument));
}

test('sign-up without a name, and with one over 256 characters, is refused', async () => {
  await assertInvalid(CHANNELS.signUp, { email: 'a@b.c', password: 'pw' });
  await assertInvalid(CHANNELS.signUp, { email: 'a@b.c', password: 'pw', name: 'x'.repeat(257) });
});

test('a polluted Object.prototype fills in nothing', async () => {
  Object.prototype.email = 'evil@example.com';
  Object.prototype.password = 'pw';
  Object.prototype.method = 'password';
  await assertInvalid(CHANNELS.signIn, {});
  Object.prototype.headers = [['x-evil', '1']];
  Object.prototype.method = 'DELETE';
  assert.deepEqual(await received(CHANNELS.fetch, URL, {}), [URL, {}, WHOLE]);
});

test('an own "__proto__" field fills in nothing', async () => {
  await assertInvalid(
    CHANNELS.signIn,
    JSON.parse('{"__proto__":{"method":"password","email":"a@b.c","password":"pw"}}'),
  );
});

test('a refusal does not repeat what was sent', async () => {
  const answer = await assertInvalid(CHANNELS.signIn, { ...SIGN_IN, password: 'hunter2'.repeat(200) });
  assert.doesNotMatch(answer.message, /hunter2/);
});

test('fetch passes on URL, method, headers and body', async () => {
  const init = {
    method: 'POST',
    headers: [['X-A', '1']],
    body: '{"a":1}',
    credentials: 'include',
    timeoutMs: 1,
    requestId: 'stays in the bridge',
  };
  assert.deepEqual(await received(CHANNELS.fetch, URL, init), [
    URL,
    { method: 'POST', headers: [['X-A', '1']], body: '{"a":1}' },
    WHOLE,
  ]);
  const [, { body }] = await received(CHANNELS.fetch, URL, {
    method: 'PUT',
    body: new Uint8Array([1, 2, 3]),
  });
  assert.deepEqual([...body], [1, 2, 3]);
});

for (const [what, ...args] of [
  ['no URL', undefined],
  ['a URL that is an object', { href: URL }],
  ['a relative URL', '/api/profile'],
  ['a file URL', 'file:///etc/passwd'],
  ['a data URL', 'data:text/plain,x'],
  ['a javascript URL', 'javascript:0'],
  ['the app scheme', 'app://latchkey-example/index.html'],
  ['a URL with a password', 'http://user:pw@127.0.0.1:4711/'],
  ['a URL over 8 KiB', `${URL}?${'x'.repeat(8 * 1024)}`],
  ['an init that is null', URL, null],
  ['an init that is a string', URL, 'POST'],
  ['a method with a line break', URL, { method: 'GET\r\nX: 1' }],
  ['a method that is an array', URL, { method: ['GET'] }],
  ['the method CONNECT', URL, { method: 'CONNECT' }],
  ['the method trace', URL, { method: 'trace' }],
  ['headers as an object', URL, { headers: { a: 'b' } }],
  ['a header of three parts', URL, { headers: [['a', 'b', 'c']] }],
  ['a header name with a space', URL, { headers: [['a b', 'c']] }],
  ['an empty header name', URL, { headers: [['', 'c']] }],
  ['a header value with a line break', URL, { headers: [['a', 'b\r\nAuthorization: x']] }],
  ['a header value that is a number', URL, { headers: [['a', 1]] }],
  ['a header value outside Latin-1', URL, { headers: [['a', 'ł']] }],
  ['101 headers', URL, { headers: Array.from({ length: 101 }, (_, i) => [`x-${i}`, '']) }],
  ['headers over 16 KiB', URL, { headers: [['a', 'x'.repeat(16 * 1024)]] }],
  ['an empty requestId', URL, { requestId: '' }],
  ['a requestId over 64 characters', URL, { requestId: 'x'.repeat(65) }],
  ['a requestId that is a number', URL, { requestId: 1 }],
  ['a body that is an object', URL, { body: { a: 1 } }],
  ['a body that is an ArrayBuffer', URL, { body: new ArrayBuffer(4) }],
  ['a body over 16 MiB', URL, { body: new Uint8Array(16 * 1024 * 1024 + 1) }],
  ['a text body over 16 MiB in UTF-8', URL, { body: 'ł'.repeat(8 * 1024 * 1024 + 1) }],
]) {
  test(`fetch with ${what} is refused`, () => assertInvalid(CHANNELS.fetch, ...args));
}

test('a response body crosses in memory of its own, not with the pool it was cut from', async () => {
  const { addon, ipcMain, window } = await startOpenAuth();
  const pool = Buffer.from('TOKEN-IN-THE-POOL{"a":1}');
  addon.session.replies.fetch = { ...RESPONSE, first: pool.subarray(17), token: 'must not cross' };
  const answer = await ipcMain.handlers.get(CHANNELS.fetch)(window.event(), URL);
  assert.deepEqual(Object.keys(answer.value).sort(), ['body', 'headers', 'status', 'statusText', 'url']);
  assert.equal(answer.value.body.buffer.byteLength, 7);
  assert.equal(Buffer.from(answer.value.body).toString(), '{"a":1}');
});

test('refresh passes on retryUnanswered, and takes nothing but true or false', async () => {
  const { addon, call } = await startOpenAuth();
  for (const options of [undefined, {}, { retryUnanswered: true, extra: 1 }, { retryUnanswered: false }]) {
    assert.equal((await call(CHANNELS.refresh, options)).ok, true);
  }
  assert.deepEqual(
    addon.session.calls.map(([, options]) => options),
    [{}, {}, { retryUnanswered: true }, { retryUnanswered: false }],
  );
  for (const options of [null, 1, 'x', [], { retryUnanswered: 'true' }, { retryUnanswered: 1 }]) {
    assert.equal((await call(CHANNELS.refresh, options)).code, 'ERR_INVALID_ARGUMENT');
  }
});
