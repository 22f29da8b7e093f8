// `window.secureStorage` of the published recipe, in real Electron: its answers, its keys, and tokens that outlive the app.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Computer } from './app.mjs';
import { bundle } from './bundle.mjs';
import { Server } from './server.mjs';
import { sealedBytes } from './vault.mjs';

const APP = fileURLToPath(new URL('./hostile-app', import.meta.url));
const TOKEN = 'a-token-that-is-in-no-file-0123456789';

/** In the page: makes these calls, one after the other, and answers what each answered. */
async function inTurn(calls) {
  const answers = [];
  for (const [name, ...args] of calls) answers.push(await window.secureStorage[name](...args));
  return answers;
}

test('the recipe’s calls answer as published, and their tokens are there at the next start, sealed', async (t) => {
  const server = await Server.start(t);
  const computer = await Computer.create(t);
  const built = computer.path('built');
  await bundle({ app: APP, entry: 'preload.mjs', folder: built, file: 'preload.cjs' });
  const start = () => computer.start({ app: APP, apiUrl: server.url, env: { LATCHKEY_E2E_BUILT: built } });

  let app = await start();
  assert.deepEqual(
    await app.page.evaluate(inTurn, [
      ['isAvailable'],
      ['getToken', 'accessToken'],
      ['setToken', 'accessToken', TOKEN],
      ['setToken', 'refreshToken', 'another'],
      ['deleteToken', 'refreshToken'],
      ['getToken', 'refreshToken'],
      ['getToken', 'accessToken'],
    ]),
    [
      { success: true, data: true },
      { success: true, data: null },
      { success: true },
      { success: true },
      { success: true },
      { success: true, data: null },
      { success: true, data: TOKEN },
    ],
  );
  const refused = await app.page.evaluate(inTurn, [
    ['getToken', 'password'],
    ['getToken', '__proto__'],
    ['setToken', 'accessToken', 42],
    ['setToken', 'accessToken', 'x'.repeat(1024 * 1024)],
    ['deleteToken'],
  ]);
  for (const { success, data, error } of refused) {
    assert.deepEqual([success, data, typeof error], [false, undefined, 'string']);
  }
  await app.quit();
  assert.equal((await sealedBytes(computer)).includes(TOKEN), false);

  app = await start();
  assert.deepEqual(
    await app.page.evaluate(inTurn, [['getToken', 'accessToken'], ['clearAll'], ['getToken', 'accessToken']]),
    [{ success: true, data: TOKEN }, { success: true }, { success: true, data: null }],
  );
});
