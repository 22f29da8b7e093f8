// What is on the screen from the moment the window shows, frame by frame.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Computer } from './app.mjs';
import { seesAccount, signIn } from './page.mjs';
import { DEMO_USER, Server } from './server.mjs';

const PAINTED_APP = fileURLToPath(new URL('./painted-app', import.meta.url));
const STARTS = 5;
/** From the window to the person's page. */
const GOAL_MS = 300;

test('who is signed in is shown at once, and never a sign-in form', async (t) => {
  const server = await Server.start(t);
  const computer = await Computer.create(t);
  const start = () => computer.run({ app: PAINTED_APP, apiUrl: server.url });

  const signedOut = await start();
  assert.ok(
    signedOut.frames.some(({ screen }) => screen === 'sign-in-form'),
    'the form is seen when there is one',
  );

  const app = await computer.start({ apiUrl: server.url });
  await signIn(app, DEMO_USER);
  await seesAccount(app, DEMO_USER);
  await app.quit();

  const delays = [];
  for (let count = 0; count < STARTS; count += 1) {
    if (count === STARTS - 1) await server.mode('drop'); // nor while nobody confirms the session
    const { frames, shownAfterMs } = await start();
    const painted = frames.map(({ screen }) => screen);
    assert.equal(painted.includes('sign-in-form'), false, `painted: ${painted}`);
    assert.equal(painted.at(-1), 'account');
    const { afterMs } = frames.find(({ screen }) => screen === 'account');
    t.diagnostic(
      `window ${shownAfterMs.toFixed()} ms after the start, the account ${afterMs.toFixed()} ms later`,
    );
    delays.push(afterMs);
  }
  t.diagnostic(`median: ${median(delays).toFixed()} ms`);
  assert.ok(median(delays) < GOAL_MS, `${delays.map(Math.round)} ms`);
});

function median(numbers) {
  return numbers.toSorted((one, other) => one - other)[Math.floor(numbers.length / 2)];
}
