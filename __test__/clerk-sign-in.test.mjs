// Every way into Clerk, through the built addon.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { rejects } from './addon.mjs';
import { openSession } from './auth-server.mjs';
import { claimsOf, entered, opened, passwordOf } from './clerk-session.mjs';
import { assertLetIn } from './peer-session.mjs';
import { CODES, PASSWORD, REDIRECT_URI } from './peers/clerk-server.mjs';
import { openVault } from './vault-folder.mjs';

const google = { method: 'browser', connection: 'google' };

async function pending(promise) {
  const { status, signIn } = await promise;
  assert.equal(status, 'pending');
  return signIn;
}

test('with an address and a password', async (t) => {
  const { server, session, person, sessionId } = await entered(t);
  const { state, user, expiresAtMs } = session.state();
  assert.equal(state, 'active');
  assert.deepEqual(user, {
    id: person.id,
    email: person.email,
    name: 'Ada Lovelace',
    image: 'https://img.example.com/ada',
    emailVerified: true,
  });
  assert.ok(Math.abs(expiresAtMs - Date.now() - 60_000) < 10_000);
  assert.equal(claimsOf(await session.accessToken()).sid, sessionId);
  await assertLetIn(session, server);
});

test('with a user name and a password', async (t) => {
  const { server, session } = await opened(t);
  const { id } = server.addPerson({ username: 'ada' });
  const { user } = await session.signIn({ method: 'password', username: 'ada', password: PASSWORD });
  assert.equal(user.id, id);
});

test('a wrong password, a wrong name, and somebody who is banned', async (t) => {
  const { server, session } = await opened(t);
  const person = server.addPerson();
  await rejects('ERR_INVALID_CREDENTIALS', () => session.signIn({ ...passwordOf(person), password: 'no' }));
  await rejects('ERR_INVALID_CREDENTIALS', () => session.signIn(passwordOf({ email: 'no@example.com' })));
  server.ban(person);
  const error = await rejects('ERR_SIGN_IN_REJECTED', () => session.signIn(passwordOf(person)));
  assert.match(error.message, /USER_BANNED/);
  assert.equal(session.state().state, 'signedOut');
});

test('with a code by mail; a wrong one, another one sent, the right one', async (t) => {
  const { server, session } = await opened(t);
  const { email } = server.addPerson();
  const signIn = await pending(session.signIn({ method: 'code', email }));
  assert.equal(session.state().state, 'signingIn');
  const mail = signIn.factors.find(({ strategy }) => strategy === 'email_code');
  assert.deepEqual(mail, {
    strategy: 'email_code',
    hint: `${email[0]}****@example.com`,
    sent: true,
    first: true,
  });
  const wrong = { strategy: 'email_code', code: '000000' };
  await rejects('ERR_INVALID_CODE', () => session.submitCode(signIn.id, wrong));
  await pending(session.sendCode(signIn.id, 'email_code'));
  const done = await session.submitCode(signIn.id, { ...wrong, code: CODES.email_code });
  assert.deepEqual([done.status, done.user.email], ['complete', email]);
  assert.equal(server.instance.olderRotations, 0);
});

test('too many wrong codes end the sign-in', async (t) => {
  const { server, session } = await opened(t);
  const { email } = server.addPerson();
  const { id } = await pending(session.signIn({ method: 'code', email }));
  const wrong = { strategy: 'email_code', code: '000000' };
  for (let tries = 0; tries < 5; tries++)
    await rejects('ERR_INVALID_CODE', () => session.submitCode(id, wrong));
  await rejects('ERR_SIGN_IN_EXPIRED', () => session.submitCode(id, wrong));
  await rejects('ERR_SIGN_IN_NOT_FOUND', () => session.submitCode(id, wrong));
});

for (const strategy of ['totp', 'phone_code', 'backup_code']) {
  test(`a second factor: ${strategy}`, async (t) => {
    const { server, session } = await opened(t);
    const person = server.addPerson({ secondFactors: ['totp', 'phone_code', 'backup_code'] });
    const signIn = await pending(session.signIn(passwordOf(person)));
    const factor = signIn.factors.find((each) => each.strategy === strategy);
    const isSent = strategy === 'phone_code';
    assert.deepEqual(factor, { strategy, hint: isSent ? '+1*******00' : null, sent: !isSent, first: false });
    if (isSent) {
      const { factors } = await pending(session.sendCode(signIn.id, strategy));
      assert.equal(factors.find((each) => each.strategy === strategy).sent, true);
    }
    await rejects('ERR_INVALID_CODE', () => session.submitCode(signIn.id, { strategy, code: 'no' }));
    const { status } = await session.submitCode(signIn.id, { strategy, code: CODES[strategy] });
    assert.equal(status, 'complete');
    await assertLetIn(session, server);
  });
}

test('a code that was never asked for, and a factor that there is none of, leave the sign-in waiting', async (t) => {
  const { server, session } = await opened(t);
  const person = server.addPerson({ secondFactors: ['phone_code'] });
  const { id } = await pending(session.signIn(passwordOf(person)));
  const code = CODES.phone_code;
  await rejects('ERR_INVALID_CODE', () => session.submitCode(id, { strategy: 'phone_code', code }));
  await rejects('ERR_INVALID_ARGUMENT', () => session.submitCode(id, { strategy: 'totp', code }));
  await rejects('ERR_INVALID_ARGUMENT', () => session.sendCode(id, 'totp'));
  await session.sendCode(id, 'phone_code');
  assert.equal((await session.submitCode(id, { strategy: 'phone_code', code })).status, 'complete');
});

test('a second factor that nobody can type is said', async (t) => {
  const { server, session } = await opened(t);
  const person = server.addPerson({ secondFactors: ['passkey'] });
  await rejects('ERR_SECOND_FACTOR_REQUIRED', () => session.signIn(passwordOf(person)));
});

test('a second factor waits over a restart', async (t) => {
  const { server, session, vault, vaultOptions } = await opened(t);
  const person = server.addPerson({ secondFactors: ['totp'] });
  const { id } = await pending(session.signIn(passwordOf(person)));
  await session.close();
  await vault.close();
  const again = await openVault(t, vaultOptions);
  const next = await openSession(t, server, { vault: again, provider: server.provider });
  assert.equal((await next.pendingSignIns())[0].id, id);
  const { user } = await next.submitCode(id, { strategy: 'totp', code: CODES.totp });
  assert.equal(user.email, person.email);
});

test('in the browser: the callback comes back with the nonce, and once', async (t) => {
  const { server, session } = await opened(t);
  const { email } = server.addPerson();
  const signIn = await pending(session.signIn(google));
  assert.equal(signIn.redirectUri, REDIRECT_URI);
  const callback = await server.approveInBrowser(signIn.url, { email });
  const { id, result } = await session.handleCallback(callback);
  assert.deepEqual([id, result.status, result.user.email], [signIn.id, 'complete', email]);
  await rejects('ERR_SIGN_IN_NOT_FOUND', () => session.handleCallback(callback));
  assert.equal(server.instance.olderRotations, 0);
  await assertLetIn(session, server);
});

test('in the browser, over a restart', async (t) => {
  const { server, session, vault, vaultOptions } = await opened(t);
  const { email } = server.addPerson();
  const signIn = await pending(session.signIn(google));
  await session.close();
  await vault.close();
  const callback = await server.approveInBrowser(signIn.url, { email });
  const again = await openVault(t, vaultOptions);
  const next = await openSession(t, server, { vault: again, provider: server.provider });
  const { result } = await next.handleCallback(callback);
  assert.equal(result.user.email, email);
});

test('in the browser, with a second factor after it', async (t) => {
  const { server, session } = await opened(t);
  const { email } = server.addPerson({ secondFactors: ['totp'] });
  const signIn = await pending(session.signIn(google));
  const { result } = await session.handleCallback(await server.approveInBrowser(signIn.url, { email }));
  assert.deepEqual([result.status, result.signIn.awaits], ['pending', 'code']);
  const done = await session.submitCode(signIn.id, { strategy: 'totp', code: CODES.totp });
  assert.equal(done.user.email, email);
});

test('in the browser, by somebody who has no account yet: Clerk makes one', async (t) => {
  const { server, session } = await opened(t);
  const signIn = await pending(session.signIn(google));
  const callback = await server.approveInBrowser(signIn.url, { email: 'new@example.com' });
  const { result } = await session.handleCallback(callback);
  assert.equal(result.user.email, 'new@example.com');
});

test('in the browser, and refused there', async (t) => {
  const { server, session } = await opened(t);
  const signIn = await pending(session.signIn(google));
  const callback = await server.approveInBrowser(signIn.url, { refuse: true });
  const error = await rejects('ERR_ACCESS_DENIED', () => session.handleCallback(callback));
  assert.match(error.message, /OAUTH_ACCESS_DENIED/);
  assert.equal(session.state().state, 'signedOut');
});

test('a callback that knows the state but comes before anybody agreed signs nobody in', async (t) => {
  const { session, server } = await opened(t);
  const signIn = await pending(session.signIn(google));
  const attempt = server.requests.at(-1).form.redirect_url;
  assert.ok(new URL(attempt).searchParams.get('state').length >= 43);
  await rejects('ERR_ACCESS_DENIED', () => session.handleCallback(`${attempt}&rotating_token_nonce=guessed`));
  await rejects('ERR_SIGN_IN_NOT_FOUND', () => session.handleCallback(`${signIn.redirectUri}?state=guessed`));
  assert.equal(session.state().state, 'signedOut');
});

test('in the browser with no connection, or to an address that the instance does not list', async (t) => {
  const { open } = await opened(t, { redirectUrls: [] });
  const session = await open();
  await rejects('ERR_INVALID_ARGUMENT', () => session.signIn({ method: 'browser' }));
  const error = await rejects('ERR_SIGN_IN_REJECTED', () => session.signIn(google));
  assert.match(error.message, /FORM_PARAM_VALUE_INVALID/);
});

test('with the client token that another library of Clerk kept', async (t) => {
  const { server, session: other, person } = await entered(t);
  const accessToken = await other.accessToken();
  const [client] = server.instance.clients.values();
  const refreshToken = server.instance.rotate(client);
  const { session } = await opened(t);
  const vault = await openVault(t);
  const next = await openSession(t, server, { vault, provider: server.provider });
  const { user } = await next.signIn({ method: 'tokens', accessToken, refreshToken });
  assert.equal(user.email, person.email);
  await next.refresh();
  assert.equal(next.state().state, 'active');
  await rejects('ERR_INVALID_ARGUMENT', () => session.signIn({ method: 'tokens', accessToken }));
  await rejects('ERR_INVALID_CREDENTIALS', () =>
    session.signIn({ method: 'tokens', accessToken, refreshToken: 'no.token.this' }),
  );
});

test('a new account, its address verified by a code', async (t) => {
  const { server, session } = await opened(t);
  const account = { email: 'new@example.com', password: PASSWORD, name: 'Ada Lovelace' };
  const { status, signIn } = await session.signUp(account);
  assert.deepEqual([status, signIn.factors.map(({ strategy }) => strategy)], ['pending', ['email_code']]);
  const { user } = await session.submitCode(signIn.id, { strategy: 'email_code', code: CODES.email_code });
  assert.equal(user.email, account.email);
  await rejects('ERR_USER_EXISTS', () => session.signUp(account));
  await rejects('ERR_WEAK_PASSWORD', () =>
    session.signUp({ ...account, email: 'b@example.com', password: 'x' }),
  );
  await assertLetIn(session, server);
});

test('who signs in over somebody else replaces them when it succeeds, and only then', async (t) => {
  const { server, session, person, sessionId } = await entered(t);
  const next = server.addPerson();
  await rejects('ERR_INVALID_CREDENTIALS', () => session.signIn({ ...passwordOf(next), password: 'no' }));
  assert.equal(session.state().user.email, person.email);
  assert.equal(server.isAlive({ sessionId }), true);
  await session.signIn(passwordOf(next));
  await assertLetIn(session, server);
  const deadline = Date.now() + 10_000;
  while (server.isAlive({ sessionId }) && Date.now() < deadline) await new Promise(setImmediate);
  assert.equal(server.isAlive({ sessionId }), false, 'the one before has ended');
  assert.equal(server.instance.sessionsOf(next).length, 1);
  assert.equal(server.instance.olderRotations, 0);
});

test('who signs in again does it on the device that Clerk knows', async (t) => {
  const { server, session, person } = await entered(t);
  await session.signOut();
  await session.signIn(passwordOf(person));
  assert.equal(server.instance.clients.size, 1);
});

test('a device that Clerk has forgotten is made anew', async (t) => {
  const { server, session, person } = await entered(t);
  await session.signOut();
  server.instance.clients.clear();
  await session.signIn(passwordOf(person));
  await assertLetIn(session, server);
});

test('what Clerk does not have is not supported', async (t) => {
  const { session } = await opened(t);
  await rejects('ERR_NOT_SUPPORTED', () => session.signIn({ method: 'device' }));
  await rejects('ERR_NOT_SIGNED_IN', () => session.signIn({ method: 'stepUp' }));
});

test('a key that is none of Clerk', async (t) => {
  for (const publishableKey of ['', 'sk_live_abc', 'pk_live_!']) {
    const { server, vault } = await opened(t);
    await rejects('ERR_INVALID_ARGUMENT', () =>
      openSession(t, server, { vault, provider: { type: 'clerk', publishableKey } }),
    );
  }
});
