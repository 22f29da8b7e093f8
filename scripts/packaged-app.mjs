// A packaged app, started and taken by its window. Its fuses let no debugger into the main process, which is how Playwright
// usually holds an Electron; what remains is the page's own DevTools protocol.

import { once } from 'node:events';
import { createRequire } from 'node:module';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { ready, start, stop } from './processes.mjs';
import { example } from './repo.mjs';

/** Above what a start or an end takes on a busy machine. */
const PATIENCE_MS = 30_000;

const POLL_MS = 50;

/**
 * Starts it. Answers what of Playwright's ElectronApplication needs no main process, `process()`, `firstWindow()` and
 * `close()`, and what it has `said()`.
 */
export async function launchPackaged(executable, { args = [], env = process.env } = {}) {
  const child = start(executable, ['--remote-debugging-port=0', ...args], { env });
  const output = [];
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => output.push(chunk));
  const [, port] = await ready(child, {
    name: path.basename(executable),
    pattern: /^DevTools listening on ws:\/\/127\.0\.0\.1:(\d+)\//m,
    stream: child.stderr,
    timeoutMs: PATIENCE_MS,
  });
  const endpoint = `http://127.0.0.1:${port}`;
  await pageIsLoaded(endpoint);
  const { chromium } = createRequire(path.join(example, 'package.json'))('playwright-core');
  // Electron has no contexts like a browser's to set defaults in.
  const browser = await chromium.connectOverCDP(endpoint, { noDefaults: true, timeout: PATIENCE_MS });
  const [context] = browser.contexts();
  const pages = () => context.pages();

  return {
    process: () => child,
    /** Ends it, however it is. */
    kill: () => stop(child),
    /** What it has printed so far. */
    said: () => Buffer.concat(output).toString(),
    async firstWindow({ timeout = PATIENCE_MS } = {}) {
      return pages()[0] ?? context.waitForEvent('page', { timeout });
    },
    /** Ends it as a person does, by closing its windows; answers the exit code. */
    async close() {
      if (child.exitCode !== null) return child.exitCode;
      const exited = once(child, 'exit', { signal: AbortSignal.timeout(PATIENCE_MS) });
      const closed = Promise.all(pages().map((page) => page.close()));
      await closed.catch(() => {}); // the connection may end first
      try {
        return (await exited)[0];
      } finally {
        await stop(child);
      }
    },
  };
}

// Attaching to a window that is just being made now and then hangs.
async function pageIsLoaded(endpoint) {
  const deadline = Date.now() + PATIENCE_MS;
  while (Date.now() < deadline) {
    const targets = await (await fetch(`${endpoint}/json/list`)).json();
    if (targets.some(({ type, title }) => type === 'page' && title !== '')) return;
    await wait(POLL_MS);
  }
  throw new Error(`no window was loaded within ${PATIENCE_MS / 1000} s`);
}
