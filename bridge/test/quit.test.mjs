// Quitting waits for a refresh, and for nothing else.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { settle, startAuth, startOpenAuth } from './start.mjs';

function quit(app) {
  const event = { prevented: false, preventDefault: () => (event.prevented = true) };
  app.emit('will-quit', event);
  return event.prevented;
}

test('an app without a refresh under way quits at once', async () => {
  assert.equal(quit(startAuth().app), false);
  const { app, addon } = await startOpenAuth();
  assert.equal(quit(app), false);
  assert.equal(addon.session.closed, false);
});

test('a refresh lands in the vault before the app quits', async () => {
  const { app, addon } = await startOpenAuth();
  addon.session.refreshing = true;
  let land;
  addon.session.closing = new Promise((resolve) => (land = resolve));
  assert.equal(quit(app), true);
  await settle();
  assert.deepEqual([addon.session.closed, addon.vaults[0].closed, app.quits], [true, false, 0]);
  land();
  await settle();
  assert.deepEqual([addon.vaults[0].closed, app.quits], [true, 1]);
  // The second time it is let go.
  assert.equal(quit(app), false);
});

test('quitting waits for the refresh of an account that was put behind, too', async () => {
  const { app, addon, auth } = await startOpenAuth({ account: 'ada' });
  let land;
  addon.session.closing = new Promise((resolve) => (land = resolve));
  await auth.switchAccount('grace');
  assert.equal(quit(app), true);
  await settle();
  assert.deepEqual([addon.vaults[0].closed, app.quits], [false, 0]);
  land();
  await settle();
  assert.deepEqual([addon.vaults[0].closed, app.quits], [true, 1]);
});

test('an app that disposed of its auth quits at once', async () => {
  const { app, addon, auth } = await startOpenAuth();
  addon.session.refreshing = true;
  await auth.dispose();
  assert.equal(quit(app), false);
});
