// docs/format.md says enough that another implementation reads a vault: format-reader.mjs is one.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { DEMO_USER, startServer } from '../../electron-example/server/server.mjs';
import { root } from './blocks.mjs';
import { readVault } from './format-reader.mjs';

const { AuthSession, Vault } = createRequire(import.meta.url)('../../index.js');

const VECTORS = path.join(root, 'tests', 'vectors');

/** The table of tests/vectors.rs: what each file must answer. */
async function expected() {
  const source = await readFile(path.join(root, 'tests', 'vectors.rs'), 'utf8');
  const rows = [...source.matchAll(/\("(\w+)", (Ok|Err)\("([^"]+)"\)\)/g)];
  return new Map(rows.map(([, name, , answer]) => [name, answer]));
}

/** As the page has it: version 1, anchor 1, epoch 1, a key of 32 bytes 07, in the slot that the header of `valid` names. */
async function keychain() {
  const valid = await readFile(path.join(VECTORS, 'valid.latchkey'));
  const record = Buffer.concat([Buffer.from([1, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0]), Buffer.alloc(32, 7)]);
  const account = `latchkey-root-key.${valid.toString('hex', 108, 124)}`;
  return (name) => (name === account ? record.toString('base64') : null);
}

test('a reader written from the page gives the answer of the Rust tests for each vector', async () => {
  const answers = await expected();
  const item = await keychain();
  const files = (await readdir(VECTORS)).filter((name) => name.endsWith('.latchkey'));
  assert.equal(files.length, answers.size);
  const read = {};
  for (const file of files) {
    const name = path.basename(file, '.latchkey');
    if (name === 'valid_passphrase') continue; // Argon2id, which Node does not have
    const bytes = await readFile(path.join(VECTORS, file));
    try {
      read[name] = readVault(bytes, { vaultId: 'com.example.vectors', item }).names.get('key');
    } catch (error) {
      read[name] = error.message;
    }
  }
  answers.delete('valid_passphrase');
  assert.deepEqual(read, Object.fromEntries([...answers].sort()));
});

const linuxOnly = {
  skip: process.platform !== 'linux' && 'secret-tool, which shows the keychain item, is of Linux',
};

test(
  'the reader reads what the addon writes, and records have the fields that the page names',
  linuxOnly,
  async (t) => {
    const folder = await mkdtemp(path.join(tmpdir(), 'latchkey-format-'));
    t.after(() => rm(folder, { recursive: true, force: true }));
    const server = await startServer({ databaseFile: path.join(folder, 'auth.db') });
    t.after(() => server.close());
    const id = `com.example.format-${process.pid}`;

    const vault = await Vault.open({ id, path: path.join(folder, 'vault') });
    t.after(() => vault.close());
    await vault.set('kept', 'a text');
    await vault.set('bytes', Buffer.from([1, 2, 3]));
    await vault.set('gone', 'x');
    await vault.delete('gone');
    await vault.rotateKey();
    const provider = { type: 'better-auth', baseUrl: `${server.url}/api/auth` };
    const session = await AuthSession.open({ vault, provider, account: 'ada' });
    await session.signIn({ method: 'password', email: DEMO_USER.email, password: DEMO_USER.password });
    await AuthSession.activate(vault, 'ada');
    await session.close();

    const bytes = await readFile(path.join(folder, 'vault', 'vault.latchkey'));
    const account = `latchkey-root-key.${bytes.toString('hex', 108, 124)}`;
    const secret = await promisify(execFile)('secret-tool', ['lookup', 'service', id, 'username', account]);
    const item = (name) => (name === account ? secret.stdout.trim() : null);
    const { names, records } = readVault(bytes, { vaultId: id, item });
    assert.deepEqual(Object.fromEntries(names), { kept: 'a text', bytes: Buffer.from([1, 2, 3]) });
    assert.equal(records.get('active-account'), 'ada');
    const record = JSON.parse(records.get('session/ada'));
    assert.equal(record.user.email, DEMO_USER.email);
    const page = await readFile(path.join(root, 'docs', 'format.md'), 'utf8');
    const fields = [record, record.stamp, record.user, record.credentials].flatMap(Object.keys);
    assert.deepEqual(
      fields.filter((field) => !page.includes(`\`${field}\``)),
      [],
    );
  },
);
