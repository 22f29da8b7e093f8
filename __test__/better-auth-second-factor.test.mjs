// Signing in with a second factor, on the real server: authenticator, mail, backup code, and a device that is trusted.
import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { after, test } from 'node:test';
import { restarting } from './auth-server.mjs';
import {
  assertIn,
  assertNoSecret,
  begun,
  byEmail,
  clientOf,
  enrolled,
  entered,
  newPerson,
  rejects,
  SCHEME,
  sessionOn,
  startPeer,
  totp,
  wrongTotp,
} from './better-auth-peer.mjs';
import { newVaultOptions, openVault } from './vault-folder.mjs';

const peer = await startPeer({ after });
const verify = (path, list = peer.log) =>
  list.filter((entry) => entry.path === `/api/auth/two-factor/${path}`);

test('an authenticator: the sign-in waits for its code, and nobody is signed in before', async (t) => {
  const { person, secret } = await enrolled(t, peer);
  const session = await sessionOn(t, peer);
  const before = (await peer.sessionsOf(person.email)).length;
  const waiting = await begun(session, byEmail(person));
  assert.equal(waiting.awaits, 'code');
  assert.deepEqual(waiting.factors, [
    { strategy: 'totp', hint: null, sent: true, first: false },
    { strategy: 'otp', hint: null, sent: false, first: false },
    { strategy: 'backupCode', hint: null, sent: true, first: false },
  ]);
  const left = waiting.expiresAtMs - Date.now();
  assert.ok(left > 590_000 && left <= 600_000, `${left} ms`);
  assert.equal(session.state().state, 'signingIn');
  assertNoSecret(peer, JSON.stringify(waiting), 'what the application sees');
  assert.equal((await peer.sessionsOf(person.email)).length, before);
  // A person types the code as it is shown: in two groups.
  const code = totp(secret).replace(/^(...)/, '$1 ');
  const { status, user } = await session.submitCode(waiting.id, { strategy: 'totp', code });
  assert.deepEqual([status, user.email], ['complete', person.email]);
  assert.equal(session.state().state, 'active');
  assert.ok(session.state().expiresAtMs > Date.now());
  await assertIn(session, peer, person);
});

test('only the second factor goes out with a cookie, and with the Origin that the server demands of it', async (t) => {
  const { person, secret } = await enrolled(t, peer);
  const session = await sessionOn(t, peer);
  peer.clearLog();
  const { id } = await begun(session, byEmail(person));
  await session.submitCode(id, { strategy: 'totp', code: totp(secret) });
  await session.refresh();
  const [sent] = verify('verify-totp');
  assert.deepEqual(sent.cookies, ['better-auth.two_factor']);
  assert.deepEqual([sent.origin, sent.authorization], [`${SCHEME}:/`, false]);
  for (const entry of peer.log.filter((entry) => entry !== sent))
    assert.deepEqual([entry.cookies, entry.origin], [[], undefined], entry.path);
});

test('the Origin: without a redirect address it is the server, and another can be set', async (t) => {
  const { person, secret } = await enrolled(t, peer);
  for (const [provider, expected] of [
    [{ redirectUri: undefined }, peer.url],
    [{ origin: peer.url }, peer.url],
  ]) {
    const session = await sessionOn(t, peer, { provider });
    const { id } = await begun(session, byEmail(person));
    peer.clearLog();
    await session.submitCode(id, { strategy: 'totp', code: totp(secret) });
    assert.equal(verify('verify-totp')[0].origin, expected);
  }
  const session = await sessionOn(t, peer, { provider: { origin: 'https://evil.example' } });
  const { id } = await begun(session, byEmail(person));
  const refused = await rejects('ERR_SIGN_IN_REJECTED', () =>
    session.submitCode(id, { strategy: 'totp', code: totp(secret) }),
  );
  assert.match(refused.message, /403, INVALID_ORIGIN/);
});

test('a user name and its second factor', async (t) => {
  const { person, secret } = await enrolled(t, peer);
  const session = await sessionOn(t, peer);
  const { username, password } = person;
  const { id } = await begun(session, { method: 'password', username, password });
  await session.submitCode(id, { strategy: 'totp', code: totp(secret) });
  await assertIn(session, peer, person);
});

test('a code by mail: sent when asked for, as often as asked for', async (t) => {
  const { person } = await enrolled(t, peer);
  const session = await sessionOn(t, peer);
  const { id, expiresAtMs } = await begun(session, byEmail(person));
  assert.equal(peer.codeFor(person.email), undefined);
  const { status, signIn } = await session.sendCode(id, 'otp');
  assert.equal(status, 'pending');
  assert.deepEqual([signIn.id, signIn.expiresAtMs], [id, expiresAtMs]);
  assert.equal(signIn.factors.find(({ strategy }) => strategy === 'otp').sent, true);
  const first = peer.codeFor(person.email);
  await session.sendCode(id, 'otp');
  const code = peer.codeFor(person.email);
  if (first !== code)
    await rejects('ERR_INVALID_CODE', () => session.submitCode(id, { strategy: 'otp', code: first }));
  await session.submitCode(id, { strategy: 'otp', code });
  await assertIn(session, peer, person);
});

test('a code by mail after too many wrong ones: another one is asked for, in the same sign-in', async (t) => {
  const { person } = await enrolled(t, peer);
  const session = await sessionOn(t, peer);
  const { id } = await begun(session, byEmail(person));
  await session.sendCode(id, 'otp');
  const wrong = peer.codeFor(person.email) === '000000' ? '000001' : '000000';
  // Five wrong ones, one that is one too many, and one that finds no code any more.
  for (let tries = 0; tries < 7; tries++)
    await rejects('ERR_INVALID_CODE', () => session.submitCode(id, { strategy: 'otp', code: wrong }));
  await session.sendCode(id, 'otp');
  await session.submitCode(id, { strategy: 'otp', code: peer.codeFor(person.email) });
  await assertIn(session, peer, person);
});

test('a backup code serves once', async (t) => {
  const { person, backupCodes } = await enrolled(t, peer);
  const session = await sessionOn(t, peer);
  const first = await begun(session, byEmail(person));
  await rejects('ERR_INVALID_CODE', () =>
    session.submitCode(first.id, { strategy: 'backupCode', code: 'wrong-codes' }),
  );
  await session.submitCode(first.id, { strategy: 'backupCode', code: ` ${backupCodes[0]}\n` });
  await assertIn(session, peer, person);
  const other = await sessionOn(t, peer);
  const second = await begun(other, byEmail(person));
  await rejects('ERR_INVALID_CODE', () =>
    other.submitCode(second.id, { strategy: 'backupCode', code: backupCodes[0] }),
  );
  await other.submitCode(second.id, { strategy: 'backupCode', code: backupCodes[1] });
});

test('wrong codes: five of them stand, after that the sign-in is over', async (t) => {
  const { person, secret } = await enrolled(t, peer);
  const session = await sessionOn(t, peer);
  const { id } = await begun(session, byEmail(person));
  const submit = (code) => () => session.submitCode(id, { strategy: 'totp', code });
  for (let tries = 0; tries < 5; tries++) {
    await rejects('ERR_INVALID_CODE', submit(wrongTotp(secret)));
    assert.equal(session.state().state, 'signingIn');
  }
  await rejects('ERR_SIGN_IN_EXPIRED', submit(totp(secret)));
  await rejects('ERR_SIGN_IN_NOT_FOUND', submit(totp(secret)));
  assert.deepEqual([session.state().state, await session.pendingSignIns()], ['signedOut', []]);
});

test('ten wrong codes in a row lock the account, which is no rate limit', async (t) => {
  const { person, secret } = await enrolled(t, peer);
  const session = await sessionOn(t, peer);
  await peer.changeTwoFactor(person.email, { failedVerificationCount: 9 });
  const { id } = await begun(session, byEmail(person));
  const submit = (code) => () => session.submitCode(id, { strategy: 'totp', code });
  await rejects('ERR_INVALID_CODE', submit(wrongTotp(secret)));
  const locked = await rejects('ERR_ACCOUNT_LOCKED', submit(totp(secret)));
  assert.equal(locked.retryAfterMs, undefined, 'the server does not say');
  await peer.changeTwoFactor(person.email, { lockedUntil: new Date(Date.now() - 1000) });
  const again = await begun(session, byEmail(person));
  await session.submitCode(again.id, { strategy: 'totp', code: totp(secret) });
  await assertIn(session, peer, person);
});

test('the rate limit of the second factor is plain text, says when, and costs no sign-in', async (t) => {
  const limited = await startPeer(t, { rateLimit: true });
  const { session: owner, person, secret } = await enrolled(t, limited);
  const session = await sessionOn(t, limited);
  const { id } = await begun(session, byEmail(person));
  const submit = (code) => session.submitCode(id, { strategy: 'totp', code });
  const codes = [];
  let limit;
  for (let tries = 0; tries < 5 && !limit; tries++) {
    await submit(wrongTotp(secret)).catch((error) => {
      codes.push(error.code);
      if (error.code === 'ERR_RATE_LIMITED') limit = error;
    });
  }
  assert.ok(limit?.retryAfterMs > 0 && limit.retryAfterMs <= 60_000, `${codes} ${limit?.retryAfterMs}`);
  assert.equal((await session.pendingSignIns()).length, 1);
  assert.equal(owner.state().state, 'active');
});

test('a factor that the account does not have, or nobody knows, leaves the sign-in standing', async (t) => {
  const { person, secret } = await enrolled(t, peer);
  const session = await sessionOn(t, peer);
  const { id } = await begun(session, byEmail(person));
  await rejects('ERR_NOT_SUPPORTED', () => session.submitCode(id, { strategy: 'passkey', code: '1' }));
  await rejects('ERR_NOT_SUPPORTED', () => session.sendCode(id, 'totp'));
  await rejects('ERR_INVALID_CODE', () => session.submitCode(id, { strategy: 'totp', code: '' }));
  await session.submitCode(id, { strategy: 'totp', code: totp(secret) });
  await assertIn(session, peer, person);
});

test('codes by mail alone: no backup code is offered', async (t) => {
  const { session: owner, person } = await entered(t, peer);
  const enabled = await clientOf(owner, peer).post('/two-factor/enable', {
    password: person.password,
    method: 'otp',
  });
  assert.equal(enabled.status, 200);
  await assertIn(owner, peer, person);
  const session = await sessionOn(t, peer);
  const { id, factors } = await begun(session, byEmail(person));
  assert.deepEqual(factors, [{ strategy: 'otp', hint: null, sent: false, first: false }]);
  await session.sendCode(id, 'otp');
  await session.submitCode(id, { strategy: 'otp', code: peer.codeFor(person.email) });
  await assertIn(session, peer, person);
});

test('it survives a restart, sealed: no file holds the cookie', async (t) => {
  const { person, secret } = await enrolled(t, peer);
  const vaultOptions = await newVaultOptions(t);
  const vault = await openVault(t, vaultOptions);
  const first = await sessionOn(t, peer, { vault });
  const { id } = await begun(first, byEmail(person));
  first.close();
  await vault.close();
  const files = await readdir(vaultOptions.path, { recursive: true, withFileTypes: true });
  assert.ok(files.some((file) => file.isFile()));
  for (const file of files.filter((file) => file.isFile()))
    assertNoSecret(peer, await readFile(path.join(file.path, file.name), 'latin1'), file.name);
  const second = await sessionOn(t, peer, { vault: await openVault(t, vaultOptions) });
  assert.equal(second.state().state, 'signingIn');
  const [waiting] = await second.pendingSignIns();
  assert.deepEqual([waiting.id, waiting.factors.length], [id, 3]);
  await second.submitCode(id, { strategy: 'totp', code: totp(secret) });
  await assertIn(second, peer, person);
});

test('while somebody is signed in the session stands, and is replaced when the second factor is there', async (t) => {
  const { person, secret } = await enrolled(t, peer);
  const { session, person: other } = await entered(t, peer);
  const { id } = await begun(session, byEmail(person));
  assert.deepEqual([session.state().state, session.state().user.email], ['active', other.email]);
  await rejects('ERR_INVALID_CODE', () =>
    session.submitCode(id, { strategy: 'totp', code: wrongTotp(secret) }),
  );
  await assertIn(session, peer, other);
  await session.submitCode(id, { strategy: 'totp', code: totp(secret) });
  await assertIn(session, peer, person);
});

test('the token of the password step is never taken: its session is deleted already', async (t) => {
  const { person, secret } = await enrolled(t, peer);
  const session = await sessionOn(t, peer);
  const { id } = await begun(session, byEmail(person));
  await rejects('ERR_NOT_SIGNED_IN', () => session.accessToken());
  await session.cancelSignIn(id);
  assert.equal(session.state().state, 'signedOut');
  await rejects('ERR_SIGN_IN_NOT_FOUND', () =>
    session.submitCode(id, { strategy: 'totp', code: totp(secret) }),
  );
});

test('rememberMe: false holds through the second factor', async (t) => {
  const { person, secret } = await enrolled(t, peer);
  const session = await sessionOn(t, peer);
  const { id } = await begun(session, byEmail(person, { rememberMe: false }));
  peer.clearLog();
  await session.submitCode(id, { strategy: 'totp', code: totp(secret) });
  assert.deepEqual(verify('verify-totp')[0].cookies.sort(), [
    'better-auth.dont_remember',
    'better-auth.two_factor',
  ]);
  const day = 24 * 60 * 60 * 1000;
  const { expiresAtMs } = session.state();
  assert.ok(Math.abs(expiresAtMs - Date.now() - day) < 60_000);
  await peer.changeSessions(person.email, { expiresAt: new Date(Date.now() + 60_000) });
  await session.refresh();
  assert.ok(session.state().expiresAtMs <= Date.now() + 61_000, 'it is not prolonged');
});

test('cookies with the prefix that https gives them', async (t) => {
  const secure = await startPeer(t, { secureCookies: true });
  const { person, secret } = await enrolled(t, secure);
  const session = await sessionOn(t, secure);
  const { id } = await begun(session, byEmail(person));
  secure.clearLog();
  await session.submitCode(id, { strategy: 'totp', code: totp(secret), trustDevice: true });
  assert.deepEqual(verify('verify-totp', secure.log)[0].cookies, ['__Secure-better-auth.two_factor']);
  await session.signOut();
  assert.equal((await session.signIn(byEmail(person))).status, 'complete');
});

test('a trusted device: no second factor, by address or user name, after sign-out and restart', async (t) => {
  const { person, secret } = await enrolled(t, peer);
  const restart = restarting(t);
  const first = await restart(peer, { provider: peer.provider });
  const { id } = await begun(first, byEmail(person));
  await first.submitCode(id, { strategy: 'totp', code: totp(secret), trustDevice: true });
  await first.signOut();
  const second = await restart(peer, { provider: peer.provider });
  peer.clearLog();
  const { email, username, password } = person;
  for (const name of [{ email: email.toUpperCase() }, { username }, { email }]) {
    const { status } = await second.signIn({ method: 'password', password, ...name });
    assert.equal(status, 'complete', Object.keys(name)[0]);
    await assertIn(second, peer, person);
  }
  const signIns = peer.log.filter(({ path }) => path.startsWith('/api/auth/sign-in/'));
  for (const { cookies, origin } of signIns)
    assert.deepEqual([cookies, origin], [['better-auth.trust_device'], `${SCHEME}:/`]);
  assert.equal(signIns.length, 3, 'each with the cookie of the one before');
});

test('a trusted device of one person is none of another, and each keeps theirs', async (t) => {
  const people = [await enrolled(t, peer), await enrolled(t, peer)];
  const session = await sessionOn(t, peer);
  for (const { person, secret } of people) {
    const { id } = await begun(session, byEmail(person));
    await session.submitCode(id, { strategy: 'totp', code: totp(secret), trustDevice: true });
  }
  peer.clearLog();
  for (const { person } of [...people, ...people])
    assert.equal((await session.signIn(byEmail(person))).status, 'complete');
  const stranger = newPerson();
  await rejects('ERR_INVALID_CREDENTIALS', () => session.signIn(byEmail(stranger)));
  const last = peer.log.findLast(({ path }) => path === '/api/auth/sign-in/email');
  assert.deepEqual(last.cookies, [], 'a stranger brings no cookie');
});

test('a device whose trust has ended is asked for the second factor, and forgotten', async (t) => {
  const { person, secret } = await enrolled(t, peer);
  const session = await sessionOn(t, peer);
  const { id } = await begun(session, byEmail(person));
  await session.submitCode(id, { strategy: 'totp', code: totp(secret), trustDevice: true });
  const { adapter } = await peer.context();
  await adapter.deleteMany({
    model: 'verification',
    where: [{ field: 'identifier', value: 'trust-device-', operator: 'starts_with' }],
  });
  const again = await begun(session, byEmail(person));
  await session.cancelSignIn(again.id);
  peer.clearLog();
  await begun(session, byEmail(person));
  assert.deepEqual(peer.log.find(({ path }) => path === '/api/auth/sign-in/email').cookies, []);
});

test('a wrong password costs no trusted device', async (t) => {
  const { person, secret } = await enrolled(t, peer);
  const session = await sessionOn(t, peer);
  const { id } = await begun(session, byEmail(person));
  await session.submitCode(id, { strategy: 'totp', code: totp(secret), trustDevice: true });
  await rejects('ERR_INVALID_CREDENTIALS', () =>
    session.signIn(byEmail({ ...person, password: 'wrong-password' })),
  );
  assert.equal((await session.signIn(byEmail(person))).status, 'complete');
});

test('two sign-ins at once on a trusted device, whose cookie serves once: neither is asked', async (t) => {
  const { person, secret } = await enrolled(t, peer);
  const vaultOptions = await newVaultOptions(t);
  const vault = await openVault(t, vaultOptions);
  const sessions = [await sessionOn(t, peer, { vault }), await sessionOn(t, peer, { vault })];
  const { id } = await begun(sessions[0], byEmail(person));
  await sessions[0].submitCode(id, { strategy: 'totp', code: totp(secret), trustDevice: true });
  const outcomes = await Promise.allSettled(sessions.map((session) => session.signIn(byEmail(person))));
  for (const { status, value, reason } of outcomes) {
    if (status === 'fulfilled') assert.equal(value.status, 'complete');
    else assert.equal(reason.code, 'ERR_SUPERSEDED');
  }
});
