import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Computer } from './app.mjs';
import { Gate } from './gate.mjs';
import { seesAccount, signIn } from './page.mjs';
import { DEMO_USER, Server } from './server.mjs';

const CALLS = 20;

test('the timeline shows one refresh with all who wait for it, while it runs and after', async (t) => {
  const server = await Server.start(t);
  const gate = await Gate.inFrontOf(server, t);
  const computer = await Computer.create(t);
  const first = await computer.start({ apiUrl: gate.url });
  await signIn(first, DEMO_USER);
  await seesAccount(first, DEMO_USER);
  await first.quit();

  gate.close();
  const app = await computer.start({ apiUrl: gate.url });
  const { page } = app;
  await seesAccount(app, DEMO_USER, 'restoring');
  const calls = page.evaluate(
    async ([url, count]) => {
      const all = Array.from({ length: count }, () => window.auth.fetch(url));
      return (await Promise.all(all)).map((answer) => answer.value?.status ?? answer.code);
    },
    [`${gate.url}/api/profile`, CALLS],
  );
  await page.locator(`[data-testid=refresh-status][data-waiters="${CALLS}"]`).waitFor();
  await page.locator('[data-testid=refresh-row][data-outcome=running]').waitFor();
  gate.open();
  assert.deepEqual(new Set(await calls), new Set([200]));
  await seesAccount(app, DEMO_USER);

  await page.locator('[data-testid=refresh-row][data-outcome=confirmed]').waitFor();
  assert.equal(await page.getByTestId('refresh-row').count(), 1);
  assert.equal(await page.getByTestId('refresh-row').getAttribute('data-waiters'), String(CALLS));
  assert.equal(await page.getByTestId('refresh-mark').getAttribute('data-waiters'), String(CALLS));
  await page.locator('[data-testid=refresh-status][data-waiters=""]').waitFor();

  // Pressed, the button has ten ask at once. One refresh is the rule; a machine that is slow enough to bring the last of
  // them only after it has ended makes another.
  await page.getByTestId('refresh-many').click();
  await page.getByTestId('refresh-many-result').getByText('10 asked for a refresh.').waitFor();
  assert.ok((await page.getByTestId('refresh-row').count()) >= 2);
  await page.getByTestId('call-api-many').click();
  await page.locator('[data-testid=api-many-result][data-failed="0"][data-refreshes="0"]').waitFor();
});
