// Two windows of one app: what happens in one is seen in the other, without asking, and at once.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Computer } from './app.mjs';
import { DEMO_USER, Server } from './server.mjs';

const TIMEOUT_MS = 120_000;
/** More changes than a busy moment of the machine lasts for. */
const LOCKS = 10;

/** In a page: notes each change that it hears of, and each that its document shows, with the time. */
function record() {
  const screens = ['sign-in-form', 'account', 'locked'];
  const atMs = () => performance.timeOrigin + performance.now();
  const shows = () => {
    const screen = screens.find((id) => document.querySelector(`[data-testid="${id}"]`));
    const state = document.querySelector('[data-testid="session-state"]')?.dataset.state;
    return screen === 'account' ? `account ${state}` : screen;
  };
  window.heard = [];
  window.shown = [{ what: shows(), atMs: atMs() }];
  window.auth.onChange(({ state, revision }) => window.heard.push({ state, revision, atMs: atMs() }));
  new MutationObserver(() => {
    const what = shows();
    if (what !== window.shown.at(-1).what) window.shown.push({ what, atMs: atMs() });
  }).observe(document, { subtree: true, childList: true, attributes: true });
}

/** What the window shows for each state. */
const SHOWN = {
  active: 'account active',
  expired: 'account expired',
  locked: 'locked',
  signedOut: 'sign-in-form',
};

/** Runs `act` in one page; answers how long after it heard of the change the other's document showed it. */
async function delayOf(actor, other, act, argument, state) {
  const mark = () => [window.heard.length, window.shown.length];
  const [heard] = await actor.evaluate(mark);
  const [, shown] = await other.evaluate(mark);
  await actor.evaluate(act, argument);
  const comes = ([from, what]) => window.shown.slice(from).find((each) => each.what === what)?.atMs;
  const seen = await (await other.waitForFunction(comes, [shown, SHOWN[state]])).jsonValue();
  const happens = ([from, state]) => window.heard.slice(from).find((each) => each.state === state)?.atMs;
  return seen - (await actor.evaluate(happens, [heard, state]));
}

/** The demo user's credentials, for a call of the page. */
const CREDENTIALS = { method: 'password', email: DEMO_USER.email, password: DEMO_USER.password };
const signIn = async (credentials) => void (await window.auth.signIn(credentials));
const signOut = async () => void (await window.auth.signOut());
const lock = async () => void (await window.auth.lock());
const unlock = async () => void (await window.auth.unlock());
const refresh = async () => void (await window.auth.refresh());

test('sign-in, lock, unlock, expiry and sign-out in one window are seen in the other', {
  timeout: TIMEOUT_MS,
}, async (t) => {
  const server = await Server.start(t);
  const computer = await Computer.create(t);
  const app = await computer.start({ apiUrl: server.url });
  const one = app.page;
  const opened = app.electron.waitForEvent('window');
  await app.electron.evaluate(({ dialog, Menu }) => {
    dialog.showMessageBox = async () => ({ response: 0 }); // "Unlock"
    Menu.getApplicationMenu().getMenuItemById('new-window').click();
  });
  const two = await opened;
  for (const page of [one, two]) {
    await page.getByTestId('sign-in-form').waitFor();
    await page.evaluate(record);
  }

  const delays = {
    'sign-in': [await delayOf(one, two, signIn, CREDENTIALS, 'active')],
    lock: [],
    unlock: [],
  };
  for (let count = 0; count < LOCKS; count += 1) {
    const [actor, other] = count % 2 === 0 ? [one, two] : [two, one];
    delays.lock.push(await delayOf(actor, other, lock, undefined, 'locked'));
    delays.unlock.push(await delayOf(other, actor, unlock, undefined, 'active'));
  }
  await server.revoke(DEMO_USER.email);
  delays.expiry = [await delayOf(two, one, refresh, undefined, 'expired')];
  delays['sign-in again'] = [await delayOf(one, two, signIn, CREDENTIALS, 'active')];
  delays['sign-out'] = [await delayOf(two, one, signOut, undefined, 'signedOut')];

  for (const [name, all] of Object.entries(delays)) {
    t.diagnostic(`${name}: seen in the other window after ${Math.round(median(all))} ms`);
  }
  const heard = await Promise.all([one, two].map((page) => page.evaluate(() => window.heard)));
  const [byOne, byTwo] = heard.map((events) => events.map(({ revision, state }) => `${revision} ${state}`));
  assert.deepEqual(byOne, byTwo, 'both heard the same, in the same order');
  assert.ok(
    median(Object.values(delays).flat()) < 100,
    'half of the changes are seen within 100 ms, and more',
  );
});

function median(numbers) {
  return numbers.toSorted((one, other) => one - other)[Math.floor(numbers.length / 2)];
}
