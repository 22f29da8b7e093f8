import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { Computer } from './app.mjs';
import { seesAccount, seesSignInForm, signIn, snapshot } from './page.mjs';
import { DEMO_USER, Server } from './server.mjs';

const SIGN_IN = '/api/auth/sign-in/email';

// The vault is written within a few milliseconds of the answer: most moments lie there.
const MOMENTS = [
  ['request', 0],
  ['request', 20],
  ...[0, 1, 2, 3, 4, 5, 6, 8, 10, 15, 20, 30, 50].map((delayMs) => ['response', delayMs]),
];

test('kill -9 at any moment of a sign-in leaves the vault readable', { timeout: 300_000 }, async (t) => {
  const server = await Server.start(t);
  const computer = await Computer.create(t);
  const outcomes = [];

  for (const [moment, delayMs] of MOMENTS) {
    const app = await computer.start({ apiUrl: server.url });
    const { state } = await settled(app);
    // The vault that the last kill left behind is readable: signed in or signed out, and nothing between.
    assert.ok(['active', 'signedOut'].includes(state), `${state} after ${outcomes.at(-1)}`);
    if (state === 'active') await app.page.getByTestId('sign-out').click();
    await seesSignInForm(app);

    const reached = new Promise((resolve) => server.once(moment, SIGN_IN, resolve));
    await signIn(app, DEMO_USER);
    await reached;
    await wait(delayMs);
    await app.kill();
    outcomes.push(`${moment} + ${delayMs} ms`);
  }

  const app = await computer.start({ apiUrl: server.url });
  const { state } = await settled(app);
  if (state === 'signedOut') await signIn(app, DEMO_USER);
  await seesAccount(app, DEMO_USER);
});

/** The first snapshot that is neither opening nor restoring. */
async function settled(app) {
  for (;;) {
    const current = await snapshot(app);
    if (!['opening', 'restoring'].includes(current.state)) return current;
    await wait(20);
  }
}
