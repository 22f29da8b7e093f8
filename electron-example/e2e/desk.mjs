// A computer with a system browser, on which an app for some server runs; and what the tests do in the app's page.
import assert from 'node:assert/strict';
import { setTimeout as wait } from 'node:timers/promises';
import { Computer, PROVIDER_APP } from './app.mjs';
import { SystemBrowser } from './system-browser.mjs';

/** For tests that need the system's browser. */
export const skip = process.platform !== 'linux' && 'how the system opens a browser is known for Linux only';

/** A computer with a browser, on which an app for this server runs. `deepLinks: null`: one without a scheme of its own. */
export async function desk(t, { start }, { deepLinks = {}, ...options } = {}) {
  const server = await start(t);
  const computer = await Computer.create(t);
  const browser = await SystemBrowser.install(computer);
  const auth = {
    provider: server.provider,
    ...(deepLinks === null ? {} : { deepLinks: { scheme: server.scheme, ...deepLinks } }),
    ...options,
  };
  const how = { app: PROVIDER_APP, env: { LATCHKEY_E2E_AUTH: JSON.stringify(auth) } };
  return {
    ...server,
    browser,
    computer,
    start: (url) => computer.start({ ...how, url }),
    /** The system opens an address of the app's scheme: it starts the app once more. */
    open: async (url) => assert.equal(await computer.startAgain({ ...how, url }), 0),
    /** A page begins to sign in. */
    begin: (app, request = {}) => call(app, 'signIn', { method: 'browser', ...server.hints, ...request }),
  };
}

/** A call of the page's; answers its value. */
export async function call({ page }, name, ...args) {
  const answer = await page.evaluate(([method, rest]) => window.auth[method](...rest), [name, args]);
  assert.equal(answer.ok, true, `${name}: ${answer.code} ${answer.message}`);
  return answer.value;
}

/** The code with which a call of the page's is refused. */
export async function refusal({ page }, name, ...args) {
  return (await page.evaluate(([method, rest]) => window.auth[method](...rest), [name, args])).code;
}

/** Waits in the page for a snapshot with this state. */
export function sees({ page }, state) {
  return page.evaluate(
    (wanted) =>
      new Promise((resolve) => {
        const look = (snapshot) => snapshot.state === wanted && resolve(snapshot);
        window.auth.onChange(look);
        window.auth.snapshot().then(({ value }) => look(value));
      }),
    state,
  );
}

export async function assertLetIn(app, { resource, person }) {
  const { status, body } = await call(app, 'fetch', resource);
  assert.equal(status, 200);
  assert.ok(Buffer.from(Object.values(body)).toString().includes(person.email));
}

/** Waits until as many addresses of the app's scheme were handed to a sign-in, and as many to none. */
export async function counted(app, expected) {
  const deadline = Date.now() + 30_000;
  for (;;) {
    const counts = await app.electron.evaluate(() => globalThis.auth.callbackCounts());
    const total = counts.delivered + counts.ignored;
    if (total >= expected.delivered + expected.ignored || Date.now() > deadline) {
      return assert.deepEqual(counts, expected);
    }
    await wait(20);
  }
}
