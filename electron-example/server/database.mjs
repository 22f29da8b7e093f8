// The libsql file that holds users and sessions, and the secret that signs its sessions.
import { randomBytes } from 'node:crypto';
import { mkdir, open, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { LibsqlDialect } from '@libsql/kysely-libsql';
import { Kysely } from 'kysely';

const OWNER_ONLY_FILE = 0o600;
const OWNER_ONLY_DIRECTORY = 0o700;
const SECRET_BYTES = 32;

/**
 * Opens the database file, making it when it is absent.
 *
 * The secret lives beside the file, because the two belong together: sessions signed with another
 * secret are worthless, and a new database must not inherit an old one's secret.
 *
 * @param {string} file path of the database file
 * @returns {Promise<{ db: Kysely<any>, secret: string, close(): Promise<void> }>}
 */
export async function openDatabase(file) {
  await mkdir(path.dirname(file), { recursive: true, mode: OWNER_ONLY_DIRECTORY });
  // SQLite would create the file readable by everyone the umask lets in. Its journals copy its mode.
  await (await open(file, 'a', OWNER_ONLY_FILE)).close();
  const secret = await readOrCreateSecret(`${file}.secret`);
  const db = new Kysely({ dialect: new LibsqlDialect({ url: pathToFileURL(file).href }) });
  return { db, secret, close: () => db.destroy() };
}

async function readOrCreateSecret(file) {
  try {
    // 'wx' never overwrites: a second secret would end every session signed with the first.
    await writeFile(file, randomBytes(SECRET_BYTES).toString('base64url'), {
      flag: 'wx',
      mode: OWNER_ONLY_FILE,
    });
  } catch (error) {
    if (error.code !== 'EEXIST') throw error;
  }
  const secret = (await readFile(file, 'utf8')).trim();
  if (Buffer.from(secret, 'base64url').length < SECRET_BYTES) {
    throw new Error(
      `${file} is not a secret of this server. Remove it to make a new one; everyone signs in again.`,
    );
  }
  return secret;
}
