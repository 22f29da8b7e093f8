// The official Better Auth client in a page, unchanged, over the session's fetch: second factors, enrolment, and a token
// that is replaced. A page has no cookies, and must see no token.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { officialClient } from '../electron-example/e2e/peers/client.mjs';
import {
  assertIn,
  assertNoSecret,
  begun,
  byEmail,
  clientOf,
  enrolled,
  entered,
  rejects,
  SCHEME,
  sessionOn,
  startPeer,
  totp,
  wrongTotp,
} from './better-auth-peer.mjs';
import { became } from './peer-session.mjs';
import { newVaultOptions, openVault } from './vault-folder.mjs';

const peer = await startPeer({ after });

/** The official client, and everything that it was shown. */
function pageOf(session, on = peer) {
  const fetch = async (request) => {
    const body = request.method === 'GET' ? undefined : Buffer.from(await request.arrayBuffer());
    const answer = await session.fetch(request.url, {
      method: request.method,
      headers: [...request.headers],
      ...(body?.length > 0 && { body }),
    });
    assertNoSecret(on, `${JSON.stringify(answer.headers)} ${answer.body}`, request.url);
    return new Response(answer.status === 204 ? null : answer.body, {
      status: answer.status,
      headers: answer.headers,
    });
  };
  return officialClient(on.url, fetch);
}

/** The data of an answer that was no error. */
async function good(call) {
  const { data, error } = await call;
  assert.equal(error, null, JSON.stringify(error));
  return data;
}

test('a page signs in with a second factor: its cookies are kept for it', async (t) => {
  const { person, secret } = await enrolled(t, peer);
  const session = await sessionOn(t, peer);
  const page = pageOf(session);
  peer.clearLog();
  const asked = await good(page.signIn.email(person));
  assert.deepEqual(asked, { twoFactorRedirect: true, twoFactorMethods: ['totp', 'otp'] });
  assert.deepEqual([session.state().state, session.state().user], ['signedOut', null]);
  const { error } = await page.twoFactor.verifyTotp({ code: wrongTotp(secret) });
  assert.deepEqual([error.status, error.code], [401, 'INVALID_CODE']);
  const { token, user } = await good(page.twoFactor.verifyTotp({ code: totp(secret) }));
  assert.match(token, /^latchkey:/);
  assert.equal(user.email, person.email);
  assert.deepEqual([session.state().state, session.state().user.email], ['active', person.email]);
  await assertIn(session, peer, person);
  for (const { path, cookies, origin } of peer.log) {
    const expected = path.startsWith('/api/auth/two-factor/')
      ? [['better-auth.two_factor'], `${SCHEME}:/`]
      : [[], undefined];
    assert.deepEqual([cookies, origin], expected, path);
  }
});

test('a page signs in with a code by mail, a backup code, and a user name', async (t) => {
  const { person, backupCodes } = await enrolled(t, peer);
  const session = await sessionOn(t, peer);
  const page = pageOf(session);
  await good(page.signIn.username(person));
  await good(page.twoFactor.sendOtp());
  await good(page.twoFactor.verifyOtp({ code: peer.codeFor(person.email) }));
  await assertIn(session, peer, person);
  await good(page.signOut());
  assert.equal(session.state().state, 'signedOut');
  await good(page.signIn.email(person));
  await good(page.twoFactor.verifyBackupCode({ code: backupCodes[0] }));
  await assertIn(session, peer, person);
});

test('a page trusts the device, and the session knows of it, and the other way round', async (t) => {
  const { person, secret } = await enrolled(t, peer);
  const session = await sessionOn(t, peer);
  const page = pageOf(session);
  await good(page.signIn.email(person));
  await good(page.twoFactor.verifyTotp({ code: totp(secret), trustDevice: true }));
  assert.equal((await session.signIn(byEmail(person))).status, 'complete');
  const data = await good(page.signIn.email(person));
  assert.equal(data.twoFactorRedirect, undefined);
  assert.equal((await session.signIn(byEmail(person))).status, 'complete');
  await assertIn(session, peer, person);
});

test('a page signs somebody else in while one is signed in: the code is theirs, and the session then too', async (t) => {
  const { person, secret } = await enrolled(t, peer);
  const { session, person: before } = await entered(t, peer);
  const page = pageOf(session);
  await good(page.signIn.email(person));
  await assertIn(session, peer, before);
  peer.clearLog();
  await good(page.twoFactor.verifyTotp({ code: totp(secret) }));
  assert.equal(peer.log[0].authorization, false, 'the session at hand has no part in it');
  await assertIn(session, peer, person);
  await peerHas(before, 0);
});

test('rememberMe: false of a page holds through its second factor', async (t) => {
  const { person, secret } = await enrolled(t, peer);
  const session = await sessionOn(t, peer);
  const page = pageOf(session);
  await good(page.signIn.email({ ...person, rememberMe: false }));
  await good(page.twoFactor.verifyTotp({ code: totp(secret) }));
  await peer.changeSessions(person.email, { expiresAt: new Date(Date.now() + 60_000) });
  await session.refresh();
  await good(page.getSession());
  assert.ok(session.state().expiresAtMs <= Date.now() + 61_000, 'it is not prolonged');
});

test('enrolment replaces the token: the session goes on with the one in the header', async (t) => {
  const { session, person } = await entered(t, peer);
  const page = pageOf(session);
  const before = await session.accessToken();
  const { totpURI } = await good(page.twoFactor.enable({ password: person.password }));
  assert.equal(await session.accessToken(), before, 'nothing is replaced before the code was right');
  const secret = new URL(totpURI).searchParams.get('secret');
  await good(page.twoFactor.verifyTotp({ code: totp(secret) }));
  assert.notEqual(await session.accessToken(), before);
  assert.equal((await session.refresh()).state, 'active');
  await assertIn(session, peer, person);
  await peerHas(person, 1);
  const { user } = await good(page.getSession());
  assert.equal(user.twoFactorEnabled, true);
});

test('an enrolment is not taken for the sign-in that somebody left before', async (t) => {
  const { person: other } = await enrolled(t, peer);
  const { session, person } = await entered(t, peer);
  const page = pageOf(session);
  await good(page.signIn.email(other));
  const { totpURI } = await good(page.twoFactor.enable({ password: person.password }));
  await good(page.twoFactor.verifyTotp({ code: totp(new URL(totpURI).searchParams.get('secret')) }));
  await assertIn(session, peer, person);
});

test('disabling the second factor replaces the token, too', async (t) => {
  const { session, person } = await enrolled(t, peer);
  const page = pageOf(session);
  const before = await session.accessToken();
  await good(page.twoFactor.disable({ password: person.password }));
  assert.notEqual(await session.accessToken(), before);
  assert.equal((await session.refresh()).state, 'active');
  await assertIn(session, peer, person);
  const again = await sessionOn(t, peer);
  assert.equal((await again.signIn(byEmail(person))).status, 'complete');
});

test('disabling the second factor has the server forget the device, and us', async (t) => {
  const { session, person, secret } = await enrolled(t, peer);
  const page = pageOf(session);
  await good(page.signIn.email(person));
  await good(page.twoFactor.verifyTotp({ code: totp(secret), trustDevice: true }));
  const trusted = async () => {
    const { adapter } = await peer.context();
    const { id } = await peer.userOf(person.email);
    const kept = await adapter.findMany({ model: 'verification', where: [{ field: 'value', value: id }] });
    return kept.filter(({ identifier }) => identifier.startsWith('trust-device-')).length;
  };
  assert.equal(await trusted(), 1);
  await good(page.twoFactor.disable({ password: person.password }));
  assert.equal(await trusted(), 0);
  await assertIn(session, peer, person);
  peer.clearLog();
  await good(page.signIn.email(person));
  assert.deepEqual(peer.log[0].cookies, []);
});

test('two sign-ins of a page at once on a trusted device: neither is asked', async (t) => {
  const { session, person, secret } = await enrolled(t, peer);
  const page = pageOf(session);
  await good(page.signIn.email(person));
  await good(page.twoFactor.verifyTotp({ code: totp(secret), trustDevice: true }));
  const signIns = await Promise.allSettled([page.signIn.email(person), page.signIn.email(person)]);
  for (const { value, reason } of signIns) {
    if (value) assert.equal(value.data?.twoFactorRedirect, undefined);
    else assert.equal(reason.code, 'ERR_SUPERSEDED');
  }
  const again = await good(page.signIn.email(person));
  assert.equal(again.twoFactorRedirect, undefined);
});

test('new backup codes leave the token alone', async (t) => {
  const { session, person } = await enrolled(t, peer);
  const before = await session.accessToken();
  const { backupCodes } = await good(
    pageOf(session).twoFactor.generateBackupCodes({ password: person.password }),
  );
  assert.equal(backupCodes.length, 10);
  assert.equal(await session.accessToken(), before);
});

test('a new password that ends the other sessions: this one goes on, with a new token that is stored', async (t) => {
  const { session: other, person } = await entered(t, peer);
  const vaultOptions = await newVaultOptions(t);
  const vault = await openVault(t, vaultOptions);
  const session = await sessionOn(t, peer, { vault });
  await session.signIn(byEmail(person));
  const before = await session.accessToken();
  await good(
    pageOf(session).changePassword({
      currentPassword: person.password,
      newPassword: 'analytical-engine',
      revokeOtherSessions: true,
    }),
  );
  const token = await session.accessToken();
  assert.notEqual(token, before);
  session.close();
  await vault.close();
  const again = await sessionOn(t, peer, { vault: await openVault(t, vaultOptions) });
  await became(again, { state: 'active' });
  assert.equal(await again.accessToken(), token);
  await rejects('ERR_SESSION_EXPIRED', async () => {
    await other.refresh();
    await other.accessToken();
  });
  assert.equal(other.state().state, 'expired');
});

test('renewals at the same time neither bring the old token back nor end the session', async (t) => {
  const { session, person } = await entered(t, peer);
  const page = pageOf(session);
  let { password } = person;
  for (let round = 0; round < 5; round++) {
    const newPassword = `analytical-engine-${round}`;
    const storm = () => Array.from({ length: 5 }, () => session.refresh());
    const calls = () => Array.from({ length: 3 }, () => session.fetch(`${peer.url}/api/profile`));
    const before = [...storm(), ...calls()];
    const changing = page.changePassword({
      currentPassword: password,
      newPassword,
      revokeOtherSessions: true,
    });
    const after = [...storm(), ...calls()];
    await good(changing);
    await Promise.all([...before, ...after]);
    assert.equal(session.state().state, 'active', `round ${round}`);
    await assertIn(session, peer, person);
    password = newPassword;
  }
  await peerHas(person, 1);
});

test('a renewal waits for a request that may replace the token: it would ask with the one that has just ended', async (t) => {
  const { session, person } = await entered(t, peer);
  const before = await session.accessToken();
  let renewing;
  let askedMeanwhile;
  peer.beforeAnswer('/api/auth/change-password', async () => {
    renewing = session.refresh();
    // Long enough for it to be asked, if it did not wait.
    await setTimeout(300);
    askedMeanwhile = peer.requests.slice(1);
  });
  peer.clearLog();
  await good(
    pageOf(session).changePassword({
      currentPassword: person.password,
      newPassword: 'analytical-engine',
      revokeOtherSessions: true,
    }),
  );
  await renewing;
  assert.deepEqual(askedMeanwhile, []);
  assert.equal(session.state().state, 'active');
  assert.notEqual(await session.accessToken(), before);
  await assertIn(session, peer, person);
});

test('another process that renews meanwhile finds the new token', async (t) => {
  const vaultOptions = await newVaultOptions(t);
  const { session, person } = await entered(t, peer, { vault: await openVault(t, vaultOptions) });
  // A second handle of the file, as another process has it.
  const sibling = await sessionOn(t, peer, { vault: await openVault(t, vaultOptions) });
  await became(sibling, { state: 'active' });
  const page = pageOf(session);
  const changing = page.changePassword({
    currentPassword: person.password,
    newPassword: 'analytical-engine',
    revokeOtherSessions: true,
  });
  const renewing = Array.from({ length: 5 }, () => sibling.refresh());
  await good(changing);
  await Promise.all(renewing);
  assert.deepEqual([session.state().state, sibling.state().state], ['active', 'active']);
  await assertIn(sibling, peer, person);
  assert.equal(await sibling.accessToken(), await session.accessToken());
});

test('a device token that a page asked for is adopted, and cut out of the answer', async (t) => {
  const loose = await startPeer(t, { requireSignature: false });
  const { person } = await entered(t, loose);
  const session = await sessionOn(t, loose);
  const client = clientOf(session, loose);
  const { json } = await client.post('/device/code', { client_id: 'electron-app' });
  await loose.decideDevice(json.user_code, 'approve', person);
  const { json: answer } = await client.post('/device/token', {
    grant_type: 'urn:ietf:params:oauth:grant-type:device_code',
    device_code: json.device_code,
    client_id: 'electron-app',
  });
  assert.match(answer.access_token, /^latchkey:/);
  await assertIn(session, loose, person);
});

test('a page may ask about the session while it is deferred, and prolongs it as the client does', async (t) => {
  const deferring = await startPeer(t, { session: { deferSessionRefresh: true, updateAge: 0 } });
  const { session, person } = await entered(t, deferring);
  const page = pageOf(session, deferring);
  await deferring.changeSessions(person.email, { expiresAt: new Date(Date.now() + 60_000) });
  const { needsRefresh } = await good(page.getSession());
  assert.equal(needsRefresh, true);
  const { json } = await clientOf(session, deferring).post('/get-session');
  assert.equal(json.user.email, person.email);
  assert.ok(session.state().expiresAtMs > Date.now() + 3_600_000);
});

test('the native sign-in ends what a page had begun', async (t) => {
  const { person: left } = await enrolled(t, peer);
  const { person, secret } = await enrolled(t, peer);
  const session = await sessionOn(t, peer);
  const page = pageOf(session);
  await good(page.signIn.email(left));
  const { id } = await begun(session, byEmail(person));
  await session.submitCode(id, { strategy: 'totp', code: totp(secret) });
  peer.clearLog();
  await page.twoFactor.sendOtp();
  assert.equal(peer.log[0].authorization, true);
  assert.deepEqual(peer.log[0].cookies, []);
});

async function peerHas({ email }, count) {
  const deadline = Date.now() + 10_000;
  while ((await peer.sessionsOf(email)).length !== count) {
    assert.ok(Date.now() < deadline, `not ${count} but ${(await peer.sessionsOf(email)).length} sessions`);
    await setTimeout(20);
  }
}
