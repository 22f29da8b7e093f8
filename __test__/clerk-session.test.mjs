// A session on Clerk: its minute-long tokens, organizations, templates, step-up, and its end.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { rejects } from './addon.mjs';
import { openSession } from './auth-server.mjs';
import { startChild } from './child.mjs';
import { claimsOf, entered, opened, passwordOf } from './clerk-session.mjs';
import { assertLetIn, became, endedOnServer, outcome } from './peer-session.mjs';
import { CODES, PASSWORD } from './peers/clerk-server.mjs';
import { FaultProxy } from './peers/fault-proxy.mjs';
import { openVault } from './vault-folder.mjs';

const minted = ({ requests }) => requests.filter(({ path }) => /\/tokens(\/|$)/.test(path));

test('a start asks for a new token and knows the person before', async (t) => {
  const { server, session, vault, vaultOptions, person } = await entered(t);
  const before = await session.accessToken();
  await session.close();
  await vault.close();
  const again = await openVault(t, vaultOptions);
  const next = await openSession(t, server, { vault: again, provider: server.provider });
  assert.deepEqual([next.state().state, next.state().user.email], ['restoring', person.email]);
  const after = await next.accessToken();
  assert.notEqual(after, before);
  assert.equal(minted(server).length, 1);
  await became(next, { state: 'active', reason: 'restored' });
});

test('a minute-long token is asked for anew ahead of its end, once, and the one at hand served meanwhile', async (t) => {
  const { server, session } = await entered(t, { accessTokenSeconds: 4 });
  const first = await session.accessToken();
  const { expiresAtMs } = session.state();
  while (minted(server).length === 0) {
    assert.equal(await outcome(session.accessToken()), 'done');
    assert.ok(Date.now() < expiresAtMs, 'asked before the end');
    await setTimeout(20);
  }
  await became(session, { state: 'active', reason: 'refreshed' });
  assert.notEqual(await session.accessToken(), first);
  assert.equal(minted(server).length, 1);
});

for (const hours of [-1, 1]) {
  test(`a server's clock ${hours} hour off neither ends a token early nor keeps it for longer`, async (t) => {
    const { server, session } = await entered(t, { clockShiftMs: hours * 3_600_000 });
    for (let tries = 0; tries < 3; tries++) {
      const leftMs = session.state().expiresAtMs - Date.now();
      assert.ok(leftMs > 40_000 && leftMs <= 60_000, `${leftMs} ms left`);
      await Promise.all(Array.from({ length: 20 }, () => session.accessToken()));
      assert.equal(minted(server).length, tries);
      await session.refresh();
    }
  });
}

test('of two tokens the one whose claims were read later is kept', async (t) => {
  const { server, session } = await entered(t);
  const seconds = Math.floor(Date.now() / 1000);
  server.nextToken({ oiat: seconds });
  await session.refresh();
  const newer = await session.accessToken();
  server.nextToken({ oiat: seconds - 30 });
  await session.refresh();
  assert.equal(await session.accessToken(), newer);
  server.nextToken({ oiat: seconds + 1 });
  await session.refresh();
  assert.notEqual(await session.accessToken(), newer);
});

test('a server that wants to see the last token is shown it, once', async (t) => {
  const { server, session } = await entered(t, { demandsExpiredToken: true });
  const last = await session.accessToken();
  await session.refresh();
  assert.deepEqual(
    minted(server).map(({ query }) => query.expired_token),
    [undefined, last],
  );
  assert.equal(session.state().state, 'active');
});

test('switches to an organization and back; one that is not the person´s changes nothing', async (t) => {
  const { server, session, open } = await entered(t, { person: { organizations: ['org_acme'] } });
  assert.equal((await session.switchOrganization('org_acme')).state, 'active');
  assert.equal(session.claims().o.id, 'org_acme');
  await session.refresh();
  assert.equal(session.claims().o.id, 'org_acme');
  const restarted = await open();
  await restarted.accessToken();
  assert.equal(restarted.claims().o.id, 'org_acme');
  await restarted.close();
  assert.equal(await outcome(session.switchOrganization('org_other')), 'ERR_SIGN_IN_REJECTED');
  assert.equal(claimsOf(await session.accessToken()).o.id, 'org_acme');
  await session.switchOrganization(null);
  assert.equal(session.claims().o, undefined);
  await assertLetIn(session, server);
});

test('a token of a template is asked for each time and is not the session´s', async (t) => {
  const { session } = await entered(t);
  const own = await session.accessToken();
  const token = await session.accessToken({ template: 'hasura' });
  assert.equal(claimsOf(token).template, 'hasura');
  assert.equal(await session.accessToken(), own);
  assert.equal(await outcome(session.accessToken({ template: 'missing' })), 'ERR_SIGN_IN_REJECTED');
  for (const template of ['', '../touch', 'a/b', 'a?b'])
    await rejects('ERR_INVALID_ARGUMENT', () => session.accessToken({ template }));
});

test('steps up with the password, and the session stays the same one', async (t) => {
  const { server, session, sessionId } = await entered(t);
  server.instance.findSession(sessionId).fva = [30, -1];
  const { signIn } = await session.signIn({ method: 'stepUp' });
  assert.ok(signIn.factors.some(({ strategy, sent }) => strategy === 'password' && sent));
  assert.equal(session.state().state, 'active');
  const wrong = { strategy: 'password', code: 'no' };
  const refused = await outcome(session.submitCode(signIn.id, wrong));
  assert.equal(refused, 'ERR_INVALID_CODE');
  const { user } = await session.submitCode(signIn.id, { ...wrong, code: PASSWORD });
  assert.equal(user.id, session.state().user.id);
  assert.deepEqual(session.claims().fva, [0, -1]);
  assert.equal(session.claims().sid, sessionId);
  assert.equal(server.isAlive({ sessionId }), true);
});

test('steps up with both factors', async (t) => {
  const { server, session } = await opened(t);
  const person = server.addPerson({ secondFactors: ['totp', 'phone_code'] });
  const { signIn: first } = await session.signIn(passwordOf(person));
  await session.submitCode(first.id, { strategy: 'totp', code: CODES.totp });
  const [serverSession] = server.instance.sessionsOf(person);
  serverSession.fva = [30, 30];
  const { signIn } = await session.signIn({ method: 'stepUp', level: 'multi_factor' });
  await session.sendCode(signIn.id, 'email_code');
  const next = await session.submitCode(signIn.id, { strategy: 'email_code', code: CODES.email_code });
  assert.equal(next.status, 'pending');
  await session.sendCode(signIn.id, 'phone_code');
  await session.submitCode(signIn.id, { strategy: 'phone_code', code: CODES.phone_code });
  assert.deepEqual(session.claims().fva, [0, 0]);
});

test('the person´s sessions are listed, and another one is ended', async (t) => {
  const { server, session, person, sessionId } = await entered(t);
  const vault = await openVault(t);
  const other = await openSession(t, server, { vault, provider: server.provider });
  await other.signIn(passwordOf(person));
  const found = await session.sessions();
  assert.deepEqual(
    found.map(({ current }) => current),
    [true, false],
  );
  assert.equal(found[0].id, sessionId);
  await session.endSession(found[1].id);
  await other.refresh();
  assert.deepEqual([other.state().state, other.state().reason], ['expired', 'ended']);
  assert.equal(session.state().state, 'active');
  await rejects('ERR_INVALID_ARGUMENT', () => session.endSession('../touch'));
});

test('signs out here at once and on the server', async (t) => {
  const { server, session, sessionId } = await entered(t);
  await session.signOut();
  assert.equal(session.state().state, 'signedOut');
  await endedOnServer(server, { sessionId });
  await rejects('ERR_NOT_SIGNED_IN', () => session.accessToken());
});

test('a sign-out that nobody could hear is told later, after another sign-in too', async (t) => {
  const proxy = await FaultProxy.start(t);
  const { server, session, person, sessionId } = await entered(t, { behind: proxy });
  await proxy.fail('refuse');
  await session.signOut();
  assert.equal(server.isAlive({ sessionId }), true);
  await proxy.heal();
  await session.signIn(passwordOf(person));
  await endedOnServer(server, { sessionId });
  await assertLetIn(session, server);
});

// When a session is really over.

const OVER = [
  ['a revoked session', ({ server, sessionId }) => server.revoke({ sessionId })],
  ['a person who is banned', ({ server, person }) => server.ban(person)],
  ['a client that is gone', ({ server }) => server.instance.clients.clear()],
  [
    'a person who is deactivated',
    ({ server }) => server.fail({ match: /tokens/, status: 403, code: 'user_deactivated' }),
  ],
];
for (const [name, happen] of OVER) {
  test(`${name} ends it, and the person is kept`, async (t) => {
    const at = await entered(t);
    happen(at);
    await at.session.refresh();
    const { state, reason, user } = at.session.state();
    assert.deepEqual([state, reason, user.email], ['expired', 'ended', at.person.email]);
    assert.equal(at.server.instance.olderRotations, 0);
  });
}

const NOT_OVER = [
  [{ status: 401, code: 'authentication_invalid' }, 'ERR_SIGN_IN_REJECTED', 'server'],
  [{ status: 401, code: 'requires_captcha' }, 'ERR_SIGN_IN_REJECTED', 'server'],
  [{ status: 403, code: 'origin_invalid' }, 'ERR_SIGN_IN_REJECTED', 'server'],
  [{ status: 404, code: 'resource_not_found' }, 'ERR_SIGN_IN_REJECTED', 'server'],
  [{ status: 422, code: 'form_param_unknown' }, 'ERR_SIGN_IN_REJECTED', 'server'],
  [{ status: 422, code: 'missing_expired_token' }, 'ERR_SIGN_IN_REJECTED', 'server'],
  [
    { status: 429, code: 'too_many_requests', headers: { 'retry-after': '7' } },
    'ERR_RATE_LIMITED',
    'rateLimited',
  ],
  [{ status: 500, code: 'internal_clerk_error' }, 'ERR_SERVER', 'server'],
  [{ status: 503, text: '<html>' }, 'ERR_SERVER', 'server'],
  [{ status: 200, text: '<html>' }, 'ERR_UNEXPECTED_RESPONSE', 'server'],
];
for (const [fault, code, reason] of NOT_OVER) {
  test(`${fault.status} ${fault.code ?? fault.text} while the client holds the session does not end it`, async (t) => {
    const { server, session } = await entered(t);
    const token = await session.accessToken();
    server.fail({ match: /tokens/, ...fault });
    const sentBefore = minted(server).length;
    const startedAtMs = Date.now();
    assert.equal(await outcome(session.refresh()), code);
    const { state, reason: why, retryAtMs } = session.state();
    assert.deepEqual([state, why], ['offline', reason]);
    if (fault.headers) assert.ok(retryAtMs - startedAtMs >= 7000, 'Retry-After is honoured');
    const sent = minted(server).length - sentBefore;
    assert.equal(sent, fault.code === 'missing_expired_token' ? 2 : 1, 'refusals are not repeated');
    assert.equal(await session.accessToken(), token, 'and the token at hand is served');
    server.heal();
    await session.refresh();
    assert.equal(session.state().state, 'active');
  });
}

test('a 401 that cannot be confirmed does not end it', async (t) => {
  const { server, session } = await entered(t);
  server.fail({ match: /tokens/, status: 401, code: 'authentication_invalid' });
  server.fail({ match: /client$/, status: 503, code: 'service_unavailable' });
  assert.equal(await outcome(session.refresh()), 'ERR_SERVER');
  assert.equal(session.state().state, 'offline');
});

test('a server that cannot be reached, or whose answer is lost, does not end it', async (t) => {
  for (const fault of ['refuse', 'drop', 'lost', 'truncated', 'garbage']) {
    const proxy = await FaultProxy.start(t);
    const { server, session } = await entered(t, { behind: proxy, refuseOlderRotations: false });
    await proxy.fail(fault);
    assert.match(await outcome(session.refresh()), /^ERR_(NETWORK|UNEXPECTED_RESPONSE)$/, fault);
    assert.equal(session.state().state, 'offline');
    await proxy.heal();
    await session.refresh();
    await assertLetIn(session, server);
  }
});

// The client token's rotation.

test('40 callers, each with a request that replaces the client token: none sends one that was replaced', async (t) => {
  const { server, session } = await entered(t, { person: { organizations: ['org_acme'] } });
  const calls = Array.from({ length: 40 }, (_, number) => [
    () => session.accessToken({ template: `t${number}` }),
    () => session.sessions(),
    () => session.refresh(),
    () => session.switchOrganization(number % 8 === 0 ? 'org_acme' : null),
  ]).map((ways, number) => ways[number % ways.length]);
  assert.deepEqual(new Set(await Promise.all(calls.map((call) => outcome(call())))), new Set(['done']));
  assert.equal(server.instance.olderRotations, 0);
  await session.refresh();
});

/** Takes tokens of templates, one after the other and several at once. */
async function takeTokens({ addon, say, hear }, { vaultOptions, provider, rounds }) {
  const vault = await addon.Vault.open(vaultOptions);
  const session = await addon.AuthSession.open({ vault, provider });
  await session.accessToken();
  await say('ready');
  await hear();
  const failed = [];
  const take = (template) =>
    session.accessToken({ template }).catch((error) => failed.push(`${error.code} ${error.message}`));
  for (let round = 0; round < rounds; round++)
    await Promise.all(Array.from({ length: 4 }, (_, number) => take(`t${round}-${number}`)));
  return { failed, state: session.state().state };
}

test('two processes: the client token of the one is the next of the other', {
  timeout: 120_000,
}, async (t) => {
  const { server, vaultOptions } = await entered(t);
  const argument = { vaultOptions, provider: server.provider, rounds: 10 };
  const children = [0, 1].map(() => startChild(t, takeTokens, argument));
  for (const child of children) assert.equal(await child.heard(), 'ready');
  for (const child of children) child.tell('go');
  for (const child of children) assert.deepEqual(await child.result(), { failed: [], state: 'active' });
  assert.equal(server.instance.olderRotations, 0);
});

test('a refusal brings a new client token too', async (t) => {
  const { server, session } = await entered(t);
  server.fail({ match: /tokens/, status: 422, code: 'form_param_unknown', count: 3 });
  for (let tries = 0; tries < 3; tries++)
    assert.equal(await outcome(session.refresh()), 'ERR_SIGN_IN_REJECTED');
  await session.refresh();
  assert.equal(session.state().state, 'active');
  assert.equal(server.instance.olderRotations, 0);
});

test('no request has an Origin or a cookie, and no page ever sees a client token', async (t) => {
  const { server, session } = await entered(t);
  await session.refresh();
  for (const { headers, query } of server.requests) {
    assert.equal(headers.origin, undefined);
    assert.equal(headers.cookie, undefined);
    assert.equal(query._is_native, '1');
  }
  const tokens = server.requests.map(({ headers }) => headers.authorization).filter(Boolean);
  assert.ok(tokens.length > 0);
  const shown = JSON.stringify([session.state(), session.claims(), await session.sessions()]);
  for (const token of tokens) assert.ok(!shown.includes(token.replace('Bearer ', '')));
});
