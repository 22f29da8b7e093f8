// The two programs that measure, each started anew for one measurement: the Electron app in main/, and a Node process for
// node/. Both under a keyring of their own, in a folder that goes away.

import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { openDisplay } from '../scripts/display.mjs';
import { electronExecutable } from '../scripts/electron-runtime.mjs';
import { atEnd, run } from '../scripts/processes.mjs';
import { cache, root } from '../scripts/repo.mjs';
import { sandboxArguments } from '../scripts/sandbox.mjs';
import { openPrivateSecretService } from '../scripts/secret-service.mjs';

/** Far above what any one measurement takes. */
const MEASUREMENT_TIMEOUT_MS = 5 * 60_000;

/** `{ folder, inElectron, inNode }`. `package`: the folder of the Latchkey to measure, if it is not the checkout. */
export async function openPrograms({ package: measured }) {
  const [display, secrets] = [await openDisplay(), await openPrivateSecretService()];
  console.log(`· Keychain: ${secrets.note}`);
  // On the disk of the checkout: the system's temporary folder may be memory.
  const base = process.env.LATCHKEY_BENCH_DIR ?? path.join(cache, 'bench');
  await mkdir(base, { recursive: true });
  const folder = await mkdtemp(path.join(base, 'run-'));
  atEnd(() => rm(folder, { recursive: true, force: true }));
  const resultFile = path.join(folder, 'result.json');
  const env = {
    ...process.env,
    ...display.env,
    ...secrets.env,
    ...(measured ? { LATCHKEY_BENCH_PACKAGE: measured } : {}),
  };

  const measureWith = (program, args) => async (measurement, options) => {
    const LATCHKEY_BENCH = JSON.stringify({ measurement, options, resultFile });
    const running = run(program, args, {
      env: { ...env, LATCHKEY_BENCH },
      timeoutMs: MEASUREMENT_TIMEOUT_MS,
    });
    await running.catch((error) => {
      throw new Error(`${measurement}: ${error.message}\n${error.output}`);
    });
    return JSON.parse(await readFile(resultFile, 'utf8'));
  };
  const electronArguments = [
    ...sandboxArguments(),
    ...display.args,
    ...(process.platform === 'linux' ? ['--password-store=gnome-libsecret'] : []),
    `--user-data-dir=${path.join(folder, 'electron')}`,
    path.join(root, 'bench'),
  ];
  return {
    folder,
    inElectron: measureWith(electronExecutable(), electronArguments),
    inNode: measureWith(process.execPath, [path.join(root, 'bench/node/index.mjs')]),
  };
}
