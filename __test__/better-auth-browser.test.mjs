// Signing in in the system's browser on a real Better Auth server, by its official Electron plugin.
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { after, test } from 'node:test';
import { restarting } from './auth-server.mjs';
import {
  assertIn,
  assertNoSecret,
  Browser,
  begun,
  byEmail,
  enrolled,
  entered,
  newPerson,
  rejects,
  SCHEME,
  sessionOn,
  startPeer,
  totp,
} from './better-auth-peer.mjs';

const peer = await startPeer({ after }, { social: 'campus' });

/** What the page of the site hands to the application: the cookie that the server made for it. */
function handedOver(browser) {
  const token = browser.cookie(peer.url, 'better-auth.electron');
  assert.ok(token, 'the server made no code');
  return token;
}

const callback = (token) => `${SCHEME}://auth/callback#token=${token}`;
const tokenOf = (identifier, state) =>
  Buffer.from(JSON.stringify({ identifier, state })).toString('base64url');
const partsOf = (token) => JSON.parse(Buffer.from(decodeURIComponent(token), 'base64url'));

/** Signs in on the site's page, with what the application put into the page's address. */
async function signInOnPage(address, { email, password }) {
  const browser = new Browser();
  const { search } = new URL(address);
  const answer = await browser.request(`${peer.baseUrl}/sign-in/email${search}`, {
    json: { email, password },
  });
  assert.equal(answer.status, 200);
  return browser;
}

async function somebody(t) {
  const { person } = await entered(t, peer);
  return person;
}

test('the page of the site: opened with a challenge, and its code redeemed', async (t) => {
  const person = await somebody(t);
  const session = await sessionOn(t, peer);
  const { id, awaits, url, redirectUri } = await begun(session, {
    method: 'browser',
    loginHint: person.email,
  });
  assert.deepEqual([awaits, redirectUri], ['browser', `${SCHEME}:/auth/callback`]);
  const { origin, pathname, searchParams } = new URL(url);
  assert.equal(origin + pathname, `${peer.url}/sign-in`);
  const { state, code_challenge, ...rest } = Object.fromEntries(searchParams);
  assert.deepEqual(rest, { client_id: 'electron', code_challenge_method: 'S256', login_hint: person.email });
  assert.match(state, /^[\w-]{43}$/);
  assert.match(code_challenge, /^[\w-]{43}$/);
  const browser = await signInOnPage(url, person);
  const waiting = session.waitForSignIn(id);
  const { id: completed, result } = await session.handleCallback(callback(handedOver(browser)));
  assert.deepEqual([completed, result.status], [id, 'complete']);
  assert.equal((await waiting).email, person.email);
  await assertIn(session, peer, person);
  assert.ok(session.state().expiresAtMs > Date.now());
});

test('somebody who is signed in in the browser already is handed over', async (t) => {
  const person = await somebody(t);
  const browser = new Browser();
  const { email, password } = person;
  await browser.request(`${peer.baseUrl}/sign-in/email`, { json: { email, password } });
  const session = await sessionOn(t, peer);
  const { url } = await begun(session, { method: 'browser' });
  const { search } = new URL(url);
  const answer = await browser.request(`${peer.baseUrl}/electron/transfer-user${search}`, { json: {} });
  assert.equal(answer.status, 200, await answer.text());
  await session.handleCallback(callback(handedOver(browser)));
  await assertIn(session, peer, person);
});

test('somebody with a second factor proves it on the page, and not again here', async (t) => {
  const { person, secret } = await enrolled(t, peer);
  const session = await sessionOn(t, peer);
  const { url } = await begun(session, { method: 'browser' });
  const { search } = new URL(url);
  const browser = await signInOnPage(url, person);
  assert.equal(browser.cookie(peer.url, 'better-auth.electron'), undefined, 'not before the code');
  const json = { code: totp(secret) };
  const verified = await browser.request(`${peer.baseUrl}/two-factor/verify-totp`, { json });
  assert.equal(verified.status, 200);
  await browser.request(`${peer.baseUrl}/electron/transfer-user${search}`, { json: {} });
  const { result } = await session.handleCallback(callback(handedOver(browser)));
  assert.equal(result.status, 'complete');
  await assertIn(session, peer, person);
});

test('both spellings of the redirect address come home', async (t) => {
  const person = await somebody(t);
  for (const [configured, came] of [
    [`${SCHEME}:/auth/callback`, `${SCHEME}:/auth/callback`],
    [`${SCHEME}://auth/callback`, `${SCHEME}://auth/callback`],
    [`${SCHEME}://auth/callback`, `${SCHEME}:/auth/callback`],
  ]) {
    const session = await sessionOn(t, peer, { provider: { redirectUri: configured } });
    const { url } = await begun(session, { method: 'browser' });
    const token = handedOver(await signInOnPage(url, person));
    await session.handleCallback(`${came}#token=${encodeURIComponent(decodeURIComponent(token))}`);
    await assertIn(session, peer, person);
  }
});

test('a social provider: the server leads the browser there and back', async (t) => {
  const session = await sessionOn(t, peer, { provider: { signInUrl: undefined } });
  const { url } = await begun(session, { method: 'browser', connection: 'campus' });
  assert.equal(new URL(url).pathname, '/api/auth/electron/init-oauth-proxy');
  const login = `grace-${randomBytes(4).toString('hex')}`;
  const browser = new Browser();
  const end = await browser.open(url, { login });
  assert.equal(end.status, 200);
  const { result } = await session.handleCallback(callback(handedOver(browser)));
  assert.equal(result.user.email, `${login}@campus.example`);
  await assertIn(session, peer, { email: `${login}@campus.example` });
  await session.signOut();
  assert.equal(
    (await peer.sessionsOf(`${login}@campus.example`)).length,
    1,
    "the browser's own, and not ours",
  );
});

test('a callback serves once', async (t) => {
  const person = await somebody(t);
  const session = await sessionOn(t, peer);
  const { url } = await begun(session, { method: 'browser' });
  const came = callback(handedOver(await signInOnPage(url, person)));
  const outcomes = await Promise.allSettled([session.handleCallback(came), session.handleCallback(came)]);
  const codes = outcomes.map(({ reason }) => reason?.code ?? 'done').sort();
  assert.deepEqual(codes, ['ERR_SIGN_IN_NOT_FOUND', 'done'].sort());
  await rejects('ERR_SIGN_IN_NOT_FOUND', () => session.handleCallback(came));
  await assertIn(session, peer, person);
});

test('a callback with a foreign state is not looked at, and burns no code', async (t) => {
  const person = await somebody(t);
  const session = await sessionOn(t, peer);
  const { url } = await begun(session, { method: 'browser' });
  const token = handedOver(await signInOnPage(url, person));
  const { identifier } = partsOf(token);
  peer.clearLog();
  await rejects('ERR_SIGN_IN_NOT_FOUND', () =>
    session.handleCallback(callback(tokenOf(identifier, 'foreign'))),
  );
  assert.deepEqual(peer.requests, []);
  await session.handleCallback(callback(token));
  await assertIn(session, peer, person);
});

const REFUSED = {
  'a code of another sign-in under our state': { code: 'ERR_CALLBACK_INVALID', server: 'STATE_MISMATCH' },
  'a code made with another challenge': { code: 'ERR_CALLBACK_INVALID', server: 'INVALID_CODE_VERIFIER' },
  'a code that the server does not know': { code: 'ERR_SIGN_IN_EXPIRED', server: 'INVALID_TOKEN' },
};
for (const [what, { code, server }] of Object.entries(REFUSED)) {
  test(`${what} (${server}): ${code}, and the sign-in is over`, async (t) => {
    const [person, attacker] = [await somebody(t), await somebody(t)];
    const session = await sessionOn(t, peer);
    const { id, url } = await begun(session, { method: 'browser' });
    const state = new URL(url).searchParams.get('state');
    const own = handedOver(await signInOnPage(url, person));
    const injected = async (otherState) => {
      const challenge = createHash('sha256').update(randomBytes(32)).digest('base64url');
      const query = new URLSearchParams({
        client_id: 'electron',
        state: otherState,
        code_challenge: challenge,
      });
      return partsOf(handedOver(await signInOnPage(`${peer.url}/sign-in?${query}`, attacker))).identifier;
    };
    const identifier = {
      STATE_MISMATCH: () => injected('another'),
      INVALID_CODE_VERIFIER: () => injected(state),
      INVALID_TOKEN: () => 'x'.repeat(32),
    }[server];
    const came = callback(tokenOf(await identifier(), state));
    await rejects(code, () => session.handleCallback(came));
    await rejects(code, () => session.waitForSignIn(id));
    await rejects('ERR_SIGN_IN_NOT_FOUND', () => session.handleCallback(callback(own)));
    assert.deepEqual([session.state().state, session.state().user], ['signedOut', null]);
  });
}

test('hostile callbacks reach nobody', async (t) => {
  const person = await somebody(t);
  const session = await sessionOn(t, peer);
  const { id, url } = await begun(session, { method: 'browser' });
  const token = handedOver(await signInOnPage(url, person));
  peer.clearLog();
  for (const [address, code] of [
    [`evil:/auth/callback#token=${token}`, 'ERR_CALLBACK_INVALID'],
    [`${SCHEME}://evil/callback#token=${token}`, 'ERR_CALLBACK_INVALID'],
    [`${SCHEME}://auth/callback?token=${token}`, 'ERR_CALLBACK_INVALID'],
    [`${SCHEME}://auth/callback#token=${token}&token=${token}`, 'ERR_CALLBACK_INVALID'],
    [`${SCHEME}://auth/callback#token=${'A'.repeat(9000)}`, 'ERR_CALLBACK_INVALID'],
    [`${SCHEME}://auth/callback#token=%7B%7D`, 'ERR_CALLBACK_INVALID'],
    [`${SCHEME}://auth/callback`, 'ERR_CALLBACK_INVALID'],
    ['not an address', 'ERR_CALLBACK_INVALID'],
  ]) {
    await rejects(code, () => session.handleCallback(address));
  }
  assert.deepEqual(peer.requests, []);
  assert.deepEqual(
    (await session.pendingSignIns()).map((waiting) => waiting.id),
    [id],
  );
  await session.handleCallback(callback(token));
  await assertIn(session, peer, person);
});

test('what a person pastes: the address, what is behind its #, or the bare code', async (t) => {
  const person = await somebody(t);
  for (const pasted of [
    (token) => callback(token),
    (token) => `  ${token}\n`,
    (token) => partsOf(token).identifier,
  ]) {
    const session = await sessionOn(t, peer);
    const { id, url } = await begun(session, { method: 'browser' });
    const token = handedOver(await signInOnPage(url, person));
    await session.submitCode(id, { strategy: 'callback', code: pasted(token) });
    await assertIn(session, peer, person);
  }
});

test('a sign-in outlives the application: the callback comes to its next start', async (t) => {
  const person = await somebody(t);
  const restart = restarting(t);
  const first = await restart(peer, { provider: peer.provider });
  const { url } = await begun(first, { method: 'browser' });
  assertNoSecret(peer, url, 'the address');
  const second = await restart(peer, { provider: peer.provider });
  await second.handleCallback(callback(handedOver(await signInOnPage(url, person))));
  await assertIn(second, peer, person);
});

test('two at once: each callback finds its own', async (t) => {
  const people = [await somebody(t), await somebody(t)];
  const session = await sessionOn(t, peer);
  const waiting = [await begun(session, { method: 'browser' }), await begun(session, { method: 'browser' })];
  const tokens = [];
  for (const [number, { url }] of waiting.entries())
    tokens.push(handedOver(await signInOnPage(url, people[number])));
  const { id, result } = await session.handleCallback(callback(tokens[1]));
  assert.deepEqual([id, result.user.email], [waiting[1].id, people[1].email]);
  // Whoever is signed in is not replaced by what was begun before.
  await rejects('ERR_SIGN_IN_NOT_FOUND', () => session.handleCallback(callback(tokens[0])));
  await assertIn(session, peer, people[1]);
});

test('a server that is not there: the callback may come again', async (t) => {
  const person = await somebody(t);
  const session = await sessionOn(t, peer);
  const { url } = await begun(session, { method: 'browser' });
  const came = callback(handedOver(await signInOnPage(url, person)));
  await peer.pause();
  await rejects('ERR_NETWORK', () => session.handleCallback(came));
  await peer.resume();
  await session.handleCallback(came);
  await assertIn(session, peer, person);
});

test('what cannot be: no redirect address, no page, a port of this machine', async (t) => {
  const bare = await sessionOn(t, peer, { provider: { redirectUri: undefined } });
  await rejects('ERR_NOT_SUPPORTED', () => bare.signIn({ method: 'browser' }));
  const pageless = await sessionOn(t, peer, { provider: { signInUrl: undefined } });
  const missing = await rejects('ERR_INVALID_ARGUMENT', () => pageless.signIn({ method: 'browser' }));
  assert.match(missing.message, /signInUrl/);
  const session = await sessionOn(t, peer);
  await rejects('ERR_NOT_SUPPORTED', () => session.signIn({ method: 'browser', redirect: 'loopback' }));
  for (const redirectUri of ['http://127.0.0.1/cb', 'https://example.com/cb', 'javascript:alert(1)', 'x'])
    await rejects('ERR_INVALID_ARGUMENT', () => sessionOn(t, peer, { provider: { redirectUri } }));
  for (const signInUrl of ['http://example.com/sign-in', 'com.example.app:/', ''])
    await assert.rejects(sessionOn(t, peer, { provider: { signInUrl } }));
  assert.equal(session.state().state, 'signedOut');
});

test('another client identifier of the plugin is refused by the page, not by us', async (t) => {
  const person = await somebody(t);
  const session = await sessionOn(t, peer, { provider: { electronClientId: 'other' } });
  const { url } = await begun(session, { method: 'browser' });
  assert.equal(new URL(url).searchParams.get('client_id'), 'other');
  const browser = await signInOnPage(url, person);
  assert.equal(browser.cookie(peer.url, 'better-auth.electron'), undefined);
});

test('somebody new signs up on the page', async (t) => {
  const person = newPerson();
  const session = await sessionOn(t, peer);
  const { url } = await begun(session, { method: 'browser', screenHint: 'sign-up' });
  const { search, searchParams } = new URL(url);
  assert.equal(searchParams.get('screen_hint'), 'sign-up');
  const browser = new Browser();
  const answer = await browser.request(`${peer.baseUrl}/sign-up/email${search}`, { json: person });
  assert.equal(answer.status, 200);
  await session.handleCallback(callback(handedOver(browser)));
  await assertIn(session, peer, person);
  await session.signOut();
  assert.equal((await session.signIn(byEmail(person))).status, 'complete');
});
