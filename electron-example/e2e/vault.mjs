// Looks into the vault that an app left behind, with the addon and the keyring that the app used.
import { execFile } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

/** The session token in a computer's vault, or null when it holds none. The app must have quit. */
export function storedToken({ env, vault }, apiUrl) {
  return read('./stored-token.mjs', [vault, apiUrl], env);
}

/** The anomalies that a computer's vault keeps. */
export function storedAnomalies({ env, vault }) {
  return read('./stored-anomalies.mjs', [vault], env);
}

async function read(script, args, env) {
  const path = fileURLToPath(new URL(script, import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, [path, ...args], { env });
  return JSON.parse(stdout);
}

/** All bytes of the vault's files. */
export async function sealedBytes({ vault }) {
  const names = await readdir(vault);
  return Buffer.concat(await Promise.all(names.map((name) => readFile(join(vault, name)))));
}
