// One page, built and loaded from disk, built and loaded by the app's own scheme, and from Vite's dev server: it signs in, and
// is signed in after a reload.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build, createServer } from 'vite';
import { Computer } from './app.mjs';
import { bundle } from './bundle.mjs';
import { DEMO_USER, Server } from './server.mjs';

const APP = fileURLToPath(new URL('./origins-app', import.meta.url));

/** Where the page is, by what it is loaded from. */
const ORIGINS = {
  'file://': async (_t, built) => `${pathToFileURL(built)}/index.html`,
  'the app’s own scheme': async () => 'app://origins/index.html',
  'a dev server': async (t) => {
    const vite = await createServer({
      root: APP,
      configFile: false,
      logLevel: 'error',
      cacheDir: t.cache,
      server: { host: '127.0.0.1', port: 0, watch: null },
    });
    t.after(() => vite.close());
    await vite.listen();
    return `http://127.0.0.1:${vite.httpServer.address().port}/`;
  },
};

for (const [name, addressOf] of Object.entries(ORIGINS)) {
  test(`a page from ${name} signs in, and is signed in after a reload`, async (t) => {
    const server = await Server.start(t);
    const computer = await Computer.create(t);
    const built = computer.path('built');
    await bundle({ app: APP, entry: 'preload.mjs', folder: built, file: 'preload.cjs' });
    await build({
      root: APP,
      configFile: false,
      logLevel: 'error',
      base: './',
      build: { target: 'chrome108', outDir: built, emptyOutDir: false },
    });
    const address = await addressOf({ after: (end) => t.after(end), cache: computer.path('vite') }, built);

    const env = { LATCHKEY_E2E_BUILT: built, LATCHKEY_E2E_PAGE: address };
    const { page } = await computer.start({ app: APP, apiUrl: server.url, env });
    await page.getByLabel('E-mail').fill(DEMO_USER.email);
    await page.getByLabel('Password').fill(DEMO_USER.password);
    await page.getByRole('button', { name: 'Sign in' }).click();
    const person = page.getByText(`Signed in as ${DEMO_USER.email}`);
    await person.waitFor();
    await page.reload();
    await person.waitFor();
    assert.equal(page.url(), address);
    const { ok, value } = await page.evaluate((url) => window.auth.fetch(url), `${server.url}/api/profile`);
    assert.deepEqual([ok, value.status], [true, 200]);
  });
}
