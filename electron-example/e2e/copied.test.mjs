// An empty electron-vite app, with the example's files copied into it as README.md says and the package as it is published:
// it builds, and signs in.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { blocksOf } from '../../docs/test/blocks.mjs';
import { unpackInto } from '../../scripts/tarballs.mjs';
import { Computer } from './app.mjs';
import { DEMO_USER, Server } from './server.mjs';

const run = promisify(execFile);

const EXAMPLE = fileURLToPath(new URL('..', import.meta.url));
/**
 * What is left of the app that `npm create @quick-start/electron` makes (1.0.30, template vue-ts) once the section's files are
 * in it, without what is for editors and installers.
 */
const TEMPLATE = {
  'package.json': JSON.stringify({
    name: 'my-app',
    version: '1.0.0',
    main: './out/main/index.js',
    dependencies: { 'electron-latchkey': '*' }, // what is named here stays out of main's bundle
  }),
  'src/renderer/index.html': `<!doctype html>
<html>
  <head>
    <meta charset="UTF-8" />
    <title>Electron</title>
    <meta
      http-equiv="Content-Security-Policy"
      content="default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:"
    />
  </head>
  <body>
    <div id="app"></div>
    <script type="module" src="/src/main.ts"></script>
  </body>
</html>
`,
};
/** What that app has from npm. They come from here: npm is not what is tested. */
const PACKAGES = ['electron-vite', 'vite', 'vue', 'pinia', '@vitejs/plugin-vue'];

/** Makes the app in `folder`, by the section of README.md. */
async function makeApp(folder) {
  for (const [name, text] of Object.entries(TEMPLATE)) await put(folder, name, text);
  await mkdir(join(folder, 'node_modules', '@vitejs'), { recursive: true });
  for (const name of PACKAGES) {
    await symlink(join(EXAMPLE, 'node_modules', name), join(folder, 'node_modules', name), 'junction');
  }
  await unpackInto(folder);

  const blocks = await blocksOf('electron-example/README.md');
  const copies = blocks.find(({ language, code }) => language === 'sh' && code.includes('../my-app')).code;
  await run('sh', ['-e', '-c', copies.replaceAll('../my-app', folder)], { cwd: EXAMPLE });
  for (const { title, code } of blocks) if (title !== null) await put(folder, title, code);
}

async function put(folder, name, text) {
  const file = join(folder, name);
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, text);
}

async function build(folder) {
  const electron = process.env.ELECTRON_PATH;
  const { stdout: version } = await run(electron, ['-p', 'process.versions.electron'], {
    env: { ...process.env, ELECTRON_RUN_AS_NODE: '1' },
  });
  const cli = join(folder, 'node_modules', 'electron-vite', 'bin', 'electron-vite.js');
  await run(process.execPath, [cli, 'build'], {
    cwd: folder,
    env: { ...process.env, ELECTRON_EXEC_PATH: electron, ELECTRON_MAJOR_VER: version.split('.')[0] },
  });
}

test('an electron-vite app that took main, preload and the store signs in, and is signed in at the next start', async (t) => {
  const server = await Server.start(t);
  const computer = await Computer.create(t);
  const folder = computer.path('my-app');
  await makeApp(folder);
  await build(folder);

  let app = await computer.start({ app: folder, apiUrl: server.url, unaware: true });
  await app.page.getByLabel('E-mail').fill(DEMO_USER.email);
  await app.page.getByLabel('Password').fill('wrong');
  await app.page.getByRole('button', { name: 'Sign in' }).click();
  await app.page.getByRole('alert').filter({ hasText: /\w/ }).waitFor();
  await app.page.getByLabel('Password').fill(DEMO_USER.password);
  await app.page.getByRole('button', { name: 'Sign in' }).click();
  await app.page.getByText(`Signed in as ${DEMO_USER.email}`).waitFor();
  await app.quit();

  app = await computer.start({ app: folder, apiUrl: server.url, unaware: true });
  await app.page.getByText(`Signed in as ${DEMO_USER.email}`).waitFor();
  const { ok, value } = await app.page.evaluate((url) => window.auth.fetch(url), `${server.url}/api/profile`);
  assert.deepEqual([ok, value.status], [true, 200]);
  await app.page.getByRole('button', { name: 'Sign out' }).click();
  await app.page.getByLabel('E-mail').waitFor();
  await server.hasSessions(DEMO_USER.email, 0);
});
