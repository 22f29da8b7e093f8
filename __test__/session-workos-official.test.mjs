// Our requests beside those of the vendor's own client for the same acts, and what each of the two makes of the same
// trouble. The vendor's is `@workos/authkit-electron` 0.1.2, with its session manager on a server of the test's.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { became, outcome } from './peer-session.mjs';
import { FaultProxy } from './peers/fault-proxy.mjs';
import { officialClient, signInOfficially } from './peers/workos-official.mjs';
import { isRefresh, WorkOsServer } from './peers/workos-server.mjs';
import { openedAgain, organizationOf, signedIn, throughBrowser } from './workos-session.mjs';

/** Long enough that nothing falls due by itself. */
const LONG_LIVED = { accessTokenSeconds: 600 };
/** The token of the emulator is over in the second after the one that it names. */
const SHORT_LIVED = { accessTokenSeconds: 2 };
const tokenIsOver = () => setTimeout(3100);

/**
 * Where the two differ on purpose.
 *
 * | act | theirs | ours, and why |
 * |---|---|---|
 * | authorize | `state` is 400 characters: the sealed code verifier | 256 random bits; the verifier stays in the vault, and no browser history has it |
 * | exchange, refresh | `Idempotency-Key: retry-…`, and three more tries of the same request | neither: a request that the server may have worked on is not sent again |
 * | before a token is used | `GET /sso/jwks/{client_id}` | nothing: the token came from the server over TLS, and offline it is as good as online |
 * | sign-out | the browser alone opens the logout URL | the same URL for the browser, and the same request from here, so that the session ends also where no browser opens |
 * | all | `User-Agent: workos-node/…`, `Accept: application/json, text/plain, *\/*` | our name; any answer, since all are JSON |
 */
const CHOSEN_BY_CHANCE = ['state', 'code_challenge', 'code', 'code_verifier', 'refresh_token', 'session_id'];

/** A request as far as it is to be the same: values that are new each time are there or not. */
function comparable({ method, path, query, headers, body }) {
  const shape = (fields) =>
    fields === null
      ? null
      : Object.fromEntries(
          Object.entries(fields).map(([name, value]) => [
            name,
            CHOSEN_BY_CHANCE.includes(name) ? '…' : value,
          ]),
        );
  return {
    method,
    path,
    query: shape(query),
    contentType: headers['content-type'] ?? null,
    authorization: headers.authorization ?? null,
    cookie: headers.cookie ?? null,
    body: shape(body),
  };
}

async function recordOurs(t) {
  const server = await WorkOsServer.start(t, LONG_LIVED);
  const { session, user } = await signedIn(t, server);
  const signIn = server.requests.splice(0).map(comparable);
  await session.refresh();
  const refresh = server.requests.splice(0).map(comparable);
  const { id } = organizationOf(server, user);
  await session.switchOrganization(id);
  const switched = server.requests.splice(0).map(comparable);
  const { browserUrl } = await session.signOut({ returnTo: 'com.example.latchkey://bye' });
  return {
    server,
    organizationId: id,
    signIn,
    refresh,
    switched,
    browserUrl,
    signOut: server.requests.map(comparable),
  };
}

async function recordTheirs(t) {
  const server = await WorkOsServer.start(t, SHORT_LIVED);
  const user = server.addUser();
  const client = officialClient(server);
  await signInOfficially(client, (url) => server.browse(url));
  const signIn = server.requests.splice(0).map(comparable);
  await tokenIsOver();
  await client.manager.getUser();
  const refresh = server.requests.splice(0).map(comparable);
  const { id } = organizationOf(server, user);
  await client.manager.switchToOrganization(id);
  const switched = server.requests.splice(0).map(comparable);
  const { logoutUrl } = await client.manager.signOut({ returnTo: 'com.example.latchkey://bye' });
  return {
    server,
    organizationId: id,
    signIn,
    refresh,
    switched,
    logoutUrl,
    signOut: server.requests.map(comparable),
  };
}

test('our requests are those of the official client, but for the differences above', async (t) => {
  const [ours, theirs] = await Promise.all([recordOurs(t), recordTheirs(t)]);
  const without = (requests, path) => requests.filter((request) => request.path !== path);
  const jwks = `/sso/jwks/${theirs.server.provider.clientId}`;

  const [authorize, exchange] = ours.signIn;
  const { login_hint, ...query } = authorize.query;
  assert.match(login_hint, /@example\.com$/, 'it is the test that names the person');
  assert.deepEqual([{ ...authorize, query }, exchange], theirs.signIn);

  assert.deepEqual(ours.refresh, without(theirs.refresh, jwks));

  const named = (requests, id) => JSON.parse(JSON.stringify(requests).replaceAll(id, 'the organization'));
  const switched = named(without(theirs.switched, jwks), theirs.organizationId);
  assert.deepEqual(named(ours.switched, ours.organizationId), switched);

  const logout = (text, { server }) => {
    const url = new URL(text);
    assert.equal(url.origin, server.url);
    assert.match(url.searchParams.get('session_id'), /^session_/);
    url.searchParams.set('session_id', '…');
    return url.pathname + url.search;
  };
  assert.equal(logout(ours.browserUrl, ours), logout(theirs.logoutUrl, theirs));
  assert.deepEqual(
    [ours.signOut.map(({ method, path }) => [method, path]), theirs.signOut],
    [[['GET', '/user_management/sessions/logout']], []],
  );
});

test('the official client shows the token endpoint an Idempotency-Key, and we do not', async (t) => {
  const server = await WorkOsServer.start(t, LONG_LIVED);
  await signedIn(t, server);
  const client = officialClient(server);
  await signInOfficially(client, (url) => server.browse(url));
  const keys = server.requests
    .filter(({ method }) => method === 'POST')
    .map(({ headers }) => headers['idempotency-key']);
  assert.equal(keys[0], undefined);
  assert.match(keys[1], /^retry-/);
});

/** Signs in with the vendor's client behind a proxy. */
async function officially(t, options) {
  t.mock.method(console, 'warn', () => {}); // it tells each failure there
  const proxy = await FaultProxy.start(t);
  const server = await WorkOsServer.start(t, { behind: proxy, ...options });
  const user = server.addUser();
  const client = officialClient(server);
  await signInOfficially(client, (url) => server.browse(url));
  return { proxy, server, user, client };
}

async function latchkey(t, options) {
  const proxy = await FaultProxy.start(t);
  const server = await WorkOsServer.start(t, { behind: proxy, ...options });
  return { proxy, server, ...(await signedIn(t, server)) };
}

test('offline after a restart, with a token that is still good: signed in', async (t) => {
  const { proxy, server, user, session, vault, vaultOptions } = await latchkey(t, LONG_LIVED);
  const token = await session.accessToken();
  session.close();
  await vault.close();
  await proxy.fail('refuse');
  const next = await openedAgain(t, server, vaultOptions);
  await became(next, { state: 'offline', reason: 'network' });
  assert.equal(next.state().user.email, user.email);
  assert.equal(await next.accessToken(), token);

  const theirs = await officially(t, LONG_LIVED);
  const restarted = officialClient(theirs.server);
  restarted.storage.setSession(theirs.client.storage.getSession());
  await theirs.proxy.fail('refuse');
  assert.deepEqual(await restarted.manager.getUser(), { user: null }, 'the official client says: signed out');
});

test('a refresh token that was revoked is cleared, once and for all', async (t) => {
  const { server, session } = await latchkey(t, SHORT_LIVED);
  server.admin.endSession(session.claims().sid);
  await tokenIsOver();
  for (let call = 0; call < 5; call++)
    assert.equal(await outcome(session.accessToken()), 'ERR_SESSION_EXPIRED');
  assert.deepEqual([session.state().state, session.state().reason], ['expired', 'ended']);
  assert.equal(server.counts.refreshes, 1);

  const theirs = await officially(t, SHORT_LIVED);
  theirs.server.admin.endSession(sessionIdOf(theirs.client));
  await tokenIsOver();
  for (let call = 0; call < 5; call++) await theirs.client.manager.getUser();
  assert.notEqual(theirs.client.storage.getSession(), null, 'the official client keeps it');
  assert.equal(theirs.server.counts.refreshes, 5, 'and asks with it each time');
});

test('a sign-out during a refresh does not bring the tokens back', async (t) => {
  const { proxy, server, session, vault, vaultOptions } = await latchkey(t, LONG_LIVED);
  proxy.delay(server.refreshPath, () => ({ afterMs: 300 }));
  const refreshing = outcome(session.refresh());
  await seen(server, isRefresh);
  await session.signOut();
  assert.equal(await refreshing, 'ERR_SUPERSEDED');
  assert.deepEqual([session.state().state, session.state().user], ['signedOut', null]);
  session.close();
  await vault.close();
  const next = await openedAgain(t, server, vaultOptions);
  assert.equal(next.state().state, 'signedOut', 'nor after a restart');

  const theirs = await officially(t, SHORT_LIVED);
  await tokenIsOver();
  theirs.proxy.delay(theirs.server.refreshPath, () => ({ afterMs: 300 }));
  const getting = theirs.client.manager.getUser();
  await seen(theirs.server, isRefresh);
  await theirs.client.manager.signOut();
  await getting;
  assert.notEqual(theirs.client.storage.getSession(), null, 'the official client has them again');
});

test('a refresh beside a switch of the organization spends each token once', async (t) => {
  const { proxy, server, session, user } = await latchkey(t, LONG_LIVED);
  const { id } = organizationOf(server, user);
  proxy.delay(server.refreshPath, () => ({ beforeMs: 50, afterMs: 50 }));
  const both = [session.refresh(), session.switchOrganization(id), session.refresh()];
  assert.deepEqual(await Promise.all(both.map(outcome)), ['done', 'done', 'done']);
  assert.deepEqual([server.counts.refused, server.counts.reuses], [0, 0]);
  const tokens = server.requests.filter(isRefresh).map(({ body }) => body.refresh_token);
  assert.equal(new Set(tokens).size, tokens.length);
  assert.equal(session.claims().org_id, id);

  const theirs = await officially(t, SHORT_LIVED);
  const theirOrganization = organizationOf(theirs.server, theirs.user);
  await tokenIsOver();
  theirs.proxy.delay(theirs.server.refreshPath, () => ({ beforeMs: 50, afterMs: 50 }));
  const { manager } = theirs.client;
  await Promise.allSettled([manager.getUser(), manager.switchToOrganization(theirOrganization.id)]);
  assert.equal(theirs.server.counts.reuses, 1, 'the official client spends one token twice');
});

test('40 callers who come one after another cause one refresh', async (t) => {
  const { proxy, server, session } = await latchkey(t, SHORT_LIVED);
  await tokenIsOver();
  const before = server.counts.refreshes;
  server.admin.accessTokenSeconds = 600;
  proxy.delay(server.refreshPath, () => ({ beforeMs: 20, afterMs: 20 }));
  const calls = [];
  for (let caller = 0; caller < 40; caller++) {
    calls.push(session.accessToken());
    await setTimeout(1);
  }
  const tokens = await Promise.all(calls);
  assert.equal(new Set(tokens).size, 1);
  const { refreshes, refused, reuses } = server.counts;
  assert.deepEqual([refreshes - before, refused, reuses], [1, 0, 0]);
});

test('40 callers while the server is down: ours ask it by turns, the official client asks more often than it is called', async (t) => {
  const { proxy, server, session } = await latchkey(t, SHORT_LIVED);
  await proxy.fail('503', { match: server.refreshPath });
  await tokenIsOver();
  const before = proxy.seen(server.refreshPath);
  const calls = Array.from({ length: 40 }, () => outcome(session.accessToken()));
  assert.equal(new Set(await Promise.all(calls)).size, 1);
  const ours = proxy.seen(server.refreshPath) - before;
  assert.ok(ours < 40, `${ours} requests`);
  assert.equal(session.state().user !== null, true, 'and nobody is signed out');

  const theirs = await officially(t, SHORT_LIVED);
  await theirs.proxy.fail('503', { match: theirs.server.refreshPath });
  await tokenIsOver();
  const seenBefore = theirs.proxy.seen(theirs.server.refreshPath);
  for (let caller = 0; caller < 3; caller++) {
    const { user } = await theirs.client.manager.getUser();
    assert.equal(user, null, 'the official client says: signed out');
  }
  const asked = theirs.proxy.seen(theirs.server.refreshPath) - seenBefore;
  assert.ok(asked > 3, `${asked} requests for 3 calls`);
  t.diagnostic(`ours: ${ours} requests for 40 callers; the official client: ${asked} for 3`);
});

test('a refresh whose answer is lost is not sent again, and the session stands', async (t) => {
  const { proxy, server, session, user } = await latchkey(t, LONG_LIVED);
  await proxy.fail('lost', { match: server.refreshPath, count: 1 });
  assert.equal(await outcome(session.refresh()), 'ERR_NETWORK');
  await became(session, { state: 'offline', reason: 'unanswered' });
  assert.deepEqual([server.counts.refreshes, server.counts.reuses], [1, 0]);
  assert.equal(session.state().user.email, user.email);
  await throughBrowser(session, server, { loginHint: user.email });
  assert.equal(session.state().state, 'active');

  const theirs = await officially(t, SHORT_LIVED);
  await tokenIsOver();
  await theirs.proxy.fail('lost', { match: theirs.server.refreshPath, count: 1 });
  await theirs.client.manager.getUser();
  assert.equal(theirs.server.counts.reuses, 1, 'the official client sends the spent token once more');
});

function sessionIdOf({ storage }) {
  const [, payload] = storage.getSession().accessToken.split('.');
  return JSON.parse(Buffer.from(payload, 'base64url').toString()).sid;
}

/** Waits until the server has got a request that `is` so. */
async function seen(server, is) {
  const deadline = Date.now() + 15_000;
  while (!server.requests.some(is)) {
    assert.ok(Date.now() < deadline, 'no such request came');
    await setTimeout(5);
  }
}
