// The tour: plays a day with the example in real Electron without a person, against the real server and a real secret
// service. It shows what it saw as a picture of every screen, light and dark and narrow, and fails when an accessibility
// checker finds anything wrong with one.

import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { BusGate } from '../electron-example/e2e/bus-gate.mjs';
import { inScheme, SCHEMES, violations, whileNarrow } from '../electron-example/e2e/look.mjs';
import { Server } from '../electron-example/e2e/server.mjs';
import { STEPS } from '../electron-example/e2e/story.mjs';
import { SystemBrowser } from '../electron-example/e2e/system-browser.mjs';
import { openDisplay } from './display.mjs';
import { electronExecutable } from './electron-runtime.mjs';
import { atEnd } from './processes.mjs';
import { example, relative } from './repo.mjs';
import { sandboxArguments } from './sandbox.mjs';
import { openPrivateSecretService } from './secret-service.mjs';
import { seconds } from './steps.mjs';

const requireFromExample = createRequire(path.join(example, 'package.json'));
const LOADER = path.join('lib', 'server', 'electron', 'loader.js');

/** How long any one thing may take to appear: far above what it takes, below a person's patience. */
const PATIENCE_MS = 20_000;

/** In the dark the page is the same but for its colours. */
const RULES = { light: undefined, dark: ['color-contrast'] };

/**
 * An app that was started. What Playwright's `ElectronApplication` has, as far as the tour uses it.
 *
 * @typedef {object} Started
 * @property {() => import('node:child_process').ChildProcess} process
 * @property {(options: { timeout: number }) => Promise<import('playwright-core').Page>} firstWindow
 * @property {() => Promise<void>} close quits it as a person does, and waits for its end
 */

/**
 * Plays it; answers the exit code.
 *
 * @param {object} [options]
 * @param {(how: { args: string[], env: Record<string, string> }) => Promise<Started>} [options.launch] starts the app;
 *   default: the built example in the Electron that is here
 * @param {string} [options.screenshots] the folder that the pictures go to, which is emptied first; default:
 *   `electron-example/tour`
 */
export async function runTour({ launch = launchBuilt, screenshots = path.join(example, 'tour') } = {}) {
  const startedAt = Date.now();
  // A server of the story warns that it is for development, which it is here.
  console.info = () => {};
  console.warn = () => {};
  const tour = await prepare(launch, screenshots);
  const rows = [];
  let failure;
  for (const [name, play] of Object.entries(STEPS)) {
    const stepAt = Date.now();
    try {
      const seen = await play(tour);
      const took = seconds(Date.now() - stepAt);
      rows.push({ step: name, took, seen, screens: String(tour.takeLooks()) });
      console.log(`✓ ${name}  ${took}`);
    } catch (error) {
      failure = `✗ ${name}: ${error.message}`;
      await tour.picture('failed').catch(() => {}); // there may be no window to show
      break;
    }
  }
  await tour.quit();
  printTable(rows);
  console.log(`\n${tour.pictures} pictures in ${relative(screenshots)}, ${seconds(Date.now() - startedAt)}`);
  for (const finding of tour.findings) console.error(`✗ ${finding}`);
  if (failure) {
    console.error(failure);
    console.error(tour.output.join('') || '(the app said nothing)');
  } else if (tour.findings.length === 0) {
    console.log('✓ The accessibility checker (axe) found nothing wrong with any screen');
  }
  return failure || tour.findings.length > 0 ? 1 : 0;
}

async function prepare(launch, screenshots) {
  const folder = await mkdtemp(path.join(tmpdir(), 'latchkey-tour-'));
  atEnd(() => rm(folder, { recursive: true, force: true }));
  await rm(screenshots, { recursive: true, force: true });
  await mkdir(screenshots, { recursive: true });

  const end = { after: atEnd };
  const [display, secrets, server] = await Promise.all([
    openDisplay(),
    openPrivateSecretService(),
    Server.start(end),
  ]);
  const extraEnv = {};
  const computer = { extraEnv, path: (name) => path.join(folder, name) };
  const browser = process.platform === 'linux' ? await SystemBrowser.install(computer) : null;
  const address = secrets.env.DBUS_SESSION_BUS_ADDRESS;
  const gate = address ? await BusGate.inFrontOf(address, path.join(folder, 'gate'), end) : null;
  console.log(`· Keychain: ${secrets.note}`);
  if (display.brought) console.log('· Screen: a virtual one (Xvfb)');
  console.log(`· Server: ${server.url}`);

  return new Tour({
    launch,
    screenshots,
    server,
    gate,
    browser,
    args: [
      ...sandboxArguments(),
      ...display.args,
      '--password-store=basic', // Chromium's own secrets: else it waits for the keychain that the tour holds back
      `--user-data-dir=${path.join(folder, 'electron')}`,
    ],
    env: {
      ...process.env,
      ...display.env,
      ...secrets.env,
      ...extraEnv,
      LATCHKEY_API_URL: server.url,
      LATCHKEY_VAULT_DIR: path.join(folder, 'vault'),
    },
  });
}

function launchBuilt({ args, env }) {
  // Playwright's own loader holds the app back until Playwright is attached; without it the two race for the
  // first window, and now and then a start hangs. It is loaded by itself only into the `electron` package.
  const loader = path.join(path.dirname(requireFromExample.resolve('playwright-core/package.json')), LOADER);
  return requireFromExample('playwright-core')._electron.launch({
    executablePath: electronExecutable(),
    args: ['-r', loader, ...args, example],
    env,
    chromiumSandbox: true, // or Playwright takes the sandbox away from everybody
    timeout: PATIENCE_MS,
  });
}

/** The app under the tour's hands, open or not, and what was seen of it: a stage for the story's steps. */
class Tour {
  output = [];
  findings = [];
  pictures = 0;
  end = { after: atEnd };
  #looks = 0;
  #screens = 0;
  #setting;
  #app;

  constructor(setting) {
    this.#setting = setting;
    this.server = setting.server;
    this.gate = setting.gate;
    this.browser = setting.browser;
  }

  async open({ gated = false, env: more = {} } = {}) {
    const { launch, args, env } = this.#setting;
    const bus = gated ? { DBUS_SESSION_BUS_ADDRESS: this.gate.address } : {};
    this.#app = await launch({ args, env: { ...env, ...more, ...bus } });
    const { stdout, stderr } = this.#app.process();
    for (const stream of [stdout, stderr]) stream?.on('data', (chunk) => this.output.push(String(chunk)));
    this.page = await this.#app.firstWindow({ timeout: PATIENCE_MS });
    this.page.setDefaultTimeout(PATIENCE_MS);
  }

  async quit() {
    this.page = undefined;
    await this.#app?.close();
    this.#app = undefined;
  }

  async look(name) {
    this.#looks += 1;
    this.#screens += 1;
    const title = `${String(this.#screens).padStart(2, '0')}-${slug(name)}`;
    const found = [];
    for (const scheme of SCHEMES) {
      await inScheme(this.page, scheme);
      found.push(...(await violations(this.page, RULES[scheme])).map((line) => `${scheme}: ${line}`));
      await this.picture(`${title}-${scheme}`);
    }
    await inScheme(this.page, 'light');
    found.push(...(await whileNarrow(this.page, () => this.picture(`${title}-narrow`))));
    this.findings.push(...found.map((line) => `${name}, ${line}`));
  }

  /** How many screens were looked at since it was asked last. */
  takeLooks() {
    const looks = this.#looks;
    this.#looks = 0;
    return looks;
  }

  async picture(name) {
    if (!this.page) return;
    const restore = await this.#showAll();
    await this.page.screenshot({ path: path.join(this.#setting.screenshots, `${name}.png`) });
    await restore();
    this.pictures += 1;
  }

  /** Makes the window as high as its page. A dialog lies over the window, and keeps it as it is. */
  async #showAll() {
    const { dialog, width, height, needed } = await this.page.evaluate(() => ({
      dialog: document.querySelector('dialog[open]') !== null,
      width: innerWidth,
      height: innerHeight,
      needed: document.documentElement.scrollHeight,
    }));
    if (dialog || needed <= height) return () => undefined;
    await this.page.setViewportSize({ width, height: needed });
    return () => this.page.setViewportSize({ width, height });
  }
}

function printTable(rows) {
  const columns = ['step', 'took', 'screens', 'seen'];
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
