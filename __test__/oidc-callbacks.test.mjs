// Callbacks are hostile: any page and any program can make the system deliver one.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { rejects } from './addon.mjs';
import { begin, CALLBACK, openOidc, userOf } from './oidc-session.mjs';
import { outcome } from './peer-session.mjs';
import { Browser } from './peers/oidc-browser.mjs';

test('what is not the callback of a sign-in that waits is refused and changes nothing', async (t) => {
  const { server, session } = await openOidc(t);
  const pending = await begin(session);
  const good = await new Browser().visit(pending.url, { login: 'ada' });
  const { search, searchParams } = good;
  const state = searchParams.get('state');
  for (const [code, url] of [
    ['ERR_CALLBACK_INVALID', ''],
    ['ERR_CALLBACK_INVALID', 'nonsense'],
    ['ERR_CALLBACK_INVALID', `javascript:alert(1)${search}`],
    ['ERR_CALLBACK_INVALID', `file:///callback${search}`],
    ['ERR_CALLBACK_INVALID', `data:text/html,x${search}`],
    ['ERR_CALLBACK_INVALID', `http://evil.example/callback${search}`],
    ['ERR_CALLBACK_INVALID', `${CALLBACK}${search}&code=another`],
    ['ERR_CALLBACK_INVALID', `${CALLBACK}${search}&x=${'x'.repeat(9000)}`],
    ['ERR_CALLBACK_INVALID', `${CALLBACK}${search}%`],
    ['ERR_CALLBACK_INVALID', `${CALLBACK}${search}&x=%00`],
    ['ERR_CALLBACK_INVALID', `${CALLBACK}${search}\n`],
    ['ERR_CALLBACK_INVALID', `com.example.app://ada@host/callback${search}`],
    // Of this sign-in by its state, but at another address than it was sent to.
    ['ERR_CALLBACK_INVALID', `com.example.other:/callback${search}`],
    ['ERR_CALLBACK_INVALID', `com.example.app://evil/callback${search}`],
    ['ERR_CALLBACK_INVALID', `com.example.app:/other${search}`],
    ['ERR_CALLBACK_INVALID', `https://evil.example/callback${search}`],
    ['ERR_CALLBACK_INVALID', `http://127.0.0.1:4711/callback${search}`],
    // Of none.
    ['ERR_CALLBACK_INVALID', CALLBACK],
    ['ERR_CALLBACK_INVALID', `${CALLBACK}?code=evil`],
    ['ERR_CALLBACK_INVALID', `${CALLBACK}#${search.slice(1)}`],
    ['ERR_SIGN_IN_NOT_FOUND', `${CALLBACK}?code=evil&state=evil`],
    ['ERR_SIGN_IN_NOT_FOUND', `${CALLBACK}?code=evil&state=`],
    ['ERR_SIGN_IN_NOT_FOUND', `${CALLBACK}?error=access_denied&state=${state}x`],
  ]) {
    const error = await rejects(code, () => session.handleCallback(url));
    assert.ok(!error.message.includes(searchParams.get('code')), 'no code in a message');
  }
  assert.equal(server.requests.filter(({ route }) => route === 'token').length, 0, 'nothing was sent');
  const { result } = await session.handleCallback(good.href);
  assert.deepEqual(result.user, userOf('ada'));
});

test('a callback serves once, however often it comes at the same time', async (t) => {
  const { server, session } = await openOidc(t);
  const pending = await begin(session);
  const { href } = await new Browser().visit(pending.url, { login: 'ada' });
  const outcomes = await Promise.all(Array.from({ length: 5 }, () => outcome(session.handleCallback(href))));
  assert.deepEqual(outcomes.sort(), [
    'ERR_SIGN_IN_NOT_FOUND',
    'ERR_SIGN_IN_NOT_FOUND',
    'ERR_SIGN_IN_NOT_FOUND',
    'ERR_SIGN_IN_NOT_FOUND',
    'done',
  ]);
  assert.equal(server.requests.filter(({ route }) => route === 'token').length, 1);
  await rejects('ERR_SIGN_IN_NOT_FOUND', () => session.handleCallback(href));
  assert.equal(session.state().state, 'active');
});

for (const [what, change] of [
  ['names another server', (params) => params.set('iss', 'https://evil.example')],
  ['names none, of a server that always does', (params) => params.delete('iss')],
  ['has no code', (params) => params.delete('code')],
]) {
  test(`a callback that ${what} ends the sign-in before anything is sent`, async (t) => {
    const { server, session } = await openOidc(t);
    const pending = await begin(session);
    const callback = await new Browser().visit(pending.url, { login: 'ada' });
    change(callback.searchParams);
    await rejects('ERR_CALLBACK_INVALID', () => session.handleCallback(callback.href));
    assert.equal(server.requests.filter(({ route }) => route === 'token').length, 0);
    assert.equal(session.state().state, 'signedOut');
  });
}

test('the code of one sign-in does not serve another, since PKCE ties each to its own', async (t) => {
  const { session } = await openOidc(t);
  const [ours, theirs] = [await begin(session), await begin(session)];
  const stolen = await new Browser().visit(theirs.url, { login: 'eve' });
  const callback = await new Browser().visit(ours.url, { login: 'ada' });
  callback.searchParams.set('code', stolen.searchParams.get('code'));
  await rejects('ERR_SIGN_IN_REJECTED', () => session.handleCallback(callback.href));
  assert.notEqual(session.state().state, 'active');
});
