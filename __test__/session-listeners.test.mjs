// Listeners: every change in order, none after unsubscribing, and none keeps the process alive.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import net from 'node:net';
import { after, test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { openSession, passwordOf, signedUp, startServer } from './auth-server.mjs';
import { inChild } from './child.mjs';
import { newVaultOptions } from './vault-folder.mjs';

const server = await startServer({ after });

test('each listener hears each change in order, as a snapshot of that moment', async (t) => {
  const { user } = await signedUp(t, server);
  const session = await openSession(t, server);
  const [first, second] = [[], []];
  session.onChange((snapshot) => first.push(snapshot));
  session.onChange((snapshot) => second.push(snapshot));
  await session.signIn(passwordOf(user));
  await session.refresh();
  await session.signOut();
  await setImmediate();
  assert.deepEqual(
    first.map(({ state, reason, revision }) => `${revision} ${state} ${reason}`),
    ['1 signingIn signInStarted', '2 active signedIn', '3 active refreshed', '4 signedOut signedOut'],
  );
  assert.deepEqual(second, first);
  assert.deepEqual(first.at(-1), session.state());
});

test('an unsubscribed listener is not called, not even with what happened just before', async (t) => {
  const { user } = await signedUp(t, server);
  const session = await openSession(t, server);
  let calls = 0;
  const stop = session.onChange(() => calls++);
  const { revision } = session.state();
  const signingIn = session.signIn(passwordOf(user));
  // The change happens while this thread is busy: its call waits in the queue when the listener is taken off.
  const waiting = performance.now();
  while (session.state().revision === revision) assert.ok(performance.now() - waiting < 5000);
  while (performance.now() - waiting < 20);
  assert.equal(stop(), undefined);
  await signingIn;
  await setImmediate();
  assert.equal(calls, 0);
  assert.equal(stop(), undefined, 'again is fine');
});

test('a listener can take itself off, and others stay', async (t) => {
  const { user } = await signedUp(t, server);
  const session = await openSession(t, server);
  const heard = [];
  const stop = session.onChange(({ state }) => {
    heard.push(`once ${state}`);
    stop();
  });
  session.onChange(({ state }) => heard.push(state));
  await session.signIn(passwordOf(user));
  await setImmediate();
  assert.deepEqual(heard.sort(), ['active', 'once signingIn', 'signingIn']);
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

test('the process ends by itself with vault, session and listeners open, also while the server is silent', async (t) => {
  const { user } = await signedUp(t, server);
  const silent = net.createServer(() => {}).listen(0, '127.0.0.1');
  t.after(() => silent.close());
  await once(silent, 'listening');
  const work = async ({ addon }, { vaultOptions, baseUrl, silentUrl, request }) => {
    const vault = await addon.Vault.open(vaultOptions);
    const session = await addon.AuthSession.open({
      vault,
      provider: { type: 'better-auth', baseUrl },
      allowedOrigins: [silentUrl],
    });
    session.onChange(() => {});
    await session.signIn(request);
    session.fetch(silentUrl).catch(() => {});
    session.refresh().catch(() => {});
    return session.state().state;
  };
  const argument = {
    vaultOptions: await newVaultOptions(t),
    baseUrl: `${server.url}/api/auth`,
    silentUrl: `http://127.0.0.1:${silent.address().port}/`,
    request: passwordOf(user),
  };
  assert.equal(await inChild(t, work, argument), 'active');
});
