// The app of README.md, "From an empty folder to a signed-in window": its files as they stand there, the packed package,
// a real server, and what a person does.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { blocksOf } from '../../docs/test/blocks.mjs';
import { unpackInto } from '../../scripts/tarballs.mjs';
import { Computer } from './app.mjs';

const MODULES = fileURLToPath(new URL('../node_modules', import.meta.url));
const FILES = ['server.mjs', 'main.js', 'index.html', 'page.js'];
/** The port in the page; the test takes another, so that it can run beside `npm start`. */
const PORT = '4711';

let folder;
let port;
before(async () => {
  port = await freePort();
  folder = await project(await mkdtemp(join(tmpdir(), 'lk-readme-')));
});
after(() => folder && rm(folder, { recursive: true, force: true }));

test('the files of the README are an app in which somebody signs up, stays signed in over a restart, and signs out', async (t) => {
  const computer = await Computer.create(t);
  await serve(t);

  const first = await computer.start({ app: folder });
  await first.page.fill('[name=email]', 'ada@example.com');
  await first.page.fill('[name=password]', 'difference-engine');
  await first.page.click('[value=signIn]');
  await first.page.waitForFunction(() => document.getElementById('problem').textContent !== '');
  await first.page.click('[value=signUp]');
  await greets(first, 'Hello, ada');
  await first.quit();

  const second = await computer.start({ app: folder });
  await greets(second, 'Hello, ada');
  await second.page.click('#sign-out');
  await greets(second, 'Nobody is signed in');
  await second.page.waitForSelector('#sign-in:not([hidden])');
  await second.quit();
});

test('without a keyring the app of the README says what to install', async (t) => {
  const computer = await Computer.create(t, { keyring: 'none' });
  const app = await computer.start({ app: folder });
  await app.page.waitForFunction(() => /gnome-keyring/.test(document.getElementById('problem').textContent));
  await app.quit();
});

async function greets({ page }, text) {
  await page.waitForFunction((wanted) => document.getElementById('who').textContent === wanted, text);
}

/** Puts the files of the README, and what they need, into this folder. */
async function project(folder) {
  const blocks = await blocksOf('README.md');
  await unpackInto(folder); // electron-latchkey
  for (const name of await readdir(MODULES)) // what better-auth is made of
    if (!name.startsWith('.') && !existsSync(join(folder, 'node_modules', name)))
      await symlink(join(MODULES, name), join(folder, 'node_modules', name));
  for (const name of FILES) {
    const block = blocks.find(({ title }) => title === name);
    assert.ok(block, `README.md has no ${name}`);
    await writeFile(join(folder, name), block.code.replaceAll(PORT, port));
  }
  await writeFile(join(folder, 'package.json'), JSON.stringify({ name: 'hello', main: 'main.js' }));
  return folder;
}

/** Starts its server. */
async function serve(t) {
  const child = spawn(process.execPath, ['server.mjs'], { cwd: folder, stdio: 'ignore' });
  t.after(async () => {
    child.kill();
    await once(child, 'exit');
  });
  for (let tries = 0; ; tries += 1) {
    const answer = await fetch(`http://127.0.0.1:${port}/api/auth/ok`).catch(() => null);
    if (answer?.ok) return;
    assert.ok(tries < 1000 && child.exitCode === null, 'the server does not answer');
    await wait(20);
  }
}

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return String(port);
}
