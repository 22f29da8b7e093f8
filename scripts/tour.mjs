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

const requireFromExample = createRequire(path.join(example, 'package.json'));
const LOADER = path.join('lib', 'server', 'electron', 'loader.js');

/** How long any one thing may take to appear: far above what it takes, below a person's patience. */
const PATIENCE_MS = 20_000;

/** What is played, in order. Each answers what was seen. */
const STEPS = {
  'Open the app': async (tour) => {
    await tour.open();
    await shown(tour, 'sign-in-form');
    return 'the sign-in form';
  },
  'Sign in': async ({ window }) => {
    await window.getByTestId('email').fill(DEMO.email);
    await window.getByTestId('password').fill(DEMO.password);
    await window.getByTestId('submit').click();
    await shown({ window }, 'account');
    return `${await text(window, 'user-email')}; vault key kept by ${await text(window, 'vault-backend')}`;
  },
  'Call a protected route': async ({ window }) => {
    await window.getByTestId('call-api').click();
    await shown({ window }, 'api-result');
    const result = await text(window, 'api-result');
    if (!result.includes(DEMO.email)) throw new Error(`the answer does not name the user: ${result}`);
    await window.getByTestId('api-result').scrollIntoViewIfNeeded();
    return 'an answer that names the user';
  },
  Quit: async (tour) => {
    await tour.quit();
    return 'the app has ended';
  },
  'Start again': async (tour) => {
    await tour.open();
    const { window } = tour;
    const first = window.locator('[data-testid=account], [data-testid=sign-in-form]').first();
    await first.waitFor();
    if ((await first.getAttribute('data-testid')) !== 'account') throw new Error('it asked to sign in again');
    await window.locator('[data-testid=session-state][data-state=active]').waitFor();
    return `${await text(window, 'user-email')}, without a sign-in form`;
  },
  'Sign out': async (tour) => {
    await tour.window.getByTestId('sign-out').click();
    await shown(tour, 'sign-in-form');
    return 'the sign-in form';
  },
};

/** Plays it; answers the exit code. */
export async function runTour() {
  const tour = await prepare();
  const rows = [];
  let failure;
  for (const [name, play] of Object.entries(STEPS)) {
    const startedAt = Date.now();
    try {
      const seen = await play(tour);
      const took = seconds(Date.now() - startedAt);
      rows.push({ step: name, took, seen, screenshot: await tour.screenshot(rows.length + 1, name) });
      console.log(`✓ ${name}  ${took}`);
    } catch (error) {
      failure = `✗ ${name}: ${error.message}`;
      await tour.screenshot(rows.length + 1, 'failed').catch(() => {}); // there may be no window to show
      break;
    }
  }
  await tour.quit();
  printTable(rows);
  if (!failure) return 0;
  console.error(failure);
  console.error(tour.output.join('') || '(neither the app nor the server said anything)');
  return 1;
}

async function prepare() {
  const folder = await mkdtemp(path.join(tmpdir(), 'latchkey-tour-'));
  atEnd(() => rm(folder, { recursive: true, force: true }));
  await rm(SCREENSHOTS, { recursive: true, force: true });
  await mkdir(SCREENSHOTS, { recursive: true });

  const output = [];
  const [display, secrets, server] = await Promise.all([
    openDisplay(),
    openPrivateSecretService(),
    startExampleServer({
      databaseFile: path.join(folder, 'server', 'auth.db'),
      onOutput: (chunk) => output.push(String(chunk)),
    }),
  ]);
  console.log(`· Keychain: ${secrets.note}`);
  if (display.brought) console.log('· Screen: a virtual one (Xvfb)');
  console.log(`· Server: ${server.url}`);

  const args = [
    // Playwright's own loader holds the app back until Playwright is attached; without it the two race for the
    // first window, and now and then a start hangs. It is loaded by itself only into the `electron` package.
    '-r',
    path.join(path.dirname(requireFromExample.resolve('playwright-core/package.json')), LOADER),
    ...sandboxArguments(),
    ...display.args,
    `--user-data-dir=${path.join(folder, 'electron')}`,
    example,
  ];
  const env = {
    ...process.env,
    ...display.env,
    ...secrets.env,
    LATCHKEY_API_URL: server.url,
    LATCHKEY_VAULT_DIR: path.join(folder, 'vault'),
  };
  return new Tour({ args, env, output });
}

/** The app under the tour's hands: open or not. */
class Tour {
  #electron = requireFromExample('playwright-core')._electron;
  #launch;
  #app;

  constructor({ args, env, output }) {
    this.output = output;
    this.#launch = {
      executablePath: electronExecutable(),
      args,
      env,
      chromiumSandbox: true, // or Playwright takes the sandbox away from everybody
      timeout: PATIENCE_MS,
    };
  }

  async open() {
    this.#app = await this.#electron.launch(this.#launch);
    const { stdout, stderr } = this.#app.process();
    for (const stream of [stdout, stderr]) stream.on('data', (chunk) => this.output.push(String(chunk)));
    this.window = await this.#app.firstWindow({ timeout: PATIENCE_MS });
    this.window.setDefaultTimeout(PATIENCE_MS);
  }

  async quit() {
    this.window = undefined;
    await this.#app?.close();
    this.#app = undefined;
  }

  /** Saves what the window shows; answers the file, or nothing when there is no window. */
  async screenshot(number, name) {
    if (!this.window) return '';
    const file = path.join(SCREENSHOTS, `${String(number).padStart(2, '0')}-${slug(name)}.png`);
    await this.window.screenshot({ path: file });
    return relative(file);
  }
}

function shown({ window }, testId) {
  return window.getByTestId(testId).waitFor();
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
