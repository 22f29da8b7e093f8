// A disk that is full, and a file that somebody changed: nothing is lost, and nothing is accepted. electron-store beside it.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { defaultVault, folder, loadElectronStore, newName, plain, refusal, Store } from './store.mjs';

const ElectronStore = loadElectronStore();

/** A disk of `kib` KiB; null, said loudly, where mounting is not allowed. */
function smallDisk(t, kib) {
  const path = join(folder, newName());
  mkdirSync(path);
  const { status, stderr } = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${kib}k`, 'tmpfs', path]);
  if (status !== 0) {
    t.skip(`mounting a tmpfs needs root on Linux: ${stderr}`);
    return null;
  }
  t.after(() => {
    defaultVault.close();
    spawnSync('umount', ['--lazy', path]);
  });
  return path;
}

test('a full disk: the write fails, what was there stays, and it goes on once there is room', (t) => {
  const disk = smallDisk(t, 512);
  if (disk === null) return;
  const ours = new Store({ cwd: disk, name: 'ours' });
  const theirs = new ElectronStore({ cwd: join(disk, 'theirs') });
  for (const store of [ours, theirs]) store.set({ token: 'kept', large: 'x'.repeat(20_000) });
  const before = plain(ours.store);

  const filler = join(disk, 'filler');
  fill(filler);
  let heard = 0;
  ours.events.addEventListener('change', () => heard++);
  for (const change of [
    () => ours.set('more', 'y'.repeat(20_000)),
    () => ours.set({ token: 'z'.repeat(20_000), more: 1 }),
    () => (ours.store = { large: 'w'.repeat(40_000) }),
  ]) {
    assert.equal(refusal(change), 'ERR_VAULT_IO');
    assert.deepEqual(plain(ours.store), before);
  }
  assert.equal(heard, 0);
  assert.throws(() => theirs.set('more', 'y'.repeat(20_000)), { code: 'ENOSPC' });

  rmSync(filler);
  ours.set('more', 'fits');
  theirs.set('more', 'fits');
  assert.deepEqual(plain(ours.store), { ...before, more: 'fits' });
  assert.deepEqual(plain(theirs.store), { ...before, more: 'fits' });
  defaultVault.close();
  assert.deepEqual(plain(new Store({ cwd: disk, name: 'ours' }).store), { ...before, more: 'fits' });
});

function fill(path) {
  for (let _size = 0; ; _size += 4096) {
    try {
      writeFileSync(path, Buffer.alloc(4096), { flag: 'a' });
    } catch (error) {
      assert.equal(error.code, 'ENOSPC');
      return;
    }
  }
}

const FORGED = JSON.stringify({ token: 'forged', isAdmin: true });

test('plaintext JSON in the file’s place is refused, and electron-store takes it', () => {
  const cwd = join(folder, newName());
  const options = { cwd, name: 'settings', clearInvalidConfig: true };
  const ours = new Store(options);
  const theirs = new ElectronStore({ ...options, cwd: join(cwd, 'theirs'), encryptionKey: 'a key' });
  for (const store of [ours, theirs]) store.set('token', 'real');

  for (const store of [ours, theirs]) {
    renameSync(store.path, `${store.path}.aside`);
    writeFileSync(store.path, FORGED);
  }
  assert.equal(theirs.get('token'), 'forged');
  assert.match(
    refusal(() => ours.get('token')),
    /^ERR_VAULT_(CORRUPT|TAMPERED)$/,
  );
  assert.match(
    refusal(() => ours.set('token', 'mine')),
    /^ERR_VAULT_(CORRUPT|TAMPERED)$/,
  );
  defaultVault.close();
  // Not even an app that clears what is invalid: what cannot be decrypted is never overwritten.
  assert.equal(
    refusal(() => new Store(options)),
    'ERR_VAULT_CORRUPT',
  );
  assert.equal(readFileSync(ours.path, 'utf8'), FORGED);

  renameSync(`${ours.path}.aside`, ours.path);
  assert.equal(new Store(options).get('token'), 'real');
});

for (const [what, damage] of [
  [
    'a changed byte',
    (bytes) => bytes.fill(bytes[bytes.length - 100] ^ 1, bytes.length - 100, bytes.length - 99),
  ],
  ['text at the end', (bytes) => Buffer.concat([bytes, Buffer.from('corrupt file'.repeat(8))])],
]) {
  test(`${what} is refused, and the file is left as it is`, () => {
    const options = { cwd: join(folder, newName()), clearInvalidConfig: true };
    const store = new Store(options);
    store.set({ token: 'real', more: 'x'.repeat(500) });
    defaultVault.close();
    const damaged = damage(readFileSync(store.path));
    writeFileSync(store.path, damaged);
    assert.match(
      refusal(() => new Store(options)),
      /^ERR_VAULT_(CORRUPT|TAMPERED)$/,
    );
    assert.deepEqual(readFileSync(store.path), damaged);
  });
}

test('a store whose vault was closed says so, and a new one opens it again', () => {
  const name = newName();
  const store = new Store({ name });
  store.set('a', 1);
  defaultVault.close();
  for (const call of [() => store.get('a'), () => store.set('a', 2), () => store.size, () => store.clear()]) {
    assert.equal(refusal(call), 'ERR_VAULT_CLOSED');
  }
  assert.equal(new Store({ name }).get('a'), 1);
});

test('no value and no key of a store lies on the disk in the clear', () => {
  const store = new Store({ name: newName() });
  store.set('a-telling-key', 'a-telling-value');
  const bytes = readFileSync(store.path, 'latin1');
  assert.ok(!bytes.includes('telling'));
});
