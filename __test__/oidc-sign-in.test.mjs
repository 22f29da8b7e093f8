// Signing in through the system's browser at a real OpenID Connect server: there, back, and out again.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { rejects } from './addon.mjs';
import { reached } from './auth-server.mjs';
import { inChild, startChild } from './child.mjs';
import { begin, CALLBACK, openOidc, signInBy, userOf } from './oidc-session.mjs';
import { became, endedOnServer, outcome } from './peer-session.mjs';
import { Browser } from './peers/oidc-browser.mjs';
import { OidcServer, SIGNED_OUT } from './peers/oidc-server.mjs';
import { newVaultOptions } from './vault-folder.mjs';

test('the browser goes with PKCE, state and nonce, comes back by the scheme, and somebody is signed in', async (t) => {
  const { server, session } = await openOidc(t);
  const pending = await begin(session, { loginHint: 'ada' });
  const { origin, pathname, searchParams } = new URL(pending.url);
  assert.equal(origin + pathname, `${server.url}/auth`);
  const { state, nonce, code_challenge, ...rest } = Object.fromEntries(searchParams);
  assert.deepEqual(rest, {
    client_id: server.provider.clientId,
    response_type: 'code',
    redirect_uri: CALLBACK,
    code_challenge_method: 'S256',
    scope: 'openid profile email offline_access',
    prompt: 'consent',
    login_hint: 'ada',
  });
  for (const random of [state, nonce, code_challenge]) assert.match(random, /^[\w-]{43}$/);
  assert.equal(session.state().state, 'signingIn');

  const callback = await new Browser().visit(pending.url, { login: 'ada' });
  assert.equal(callback.searchParams.get('iss'), server.url);
  const { id, result } = await session.handleCallback(callback.href);
  assert.deepEqual([id, result], [pending.id, { status: 'complete', user: userOf('ada') }]);
  assert.deepEqual(await session.waitForSignIn(id), userOf('ada'));
  assert.equal(session.state().state, 'active');
  assert.equal((await session.fetch(server.resource)).status, 200);
  assert.equal(session.claims().sub, 'ada');
});

test('by the loopback way the browser comes to a port of this machine and is told to close the window', async (t) => {
  const { server, session } = await openOidc(t, { provider: { redirectUri: undefined } });
  for (const request of [{}, { redirect: 'loopback' }]) {
    const pending = await begin(session, request);
    assert.match(pending.redirectUri, /^http:\/\/127\.0\.0\.1:\d+\/callback$/);
    const callback = await new Browser().visit(pending.url, { login: 'ada' });
    assert.equal(callback.origin + callback.pathname, pending.redirectUri);
    // A page and a program that come by with nothing, or with somebody else's state, change nothing.
    assert.equal((await fetch(new URL('/favicon.ico', callback))).status, 404);
    await fetch(`${pending.redirectUri}?code=evil&state=evil`);
    const waiting = session.waitForSignIn(pending.id);
    const page = await (await fetch(callback)).text();
    assert.match(page, /close this window/);
    assert.deepEqual(await waiting, userOf('ada'));
    await assert.rejects(fetch(callback), 'the port is closed again');
  }
  assert.equal((await session.fetch(server.resource)).status, 200);
});

test('a restart keeps the session, and refreshes rotate', async (t) => {
  const { server, session, open } = await openOidc(t, { accessTokenSeconds: 3 });
  await signInBy(session, 'ada');
  session.close();
  const again = await open();
  assert.deepEqual(again.state().user, userOf('ada'));
  await became(again, { state: 'active' });
  await again.refresh();
  await again.refresh();
  assert.equal((await again.fetch(server.resource)).status, 200);
  assert.equal(server.counts.reuses, 0);
  assert.ok(server.counts.granted >= 2);
  assert.equal(again.claims().sub, 'ada');
});

test('signing out ends the grant on the server, and the browser too where the app opens what it is given', async (t) => {
  const { server, session } = await openOidc(t);
  const browser = new Browser();
  await signInBy(session, 'ada', { browser });
  const [grant] = server.grants.slice(-1);
  const { browserUrl } = await session.signOut({ returnTo: SIGNED_OUT });
  await endedOnServer({ isAlive: (id) => server.stands(id) }, grant);
  const url = new URL(browserUrl);
  assert.equal(url.origin + url.pathname, `${server.url}/session/end`);
  assert.equal(url.searchParams.get('id_token_hint').split('.').length, 3);
  assert.equal((await browser.visit(browserUrl)).href.split('?')[0], SIGNED_OUT);
  // The browser asks who it is again.
  assert.deepEqual(await signInBy(session, 'eve', { browser }), userOf('eve'));
});

test('a step-up asks for it, and takes only what was asked for', async (t) => {
  const { server, session } = await openOidc(t);
  const browser = new Browser();
  await signInBy(session, 'ada', { browser });
  const [grant] = server.grants.slice(-1);
  const challenge = 'Bearer error="insufficient_user_authentication", acr_values="gold", max_age="0"';

  const asked = await begin(session, { challenge });
  const { searchParams } = new URL(asked.url);
  assert.deepEqual([searchParams.get('acr_values'), searchParams.get('max_age')], ['gold', '0']);
  const weak = await browser.visit(asked.url, { login: 'ada' });
  const refused = await rejects('ERR_ID_TOKEN_INVALID', () => session.handleCallback(weak.href));
  assert.match(refused.message, /acr/);
  assert.equal(session.state().state, 'active', 'the session stands as it was');

  await signInBy(session, 'ada', { browser, acr: 'gold', request: { challenge } });
  assert.equal(session.claims().acr, 'gold');
  assert.equal((await session.fetch(server.resource)).status, 200);
  assert.equal(await server.stands(grant), true, 'what is one grant to the server was not revoked');

  const other = await begin(session, { challenge });
  const eve = await new Browser().visit(other.url, { login: 'eve', acr: 'gold' });
  await rejects('ERR_ID_TOKEN_INVALID', () => session.handleCallback(eve.href));
  assert.deepEqual(session.state().user, userOf('ada'));
});

test('another person who signs in replaces the first, whose grant ends', async (t) => {
  const { server, session } = await openOidc(t);
  await signInBy(session, 'ada');
  const [first] = server.grants.slice(-1);
  assert.deepEqual(await signInBy(session, 'eve'), userOf('eve'));
  await endedOnServer({ isAlive: (id) => server.stands(id) }, first);
  assert.equal((await session.fetch(server.resource)).status, 200);
});

test('a person who goes back in the browser is not signed in, and the app hears of it', async (t) => {
  const { session } = await openOidc(t);
  const pending = await begin(session);
  const callback = await new Browser().visit(pending.url, { login: 'ada', refuses: true });
  const waiting = outcome(session.waitForSignIn(pending.id));
  const error = await rejects('ERR_ACCESS_DENIED', () => session.handleCallback(callback.href));
  assert.match(error.message, /ACCESS_DENIED/);
  assert.equal(await waiting, 'ERR_ACCESS_DENIED');
  await reached(session, 'signedOut');
});

test('a sign-in that waits survives a restart of the application', async (t) => {
  const { server, session, open } = await openOidc(t);
  const pending = await begin(session);
  session.close();
  const again = await open();
  assert.deepEqual(
    (await again.pendingSignIns()).map(({ id, awaits }) => [id, awaits]),
    [[pending.id, 'browser']],
  );
  const callback = await new Browser().visit(pending.url, { login: 'ada' });
  const { result } = await again.handleCallback(callback.href);
  assert.deepEqual(result.user, userOf('ada'));
  assert.equal((await again.fetch(server.resource)).status, 200);
});

test('a sign-in that waits survives the sudden end of its process', async (t) => {
  const server = await OidcServer.start(t);
  const provider = { ...server.provider, redirectUri: CALLBACK };
  const options = { vaultOptions: await newVaultOptions(t), provider };
  const first = startChild(
    t,
    async ({ addon, say, hear }, { vaultOptions, provider }) => {
      const vault = await addon.Vault.open(vaultOptions);
      const session = await addon.AuthSession.open({ vault, provider });
      await say(await session.signIn({ method: 'browser' }));
      await hear();
    },
    options,
  );
  const { signIn } = await first.heard();
  first.kill('SIGKILL');
  await first.exited;
  const { href } = await new Browser().visit(signIn.url, { login: 'ada' });
  const second = await inChild(
    t,
    async ({ addon }, { vaultOptions, provider, href, resource }) => {
      const vault = await addon.Vault.open(vaultOptions);
      const session = await addon.AuthSession.open({ vault, provider });
      const { id, result } = await session.handleCallback(href);
      const { status } = await session.fetch(resource);
      session.close();
      await vault.close();
      return { id, result, status };
    },
    { ...options, href, resource: server.resource },
  );
  assert.deepEqual(second, {
    id: signIn.id,
    result: { status: 'complete', user: userOf('ada') },
    status: 200,
  });
});

test('what the person pastes instead is taken: the address, or the code alone', async (t) => {
  const { session } = await openOidc(t);
  for (const pasted of [({ href }) => href, ({ searchParams }) => searchParams.get('code')]) {
    const pending = await begin(session);
    const callback = await new Browser().visit(pending.url, { login: 'ada' });
    const { user } = await session.submitCode(pending.id, {
      strategy: 'callback',
      code: ` ${pasted(callback)}\n`,
    });
    assert.deepEqual(user, userOf('ada'));
  }
});

test('of two sign-ins at once either may complete', async (t) => {
  const { session } = await openOidc(t);
  const [first, second] = [await begin(session), await begin(session)];
  assert.notEqual(first.id, second.id);
  const callback = await new Browser().visit(second.url, { login: 'ada' });
  const late = await new Browser().visit(first.url, { login: 'eve' });
  assert.equal((await session.handleCallback(callback.href)).id, second.id);
  await rejects('ERR_SIGN_IN_NOT_FOUND', () => session.handleCallback(late.href));
  assert.deepEqual(session.state().user, userOf('ada'));
});

test('a sign-in that was cancelled is over, whatever the browser brings', async (t) => {
  const { session } = await openOidc(t);
  const pending = await begin(session);
  const waiting = outcome(session.waitForSignIn(pending.id));
  await session.cancelSignIn(pending.id);
  assert.equal(await waiting, 'ERR_SIGN_IN_CANCELLED');
  const callback = await new Browser().visit(pending.url, { login: 'ada' });
  await rejects('ERR_SIGN_IN_NOT_FOUND', () => session.handleCallback(callback.href));
  assert.deepEqual(await session.pendingSignIns(), []);
  assert.equal(session.state().state, 'signedOut');
});

test('a server that takes announced sign-ins gets them announced, and the browser carries no parameters', async (t) => {
  for (const push of [true, 'required']) {
    const { server, session } = await openOidc(t, { push });
    const pending = await begin(session);
    assert.deepEqual([...new URL(pending.url).searchParams.keys()], ['client_id', 'request_uri']);
    const callback = await new Browser().visit(pending.url, { login: 'ada' });
    const { result } = await session.handleCallback(callback.href);
    assert.deepEqual(result.user, userOf('ada'));
    assert.ok(server.requests.some(({ route }) => route === 'pushed_authorization_request'));
  }
});

test('what the ID token leaves out, userinfo is asked for', async (t) => {
  const { server, session } = await openOidc(t);
  const pending = await begin(session, { scope: 'openid' });
  const callback = await new Browser().visit(pending.url, { login: 'ada' });
  const { result } = await session.handleCallback(callback.href);
  // For this scope userinfo knows no more.
  assert.deepEqual(result.user, { id: 'ada', email: null, name: null, image: null, emailVerified: null });
  assert.ok(server.requests.some(({ route }) => route === 'userinfo'));
});
