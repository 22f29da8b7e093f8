// In real Electron: a page that is signed in to Clerk by itself calls typed procedures in main, and each call carries a fresh
// token. The page's Clerk is the official client, beside Electron; its server is the tests' fake.
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { OfficialClient } from '../../__test__/peers/clerk-official-client.mjs';
import { ClerkServer, PASSWORD } from '../../__test__/peers/clerk-server.mjs';
import { Computer } from './app.mjs';
import { bundle } from './bundle.mjs';

const APP = fileURLToPath(new URL('./typed-calls-app', import.meta.url));

/** Bundles the app's own code, as an app does, into `folder`. */
async function bundleAll(folder) {
  for (const [entry, file, format] of [
    ['bundled-main.mjs', 'main.cjs'],
    ['preload.mjs', 'preload.cjs'],
    ['page.mjs', 'page.js', 'iife'],
  ]) {
    await bundle({ app: APP, entry, folder, file, format });
  }
  await writeFile(`${folder}/page.html`, '<!doctype html><script defer src="page.js"></script>');
}

async function started(t, { accessTokenSeconds = 60 } = {}) {
  const clerk = await ClerkServer.start(t, { accessTokenSeconds });
  const client = await OfficialClient.start(t, clerk);
  await client.tell('load');
  const computer = await Computer.create(t);
  const built = computer.path('built');
  await bundleAll(built);
  async function start() {
    const app = await computer.start({ app: APP, env: { LATCHKEY_E2E_BUILT: built } });
    const token = async () => ((await client.tell('session')) ? client.tell('token') : null);
    await app.page.exposeFunction('tokenOfClerk', token);
    await app.page.waitForFunction(() => window.trpc !== undefined);
    return {
      app,
      call: (path, input) =>
        app.page.evaluate(
          async ([path, input]) => {
            const procedure = path.split('.').reduce((at, name) => at[name], window.trpc);
            try {
              return await (input === undefined ? procedure.query() : procedure.mutate(input));
            } catch (error) {
              return error.data?.code ?? String(error);
            }
          },
          [path, input],
        ),
      stateInMain: () =>
        app.electron.evaluate(() => {
          const { state, user } = globalThis.auth.snapshot();
          return { state, id: user?.id ?? null };
        }),
      provide: () => app.page.evaluate(() => window.provision.changed()),
    };
  }
  const signIn = async () => {
    const person = clerk.addPerson();
    await client.tell('password', person.email, PASSWORD);
    await client.tell('activate');
    return person;
  };
  return { client, signIn, start };
}

async function became({ stateInMain }, expected) {
  const deadline = Date.now() + 20_000;
  let found = await stateInMain();
  while (found.state !== expected.state || found.id !== expected.id) {
    assert.ok(Date.now() < deadline, `not ${JSON.stringify(expected)}, still ${JSON.stringify(found)}`);
    await setTimeout(20);
    found = await stateInMain();
  }
}

test('public and protected procedures are called alike, and main follows the page', async (t) => {
  const { client, signIn, start } = await started(t);
  const run = await start();
  assert.equal(await run.call('greeting'), 'hello');
  assert.equal(await run.call('whoAmI'), 'UNAUTHORIZED');
  const { id } = await signIn();
  assert.equal(await run.call('whoAmI'), id);
  assert.equal(await run.call('notes.add', 'milk'), `${id} notes: milk`);
  await became(run, { state: 'active', id });
  await client.tell('signOut');
  assert.equal(await run.call('greeting'), 'hello');
  assert.equal(await run.call('notes.add', 'milk'), 'UNAUTHORIZED');
  await became(run, { state: 'signedOut', id: null });
  await run.app.quit();
});

test('a restart knows the person, each call carries a token that is good, and main asks the page by itself', async (t) => {
  const { signIn, start } = await started(t, { accessTokenSeconds: 3 });
  const { id } = await signIn();
  const first = await start();
  assert.equal(await first.call('whoAmI'), id);
  await became(first, { state: 'active', id });
  await first.app.quit();
  const second = await start();
  assert.equal((await second.stateInMain()).id, id);
  await second.provide();
  await became(second, { state: 'active', id });
  const endOf = (token) => JSON.parse(Buffer.from(token.split('.')[1], 'base64url')).exp * 1000;
  for (let call = 0; call < 3; call++) {
    assert.ok(endOf(await second.call('token')) > Date.now());
    await setTimeout(1500);
  }
  const token = await second.app.electron.evaluate(async () =>
    (await globalThis.auth.session()).accessToken(),
  );
  assert.ok(endOf(token) > Date.now());
  await second.app.quit();
});
