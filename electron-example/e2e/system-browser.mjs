// The system's browser, as far as an app sees it: the program that Electron starts to open an address. It notes where it was
// sent, and the test plays the person. Linux: elsewhere the system is asked without a program.
import { watch } from 'node:fs';
import { appendFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';

const TIMEOUT_MS = 30_000;

export class SystemBrowser {
  /** Installs it on this computer, for apps that are started from now on. */
  static async install(computer) {
    const folder = computer.path('bin');
    const browser = new SystemBrowser(computer.path('opened'));
    await mkdir(folder);
    await appendFile(browser.#file, '');
    await program(join(folder, 'xdg-open'), `printf '%s\\n' "$1" >> '${browser.#file}'`);
    await program(join(folder, 'xdg-settings'), `printf '%s\\n' "$*" >> '${computer.path('xdg-settings')}'`);
    computer.extraEnv.PATH = `${folder}${delimiter}${process.env.PATH}`;
    return browser;
  }

  #file;
  #seen = 0;

  constructor(file) {
    this.#file = file;
  }

  /** Every address that it was sent to so far. */
  async opened() {
    return (await readFile(this.#file, 'utf8')).split('\n').slice(0, -1);
  }

  /** The next address that it is sent to. */
  async next() {
    const changes = new AbortController();
    const timer = setTimeout(() => changes.abort(), TIMEOUT_MS);
    try {
      const wait = changesOf(this.#file, changes.signal);
      for (;;) {
        const url = (await this.opened())[this.#seen];
        if (url !== undefined) {
          this.#seen += 1;
          return url;
        }
        await wait();
      }
    } finally {
      clearTimeout(timer);
      changes.abort();
    }
  }
}

/** What waits for the next change of a file since it was called last. */
function changesOf(file, signal) {
  let changed = false;
  let wake = () => undefined;
  const watcher = watch(file, () => {
    changed = true;
    wake();
  });
  signal.addEventListener('abort', () => {
    watcher.close();
    wake();
  });
  return async () => {
    if (!changed && !signal.aborted) {
      await new Promise((resolve) => {
        wake = resolve;
      });
    }
    changed = false;
    if (signal.aborted) throw new Error('the browser was not opened');
  };
}

async function program(path, line) {
  await writeFile(path, `#!/bin/sh\n${line}\n`, { mode: 0o755 });
}
