import assert from 'node:assert/strict';
import { watch } from 'node:fs';
import { test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { Computer } from './app.mjs';
import { seesAccount, seesSignInForm, signIn, snapshot } from './page.mjs';
import { DEMO_USER, Server } from './server.mjs';

const SIGN_IN = '/api/auth/sign-in/email';

// The vault is written within a few milliseconds of the answer, so most moments lie there, and some at the write itself.
const MOMENTS = [
  ['request', 0],
  ['request', 20],
  ...[0, 1, 2, 3, 4, 5, 6, 8, 10, 15, 20, 50, 250].map((delayMs) => ['response', delayMs]),
  ...[0, 0, 0, 1, 2].map((delayMs) => ['write', delayMs]),
];

test('kill -9 at any moment of a sign-in leaves the vault readable', { timeout: 300_000 }, async (t) => {
  const server = await Server.start(t);
  const computer = await Computer.create(t);
  const found = [];
  let killed = 'no kill';

  for (const [moment, delayMs] of MOMENTS) {
    const app = await computer.start({ apiUrl: server.url });
    const { state, problem } = await settled(app);
    // The vault that the last kill left behind is readable: signed in or signed out, and nothing between.
    found.push(state);
    assert.ok(['active', 'signedOut'].includes(state), `${state} ${problem?.code} after ${killed}`);
    if (state === 'active') await app.page.getByTestId('sign-out').click();
    await seesSignInForm(app);

    const dead = new Promise((resolve) => {
      onceAt(moment, { server, computer }, async () => {
        if (delayMs > 0) await wait(delayMs);
        resolve(app.kill());
      });
    });
    await signIn(app, DEMO_USER).catch(() => undefined); // the app may die under the click
    await dead;
    killed = `${moment} + ${delayMs} ms`;
  }

  const app = await computer.start({ apiUrl: server.url });
  const { state } = await settled(app);
  if (state === 'signedOut') await signIn(app, DEMO_USER);
  await seesAccount(app, DEMO_USER);
  // The moments lie on both sides of the write, or they would show nothing.
  assert.deepEqual(new Set(found), new Set(['signedOut', 'active']), found.join(' '));
});

/** Calls `act` once, when the sign-in's request arrives, or was answered, or the vault's folder changes. */
function onceAt(moment, { server, computer }, act) {
  if (moment !== 'write') return server.once(moment, SIGN_IN, act);
  const watcher = watch(computer.vault, () => {
    watcher.close();
    act();
  });
  watcher.unref();
}

/** The first snapshot that is neither opening nor restoring. */
async function settled(app) {
  for (;;) {
    const current = await snapshot(app);
    if (!['opening', 'restoring'].includes(current.state)) return current;
    await wait(20);
  }
}
