// Listeners: every change in order, none after unsubscribing, and none keeps the process alive.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { assertHeard, openSession, passwordOf, signedUp, startServer, startStub } from './auth-server.mjs';
import { inChild } from './child.mjs';
import { newVaultOptions } from './vault-folder.mjs';

const server = await startServer({ after });

test('each listener hears each change once, in order', async (t) => {
  const { user } = await signedUp(t, server);
  const session = await openSession(t, server);
  const [first, second] = [[], []];
  const shown = ({ state, reason, revision }) => `${revision} ${state} ${reason}`;
  session.onChange((snapshot) => first.push(shown(snapshot)));
  session.onChange((snapshot) => second.push(shown(snapshot)));
  await session.signIn(passwordOf(user));
  await session.refresh();
  await session.signOut();
  const all = [
    '1 signingIn signInStarted',
    '2 active signedIn',
    '3 active refreshed',
    '4 signedOut signedOut',
  ];
  await assertHeard(first, all);
  await assertHeard(second, all);
});

test('an unsubscribed listener is not called, not even with what happened just before', async (t) => {
  const { user } = await signedUp(t, server);
  const session = await openSession(t, server);
  const heard = [];
  const stop = session.onChange(({ state }) => heard.push(state));
  const { revision } = session.state();
  const signingIn = session.signIn(passwordOf(user));
  // The change happens while this thread is busy: its call waits in the queue when the listener is taken off.
  const waiting = performance.now();
  while (session.state().revision === revision) assert.ok(performance.now() - waiting < 5000);
  while (performance.now() - waiting < 20);
  assert.equal(stop(), undefined);
  await signingIn;
  await assertHeard(heard, []);
  assert.equal(stop(), undefined, 'again is fine');
});

test('a listener can take itself off, and others stay', async (t) => {
  const { user } = await signedUp(t, server);
  const session = await openSession(t, server);
  const [heard, heardByOther] = [[], []];
  const stop = session.onChange(({ state }) => {
    heard.push(state);
    stop();
  });
  session.onChange(({ state }) => heardByOther.push(state));
  await session.signIn(passwordOf(user));
  await assertHeard(heardByOther, ['signingIn', 'active']);
  await assertHeard(heard, ['signingIn']);
});

test('a listener that throws is an uncaught exception, and stops neither the session nor the others', async (t) => {
  const { user } = await signedUp(t, server);
  const work = async ({ addon }, { vaultOptions, baseUrl, request }) => {
    const uncaught = [];
    process.on('uncaughtException', (error) => uncaught.push(error.message));
    const vault = await addon.Vault.open(vaultOptions);
    const session = await addon.AuthSession.open({ vault, provider: { type: 'better-auth', baseUrl } });
    const heard = [];
    session.onChange(({ state }) => {
      throw new Error(`thrown at ${state}`);
    });
    session.onChange(({ state }) => heard.push(state));
    await session.signIn(request);
    await new Promise((resolve) => setTimeout(resolve, 50));
    return { uncaught, heard };
  };
  const argument = {
    vaultOptions: await newVaultOptions(t),
    baseUrl: `${server.url}/api/auth`,
    request: passwordOf(user),
  };
  assert.deepEqual(await inChild(t, work, argument), {
    uncaught: ['thrown at signingIn', 'thrown at active'],
    heard: ['signingIn', 'active'],
  });
});

const signInAndListen = async ({ addon }, { vaultOptions, baseUrl, request }) => {
  const vault = await addon.Vault.open(vaultOptions);
  const session = await addon.AuthSession.open({ vault, provider: { type: 'better-auth', baseUrl } });
  session.onChange(() => {});
  if (request) await session.signIn(request);
  return session.state().state;
};

test('the process ends by itself with vault, session and listeners open', async (t) => {
  const { user } = await signedUp(t, server);
  const vaultOptions = await newVaultOptions(t);
  const baseUrl = `${server.url}/api/auth`;
  assert.equal(
    await inChild(t, signInAndListen, { vaultOptions, baseUrl, request: passwordOf(user) }),
    'active',
  );
});

test('the process ends by itself while the session waits for a server that is silent', async (t) => {
  let silent = false;
  const origin = await startStub(t, (request, response) => {
    if (silent) return;
    const user = { id: 'u', email: 'ada@example.com', name: 'Ada', image: null, emailVerified: false };
    const token = 'a'.repeat(32);
    const session = { id: 's', token, expiresAt: new Date(Date.now() + 3_600_000).toISOString() };
    response.setHeader('set-auth-token', `${token}.signature`);
    response.end(JSON.stringify(request.method === 'POST' ? { token, user } : { session, user }));
  });
  const vaultOptions = await newVaultOptions(t);
  const request = { method: 'password', email: 'ada@example.com', password: 'difference-engine' };
  const baseUrl = `${origin}/api/auth`;
  assert.equal(await inChild(t, signInAndListen, { vaultOptions, baseUrl, request }), 'active');
  silent = true;
  assert.equal(await inChild(t, signInAndListen, { vaultOptions, baseUrl }), 'restoring');
});
