// Looks into the vault that an app left behind, with the addon and the keyring that the app used.
import { execFile } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const READER = fileURLToPath(new URL('./stored-token.mjs', import.meta.url));

/** The session token in a computer's vault, or null when it holds none. The app must have quit. */
export async function storedToken({ env, vault }, apiUrl) {
  const { stdout } = await promisify(execFile)(process.execPath, [READER, vault, apiUrl], { env });
  return JSON.parse(stdout);
}

/** All bytes of the vault's files. */
export async function sealedBytes({ vault }) {
  const names = await readdir(vault);
  return Buffer.concat(await Promise.all(names.map((name) => readFile(join(vault, name)))));
}
