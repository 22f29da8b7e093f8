// A session of WorkOS AuthKit, from the browser to the sign-out, against the vendor's own emulator.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertLetIn, became, outcome, tokenIsOver } from './peer-session.mjs';
import { FaultProxy } from './peers/fault-proxy.mjs';
import { CHALLENGES, CLIENT_ID, REDIRECT_URI, WorkOsServer } from './peers/workos-server.mjs';
import { opened, openedAgain, organizationOf, shown, signedIn, throughBrowser } from './workos-session.mjs';

/** Long enough that nothing falls due by itself. */
const LONG_LIVED = { accessTokenSeconds: 600 };

test('somebody signs in in the browser, and the session knows who it is and until when', async (t) => {
  const server = await WorkOsServer.start(t, LONG_LIVED);
  const user = server.addUser({ email: 'ada@example.com' });
  const { session } = await opened(t, server);
  const begun = await session.signIn({ method: 'browser', loginHint: user.email });
  assert.deepEqual([begun.status, begun.signIn.awaits], ['pending', 'browser']);
  assert.equal(session.state().state, 'signingIn');
  const before = Date.now();
  const ended = await session.handleCallback(await server.browse(begun.signIn.url));
  const ada = { id: user.id, email: user.email, name: 'Ada Lovelace', image: null, emailVerified: true };
  assert.deepEqual(ended, { id: begun.signIn.id, result: { status: 'complete', user: ada } });
  const { state, user: known, expiresAtMs } = session.state();
  assert.deepEqual([state, known], ['active', ada]);
  assert.ok(
    expiresAtMs - before >= 600_000 && expiresAtMs - Date.now() <= 600_000,
    'by the token: exp - iat',
  );
  await assertLetIn(session, server);
});

test('the hosted page is asked for what the application says, with PKCE and a state', async (t) => {
  const server = await WorkOsServer.start(t, LONG_LIVED);
  const { session } = await opened(t, server);
  const asked = async (request) => {
    const { signIn } = await session.signIn({ method: 'browser', ...request });
    await session.cancelSignIn(signIn.id);
    const url = new URL(signIn.url);
    assert.equal(url.origin + url.pathname, `${server.url}/user_management/authorize`);
    const { code_challenge, state, ...rest } = Object.fromEntries(url.searchParams);
    assert.match(code_challenge, /^[\w-]{43}$/);
    assert.match(state, /^[\w-]{43}$/);
    return rest;
  };
  const always = {
    client_id: CLIENT_ID,
    code_challenge_method: 'S256',
    redirect_uri: REDIRECT_URI,
    response_type: 'code',
  };
  assert.deepEqual(await asked({}), { ...always, provider: 'authkit' });
  assert.deepEqual(
    await asked({
      screenHint: 'sign-up',
      loginHint: 'ada@example.com',
      organizationId: 'org_1',
      domainHint: 'example.com',
      prompt: 'login',
      maxAgeS: 300,
    }),
    {
      ...always,
      provider: 'authkit',
      screen_hint: 'sign-up',
      login_hint: 'ada@example.com',
      organization_id: 'org_1',
      domain_hint: 'example.com',
      prompt: 'login',
      max_age: '300',
    },
  );
  assert.deepEqual(await asked({ connection: 'GoogleOAuth', scope: 'openid' }), {
    ...always,
    provider: 'GoogleOAuth',
    provider_scopes: 'openid',
  });
  assert.deepEqual(await asked({ connection: 'conn_01TEST' }), { ...always, connection_id: 'conn_01TEST' });
  const byName = session.signIn({ method: 'browser', acrValues: 'urn:example:strong' });
  assert.equal(await outcome(byName), 'ERR_NOT_SUPPORTED', 'what WorkOS would ignore is not asked');
});

test('what only the hosted page can do is refused here', async (t) => {
  const server = await WorkOsServer.start(t, LONG_LIVED);
  const { session } = await opened(t, server);
  const password = { method: 'password', email: 'ada@example.com', password: 'difference-engine' };
  assert.equal(await outcome(session.signIn(password)), 'ERR_NOT_SUPPORTED');
  assert.equal(
    await outcome(session.signIn({ method: 'code', email: 'ada@example.com' })),
    'ERR_NOT_SUPPORTED',
  );
  assert.equal(session.state().state, 'signedOut');
  assert.deepEqual(server.requests, []);
});

test('the browser may come back to a port of this machine', async (t) => {
  const server = await WorkOsServer.start(t, LONG_LIVED);
  const user = server.addUser();
  const { session } = await opened(t, server);
  const { signIn } = await session.signIn({
    method: 'browser',
    redirect: 'loopback',
    loginHint: user.email,
  });
  const ending = session.waitForSignIn(signIn.id);
  const callback = await server.browse(signIn.url);
  assert.match(callback, /^http:\/\/127\.0\.0\.1:\d+\/callback\?/);
  assert.equal((await fetch(callback)).status, 200);
  assert.equal((await ending).email, user.email);
});

test('a person who refuses, a code that is worn out and a callback that comes twice sign nobody in', async (t) => {
  const server = await WorkOsServer.start(t, LONG_LIVED);
  const user = server.addUser();
  const { session } = await opened(t, server);
  const begin = async () => (await session.signIn({ method: 'browser', loginHint: user.email })).signIn;
  const callbackTo = ({ url }, parameters) => {
    const state = new URL(url).searchParams.get('state');
    return `${REDIRECT_URI}?${new URLSearchParams({ ...parameters, state })}`;
  };
  const refused = callbackTo(await begin(), { error: 'access_denied', error_description: 'No.' });
  assert.equal(await outcome(session.handleCallback(refused)), 'ERR_ACCESS_DENIED');
  const wornOut = callbackTo(await begin(), { code: 'auth_code_of_yesterday' });
  assert.equal(await outcome(session.handleCallback(wornOut)), 'ERR_SIGN_IN_EXPIRED');
  const empty = callbackTo(await begin(), {});
  assert.equal(await outcome(session.handleCallback(empty)), 'ERR_CALLBACK_INVALID');
  assert.equal(session.state().state, 'signedOut');
  const good = await server.browse((await begin()).url);
  assert.equal((await session.handleCallback(good)).result.status, 'complete');
  assert.equal(await outcome(session.handleCallback(good)), 'ERR_SIGN_IN_NOT_FOUND');
  assert.equal(shown(server).length, 2, 'each code was shown once, and no other');
});

test('a sign-in that waits in the browser survives a restart', async (t) => {
  const server = await WorkOsServer.start(t, LONG_LIVED);
  const user = server.addUser();
  const { session, vault, vaultOptions } = await opened(t, server);
  const { signIn } = await session.signIn({ method: 'browser', loginHint: user.email });
  const callback = await server.browse(signIn.url);
  session.close();
  await vault.close();
  const next = await openedAgain(t, server, vaultOptions);
  const { result } = await next.handleCallback(callback);
  assert.equal(result.user.email, user.email);
});

test('somebody signs in on another device', async (t) => {
  const server = await WorkOsServer.start(t, LONG_LIVED);
  const user = server.addUser();
  const { session } = await opened(t, server);
  const { signIn } = await session.signIn({ method: 'device' });
  assert.equal(signIn.awaits, 'device');
  assert.equal(signIn.verificationUriComplete, `${server.url}/device?user_code=${signIn.userCode}`);
  const ending = session.waitForSignIn(signIn.id);
  const [started] = server.requests;
  assert.deepEqual(
    [started.path, started.body],
    ['/user_management/authorize/device', { client_id: CLIENT_ID }],
  );
  server.admin.approveDevice(signIn.userCode, user);
  assert.equal((await ending).email, user.email);
  assert.equal(session.state().state, 'active');
  const { grant_type } = shown(server).at(-1);
  assert.equal(grant_type, 'urn:ietf:params:oauth:grant-type:device_code');
});

test('a restart restores who is signed in, by one refresh, in the same session of the server', async (t) => {
  const server = await WorkOsServer.start(t, LONG_LIVED);
  const { session, vault, vaultOptions, user } = await signedIn(t, server);
  const { sid } = session.claims();
  session.close();
  await vault.close();
  const next = await openedAgain(t, server, vaultOptions);
  assert.equal(next.state().user.email, user.email, 'at once');
  await became(next, { state: 'active' });
  assert.deepEqual([server.counts.refreshes, next.claims().sid], [1, sid]);
});

test('a refresh takes the user as the server now has them', async (t) => {
  const server = await WorkOsServer.start(t, LONG_LIVED);
  const { session, user } = await signedIn(t, server);
  server.admin.updateUser(user.id, {
    first_name: 'Augusta',
    profile_picture_url: 'https://example.com/a.png',
  });
  await session.refresh();
  const { name, image } = session.state().user;
  assert.deepEqual([name, image], ['Augusta Lovelace', 'https://example.com/a.png']);
});

test('what the token and the answer tell can be read, typed, and stays known', async (t) => {
  const claims = { permissions: ['read'], entitlements: ['audit-logs'], feature_flags: ['new'] };
  const server = await WorkOsServer.start(t, { ...LONG_LIVED, claims });
  const impersonator = { email: 'support@example.com', reason: 'a ticket' };
  const user = server.addUser({ impersonator });
  const { id } = organizationOf(server, user, { role: 'owner' });
  const { session } = await opened(t, server);
  assert.equal(session.claims(), null);
  await throughBrowser(session, server, { loginHint: user.email, organizationId: id });
  const expected = { ...claims, org_id: id, role: 'owner', roles: ['owner'], impersonator };
  const told = () => {
    const { org_id, role, roles, permissions, entitlements, feature_flags, impersonator } = session.claims();
    return { org_id, role, roles, permissions, entitlements, feature_flags, impersonator };
  };
  assert.deepEqual(told(), expected);
  assert.equal(session.claims().authentication_method, 'Password');
  await session.refresh();
  assert.deepEqual(told(), expected);
});

test('a switch of the organization spends one refresh token, and later refreshes stay there', async (t) => {
  const server = await WorkOsServer.start(t, LONG_LIVED);
  const { session, user } = await signedIn(t, server);
  const { id } = organizationOf(server, user);
  assert.equal(session.claims().org_id, undefined);
  await session.switchOrganization(id);
  assert.equal(session.claims().org_id, id);
  assert.equal(shown(server).at(-1).organization_id, id);
  await session.refresh();
  assert.equal(session.claims().org_id, id);
  assert.equal('organization_id' in shown(server).at(-1), false, 'the server remembers');
  assert.deepEqual(server.counts, { refreshes: 2, granted: 2, refused: 0, reuses: 0 });
});

test('a switch that is refused leaves the session as it was', async (t) => {
  const server = await WorkOsServer.start(t, LONG_LIVED);
  const { session, user } = await signedIn(t, server);
  const home = organizationOf(server, user);
  await session.switchOrganization(home.id);
  const closed = server.admin.addOrganization('Closed');
  assert.equal(await outcome(session.switchOrganization(closed.id)), 'ERR_SIGN_IN_REJECTED');
  assert.equal(await outcome(session.switchOrganization(null)), 'ERR_NOT_SUPPORTED');
  assert.deepEqual([session.state().state, session.claims().org_id], ['active', home.id]);
  await session.refresh();
  assert.equal(server.counts.reuses, 0);
  await assertLetIn(session, server);
});

for (const [name, challenge] of Object.entries(CHALLENGES)) {
  test(`${name}: the session stands, and the person is asked in the browser`, async (t) => {
    const server = await WorkOsServer.start(t, LONG_LIVED);
    const { session, user } = await signedIn(t, server);
    const { id } = organizationOf(server, user);
    server.answerWith(challenge);
    assert.equal(await outcome(session.switchOrganization(id)), 'ERR_STEP_UP_REQUIRED');
    assert.deepEqual([session.state().state, session.state().user.email], ['active', user.email]);
    await assertLetIn(session, server);
    // No refresh token was lost to it.
    await session.refresh();
    assert.deepEqual([server.counts.reuses, session.state().state], [0, 'active']);
  });
}

test('a refresh that meets a challenge leaves the session offline, and the browser brings it back', async (t) => {
  const server = await WorkOsServer.start(t, LONG_LIVED);
  const { session, user } = await signedIn(t, server);
  const { id } = organizationOf(server, user);
  await session.switchOrganization(id);
  server.answerWith(CHALLENGES.mfaEnrollment);
  assert.equal(await outcome(session.refresh()), 'ERR_STEP_UP_REQUIRED');
  await became(session, { state: 'offline', reason: 'challenge' });
  const { signIn } = await session.signIn({ method: 'browser', prompt: 'login' });
  const { login_hint, organization_id } = Object.fromEntries(new URL(signIn.url).searchParams);
  assert.deepEqual(
    [login_hint, organization_id],
    [user.email, id],
    'for the person and the organization at hand',
  );
  await session.handleCallback(await server.browse(signIn.url));
  assert.deepEqual([session.state().state, session.claims().org_id], ['active', id]);
});

test('a step-up asks the hosted page how long ago the person proved who they are', async (t) => {
  const server = await WorkOsServer.start(t, LONG_LIVED);
  server.addUser(); // whom the emulator would take without a hint
  const { session, user } = await signedIn(t, server);
  const before = await session.accessToken();
  const { signIn } = await session.signIn({ method: 'browser', maxAgeS: 0 });
  const { max_age, login_hint } = Object.fromEntries(new URL(signIn.url).searchParams);
  assert.deepEqual([max_age, login_hint], ['0', user.email]);
  assert.equal(await session.accessToken(), before, 'signed in while it waits');
  const challenge = 'Bearer error="insufficient_user_authentication", max_age="300"';
  const asked = (await session.signIn({ method: 'browser', challenge })).signIn;
  assert.equal(
    new URL(asked.url).searchParams.get('max_age'),
    '300',
    'as an API of the application asks for it',
  );
  await session.handleCallback(await server.browse(signIn.url));
  assert.notEqual(await session.accessToken(), before);
  assert.equal(session.state().user.email, user.email);
});

test('somebody else proves nothing for who is signed in, and replaces nobody', async (t) => {
  const server = await WorkOsServer.start(t, LONG_LIVED);
  const { session, user } = await signedIn(t, server);
  const other = server.addUser();
  const { signIn } = await session.signIn({ method: 'browser', maxAgeS: 0, loginHint: other.email });
  const callback = await server.browse(signIn.url);
  assert.equal(await outcome(session.handleCallback(callback)), 'ERR_ACCESS_DENIED');
  assert.deepEqual([session.state().state, session.state().user.email], ['active', user.email]);
  await assertLetIn(session, server);
  assert.equal(server.admin.sessionsOf(other), 0, 'theirs was ended');
});

test('a sign-out ends the session on the server, and names what the browser opens', async (t) => {
  const server = await WorkOsServer.start(t, LONG_LIVED);
  const { session } = await signedIn(t, server);
  const { sid } = session.claims();
  const { browserUrl } = await session.signOut({ returnTo: 'https://example.com/bye' });
  const logout = `${server.url}/user_management/sessions/logout`;
  assert.equal(browserUrl, `${logout}?session_id=${sid}&return_to=https%3A%2F%2Fexample.com%2Fbye`);
  assert.equal(server.admin.hasSession(sid), false);
  const last = server.requests.at(-1);
  assert.deepEqual([last.method, last.query], ['GET', { session_id: sid }]);
  assert.equal(session.state().state, 'signedOut');
});

test('a sign-out without a network is told to the server later', async (t) => {
  const proxy = await FaultProxy.start(t);
  const server = await WorkOsServer.start(t, { ...LONG_LIVED, behind: proxy });
  const { session, vault, vaultOptions } = await signedIn(t, server);
  const { sid } = session.claims();
  await proxy.fail('refuse');
  await session.signOut();
  assert.deepEqual([session.state().state, server.admin.hasSession(sid)], ['signedOut', true]);
  session.close();
  await vault.close();
  await proxy.heal();
  const next = await openedAgain(t, server, vaultOptions);
  const deadline = Date.now() + 20_000;
  while (server.admin.hasSession(sid)) {
    assert.ok(Date.now() < deadline, 'the session lives on, on the server');
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  assert.equal(next.state().state, 'signedOut');
});

test('a session that was ended on the server is over, once and for all', async (t) => {
  const server = await WorkOsServer.start(t, LONG_LIVED);
  const { session } = await signedIn(t, server);
  server.admin.endSession(session.claims().sid);
  const { state, reason } = await session.refresh();
  assert.deepEqual([state, reason], ['expired', 'ended']);
  assert.equal(await outcome(session.accessToken()), 'ERR_SESSION_EXPIRED');
  assert.equal(server.counts.refreshes, 1, 'it is not asked again');
});

test("tokens of a sign-in of the application's own are taken, and the token tells whose they are", async (t) => {
  const server = await WorkOsServer.start(t, { accessTokenSeconds: 2 });
  const { accessToken, refreshToken, user, expiresInMs } = await server.signIn();
  const { session } = await opened(t, server);
  const taken = await session.signIn({ method: 'tokens', accessToken, refreshToken });
  assert.deepEqual([taken.status, taken.user.id], ['complete', user.id]);
  await tokenIsOver(Date.now() + expiresInMs);
  await assertLetIn(session, server);
  assert.deepEqual(session.state().user, user, 'a refresh tells the rest');
});
