// The example's server: a real Better Auth on loopback, started as a child.

import { mkdir } from 'node:fs/promises';
import { createServer } from 'node:net';
import path from 'node:path';
import { ready, start } from './processes.mjs';
import { example } from './repo.mjs';

/** The port people see in their notes; another is taken when it is in use. */
const USUAL_PORT = 4711;

/** Starts it and answers `{ url, child }`. `onOutput` sees what it logs. */
export async function startExampleServer({ databaseFile, onOutput }) {
  await mkdir(path.dirname(databaseFile), { recursive: true });
  const port = (await isFree(USUAL_PORT)) ? USUAL_PORT : await freePort();
  const child = start(process.execPath, ['server/index.mjs'], {
    cwd: example,
    env: { ...process.env, PORT: String(port), DATABASE_FILE: databaseFile },
  });
  if (onOutput) for (const stream of [child.stdout, child.stderr]) stream.on('data', onOutput);
  const [, url] = await ready(child, { name: 'The server', pattern: /^listening (http:\S+)/m });
  return { url, child };
}

async function isFree(port) {
  return (await listenOnce(port)) !== null;
}

async function freePort() {
  return listenOnce(0);
}

// The port that could be listened on, or null when it is taken.
function listenOnce(port) {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(null));
    probe.listen(port, '127.0.0.1', () => {
      const { port: taken } = probe.address();
      probe.close(() => resolve(taken));
    });
  });
}
