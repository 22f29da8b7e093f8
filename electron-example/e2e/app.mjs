// Starts the built example in real Electron, in a folder of its own: home, caches, vault, Chromium's profile, logs.
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { _electron } from 'playwright-core';
import { keyringAnswers, startBus, startKeyring } from './keyring.mjs';

const isRoot = process.getuid?.() === 0;

const EXAMPLE = fileURLToPath(new URL('..', import.meta.url));
const RECORDED_APP = fileURLToPath(new URL('./recorded-app', import.meta.url));
/** An app with an empty window and any provider. */
export const PROVIDER_APP = fileURLToPath(new URL('./provider-app', import.meta.url));

const playwright = dirname(createRequire(import.meta.url).resolve('playwright-core/package.json'));
const LOADER = join(playwright, 'lib/server/electron/loader.js');

/** Long enough for a busy machine; a start takes about a second. */
const TIMEOUT_MS = 30_000;

/** A person's computer, as far as the app sees it. Everything the app writes is under `folder`. */
export class Computer {
  /**
   * @param {import('node:test').TestContext} t it is removed when this test ends
   * @param {{ keyring?: 'unlocked' | 'none' }} [options]
   */
  static async create(t, { keyring = 'unlocked' } = {}) {
    const computer = new Computer(await mkdtemp(join(tmpdir(), 'lk-'))); // a socket's path is 107 characters at most
    t.after(() => computer.#remove());
    for (const folder of ['home', 'run', 'data', 'config', 'cache', 'vault', 'user-data']) {
      await mkdir(computer.path(folder), { mode: 0o700 });
    }
    if (process.platform === 'linux') await computer.#startBus();
    if (process.platform === 'linux' && keyring === 'unlocked') {
      computer.startKeyring();
      await keyringAnswers(computer.env);
    }
    return computer;
  }

  /** What every program gets beside. */
  extraEnv = {};
  #apps = new Set();
  #services = [];
  #busAddress;

  constructor(folder) {
    this.folder = folder;
  }

  path(...names) {
    return join(this.folder, ...names);
  }

  get vault() {
    return this.path('vault');
  }

  /** What every program on this computer gets. */
  get env() {
    return withoutUndefined({
      ...process.env,
      HOME: this.path('home'),
      XDG_RUNTIME_DIR: this.path('run'),
      XDG_DATA_HOME: this.path('data'),
      XDG_CONFIG_HOME: this.path('config'),
      XDG_CACHE_HOME: this.path('cache'),
      DBUS_SESSION_BUS_ADDRESS: this.#busAddress,
      ...this.extraEnv,
    });
  }

  /** Starts the keyring of a computer that was made without one. */
  startKeyring() {
    this.#services.push(startKeyring(this.env));
  }

  /**
   * Starts the app.
   *
   * @param {object} options
   * @param {string} [options.apiUrl]
   * @param {string} [options.app] the app's folder; default: the example, with recorders
   * @param {boolean} [options.unaware] whether the app does not load Playwright's loader itself, see recorded-app
   * @param {string} [options.url] the URL that the system starts it for
   * @param {Record<string, string | undefined>} [options.env]
   */
  async start({ apiUrl, app: folder = RECORDED_APP, unaware = false, url, env = {} }) {
    const electronApp = await _electron.launch({
      executablePath: required('ELECTRON_PATH'),
      args: [...(unaware ? ['-r', LOADER] : []), ...this.#args(folder, url)],
      chromiumSandbox: !isRoot, // Chromium's sandbox cannot start as root
      env: this.#appEnv(apiUrl, env),
      timeout: TIMEOUT_MS,
    });
    const app = new App(electronApp, createWriteStream(this.path('app.log'), { flags: 'a' }));
    this.#apps.add(app);
    await app.open();
    return app;
  }

  /**
   * Starts the app once more while it runs, as the system does to hand over a URL; answers the exit code of that second
   * start.
   */
  async startAgain({ apiUrl, app: folder = EXAMPLE, url, env = {} }) {
    const args = [...(isRoot ? ['--no-sandbox'] : []), ...this.#args(folder, url)];
    const second = spawn(required('ELECTRON_PATH'), args, {
      env: this.#appEnv(apiUrl, env),
      stdio: 'ignore',
      timeout: TIMEOUT_MS,
    });
    const [code] = await once(second, 'exit');
    return code;
  }

  /** Runs an app that ends by itself, without anybody attached to it; answers what it printed, a line of JSON. */
  async run({ apiUrl, app: folder, env = {} }) {
    const args = [...(isRoot ? ['--no-sandbox'] : []), ...this.#args(folder)];
    const options = { env: this.#appEnv(apiUrl, env), timeout: TIMEOUT_MS };
    const { stdout } = await promisify(execFile)(required('ELECTRON_PATH'), args, options);
    return JSON.parse(stdout);
  }

  /** Every IPC message of every start so far. */
  async messages() {
    const lines = (await readFile(this.path('ipc.jsonl'), 'utf8')).trim().split('\n');
    return lines.map((line) => JSON.parse(line));
  }

  #args(app, url) {
    const args = [`--user-data-dir=${this.path('user-data')}`, '--password-store=basic', app];
    return url === undefined ? args : [...args, url];
  }

  #appEnv(apiUrl, more = {}) {
    return withoutUndefined({
      ...this.env,
      LATCHKEY_API_URL: apiUrl,
      LATCHKEY_VAULT_DIR: this.vault,
      LATCHKEY_E2E_RECORD: this.path('ipc.jsonl'),
      ...more,
    });
  }

  async #startBus() {
    const bus = await startBus(this.path('run'));
    this.#services.push(bus);
    this.#busAddress = bus.address;
  }

  async #remove() {
    for (const app of this.#apps) await app.kill();
    for (const service of this.#services.reverse()) await service.stop();
    await rm(this.folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  }
}

export class App {
  #running = true;

  constructor(electronApp, log) {
    this.electron = electronApp;
    const process = electronApp.process();
    process.stdout.pipe(log, { end: false });
    process.stderr.pipe(log, { end: false });
    this.log = log;
    this.exited = new Promise((resolve) => process.once('exit', (code, signal) => resolve({ code, signal })));
  }

  async open() {
    this.page = await this.electron.firstWindow({ timeout: TIMEOUT_MS });
    this.page.setDefaultTimeout(TIMEOUT_MS);
    this.page.on('console', (message) => this.log.write(`[console] ${message.text()}\n`));
    this.page.on('pageerror', (error) => this.log.write(`[page error] ${error.stack}\n`));
  }

  /** Quits as a person does. */
  async quit() {
    this.#running = false;
    await this.electron.close();
  }

  /** `kill -9`. */
  async kill() {
    if (!this.#running) return;
    this.#running = false;
    this.electron.process().kill('SIGKILL');
    await this.exited;
  }

  /** How often an element with this test id was put into the page since the app started. */
  async insertions(testId) {
    return (await this.page.evaluate(() => window.e2e.insertions()))[testId] ?? 0;
  }
}

function required(name) {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set. "npm test" in the package's root sets it.`);
  return value;
}

function withoutUndefined(env) {
  return Object.fromEntries(Object.entries(env).filter(([, value]) => value !== undefined));
}
