// The tour: plays the main job in real Electron without a person, against the real server and a real secret
// service, and shows what it saw: sign in, a protected call, quit, start again, restored, sign out.

import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { openDisplay } from './display.mjs';
import { electronExecutable } from './electron-runtime.mjs';
import { atEnd } from './processes.mjs';
import { example, relative } from './repo.mjs';
import { sandboxArguments } from './sandbox.mjs';
import { openPrivateSecretService } from './secret-service.mjs';
import { startExampleServer } from './server.mjs';
import { seconds } from './steps.mjs';

const DEMO = { email: 'demo@example.com', password: 'latchkey-demo-password' };
const SCREENSHOTS = path.join(example, 'tour');

/** How long any one thing may take to appear: far above what it takes, below a person's patience. */
const PATIENCE_MS = 20_000;

/** Plays it; answers the exit code. */
export async function runTour() {
  const surroundings = await prepare();
  const rows = [];
  let window;
  let failure;

  const step = async (name, work) => {
    const startedAt = Date.now();
    const seen = await work();
    const took = Date.now() - startedAt;
    const screenshot = path.join(
      SCREENSHOTS,
      `${String(rows.length + 1).padStart(2, '0')}-${slug(name)}.png`,
    );
    if (window) await window.screenshot({ path: screenshot });
    rows.push({ step: name, took: seconds(took), seen, screenshot: window ? relative(screenshot) : '' });
    console.log(`✓ ${name}  ${seconds(took)}`);
  };

  let app;
  try {
    await step('Open the app', async () => {
      [app, window] = await openApp(surroundings);
      await show(window, 'sign-in-form');
      return 'the sign-in form';
    });
    await step('Sign in', async () => {
      await window.getByTestId('email').fill(DEMO.email);
      await window.getByTestId('password').fill(DEMO.password);
      await window.getByTestId('submit').click();
      await show(window, 'account');
      return `signed in as ${await text(window, 'user-email')}, ${await text(window, 'vault-backend')}`;
    });
    await step('Call a protected route', async () => {
      await window.getByTestId('call-api').click();
      await show(window, 'api-result');
      const result = await text(window, 'api-result');
      if (!result.includes(DEMO.email)) throw new Error(`the answer does not name the user: ${result}`);
      return 'the server answered with the user';
    });
    const quitStep = app;
    window = undefined;
    await step('Quit', async () => {
      await quitStep.close();
      return 'the app has ended';
    });
    await step('Start again', async () => {
      [app, window] = await openApp(surroundings);
      const first = window.locator('[data-testid=account], [data-testid=sign-in-form]').first();
      await first.waitFor({ timeout: PATIENCE_MS });
      if ((await first.getAttribute('data-testid')) !== 'account')
        throw new Error('it asked to sign in again');
      await window
        .getByTestId('session-state')
        .filter({ hasText: /active|signed in/i })
        .waitFor();
      return `restored as ${await text(window, 'user-email')}, without a sign-in form`;
    });
    await step('Sign out', async () => {
      await window.getByTestId('sign-out').click();
      await show(window, 'sign-in-form');
      return 'the sign-in form';
    });
  } catch (error) {
    failure = error;
    await window?.screenshot({ path: path.join(SCREENSHOTS, 'failed.png') }).catch(() => {});
  } finally {
    await app?.close().catch(() => {});
  }

  printTable(rows);
  if (failure) {
    console.error(`✗ The tour stopped after "${rows.at(-1)?.step ?? 'nothing'}": ${failure.message}`);
    console.error(surroundings.output.join('') || '(neither the app nor the server said anything)');
  }
  return failure ? 1 : 0;
}

async function prepare() {
  const folder = await mkdtemp(path.join(tmpdir(), 'latchkey-tour-'));
  atEnd(() => rm(folder, { recursive: true, force: true }));
  await rm(SCREENSHOTS, { recursive: true, force: true });
  await mkdir(SCREENSHOTS, { recursive: true });

  const output = [];
  const keep = (chunk) => output.push(String(chunk));
  const [display, secrets, server] = await Promise.all([
    openDisplay(),
    openPrivateSecretService(),
    startExampleServer({ databaseFile: path.join(folder, 'server', 'auth.db'), onOutput: keep }),
  ]);
  console.log(`· Keychain: ${secrets.note}`);
  if (display.brought) console.log('· Screen: a virtual one (Xvfb)');
  console.log(`· Server: ${server.url}`);

  const { _electron: electron } = createRequire(path.join(example, 'package.json'))('playwright-core');
  return {
    electron,
    keep,
    output,
    args: [
      ...sandboxArguments(),
      ...display.args,
      `--user-data-dir=${path.join(folder, 'electron')}`,
      example,
    ],
    env: {
      ...process.env,
      ...display.env,
      ...secrets.env,
      LATCHKEY_API_URL: server.url,
      LATCHKEY_VAULT_DIR: path.join(folder, 'vault'),
    },
  };
}

async function openApp({ electron, args, env, keep }) {
  const app = await electron.launch({
    executablePath: electronExecutable(),
    args,
    env,
    timeout: PATIENCE_MS,
  });
  for (const stream of [app.process().stdout, app.process().stderr]) stream.on('data', keep);
  const window = await app.firstWindow({ timeout: PATIENCE_MS });
  window.setDefaultTimeout(PATIENCE_MS);
  return [app, window];
}

function show(window, testId) {
  return window.getByTestId(testId).waitFor({ timeout: PATIENCE_MS });
}

async function text(window, testId) {
  return (await window.getByTestId(testId).textContent()).replaceAll(/\s+/g, ' ').trim();
}

function printTable(rows) {
  const columns = ['step', 'took', 'seen', 'screenshot'];
  const width = (column) => Math.max(column.length, ...rows.map((row) => row[column].length));
  const line = (row) =>
    columns
      .map((column) => row[column].padEnd(width(column)))
      .join('  ')
      .trimEnd();
  console.log(`\n${line(Object.fromEntries(columns.map((column) => [column, column])))}`);
  console.log(columns.map((column) => '─'.repeat(width(column))).join('  '));
  for (const row of rows) console.log(line(row));
}

function slug(name) {
  return name.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-');
}
