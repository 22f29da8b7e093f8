// A store in several processes: what others write is seen, and nobody's write is lost.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { startChild } from '../../__test__/child.mjs';
import { folder, loadElectronStore, newName, plain, Store, VAULT } from './store.mjs';

const ElectronStore = loadElectronStore();
const PROCESSES = 4;
const WRITES = 60;

/** What the work of a child begins with: the functions are sent as text. */
const inStore = {
  root: fileURLToPath(new URL('../../package.json', import.meta.url)),
  vault: { ...VAULT, path: join(folder, 'vault') },
};

/** Runs `act(store, argument)` in another process, on the store with this name. */
async function elsewhere(t, name, act, argument) {
  const work = async ({ say, hear }, { root, vault, options, source, given }) => {
    const { createRequire } = await import('node:module');
    const load = createRequire(root);
    load('electron-latchkey/default-vault').configure(vault);
    const Store = load('electron-latchkey/store');
    const act = new Function(`return (${source})`)();
    return act(new Store(options), given, { say, hear, Store });
  };
  const child = startChild(t, work, { ...inStore, options: { name }, source: String(act), given: argument });
  const result = await child.result();
  assert.equal(result?.error, undefined, JSON.stringify(result));
  return result;
}

test('what another process wrote is seen by the next read', async (t) => {
  const name = newName();
  const store = new Store({ name });
  store.set({ mine: 1, both: { a: 1 } });
  await elsewhere(t, name, (other) => {
    other.set('theirs', other.get('mine') + 1);
    other.set('both.b', 2);
    other.delete('mine');
  });
  assert.deepEqual(plain(store.store), { both: { a: 1, b: 2 }, theirs: 2 });
  store.set('both.c', 3);
  assert.deepEqual(await elsewhere(t, name, (other) => other.get('both')), { a: 1, b: 2, c: 3 });
});

test('with `watch` listeners hear of it, and of every store’s writes only once', async (t) => {
  const name = newName();
  const store = new Store({ name, watch: true });
  t.after(() => store._closeWatcher());
  store.set('a', 1);
  const heard = [];
  const changed = new Promise((resolve) =>
    store.onDidChange('a', (...values) => {
      heard.push(values);
      if (values[0] === 3) resolve();
    }),
  );
  const any = [];
  store.onDidAnyChange((now, before) => any.push([plain(now), plain(before)]));
  store.set('a', 2);
  const held = setInterval(() => 0, 1000); // listening does not hold the process
  t.after(() => clearInterval(held));
  await elsewhere(t, name, (other) => other.set('a', 3));
  await changed;
  assert.deepEqual(heard, [
    [2, 1],
    [3, 2],
  ]);
  assert.deepEqual(any, [
    [{ a: 2 }, { a: 1 }],
    [{ a: 3 }, { a: 2 }],
  ]);
});

test('an instance beside it in the same process counts as another', async (t) => {
  const name = newName();
  const store = new Store({ name, watch: true });
  const held = setInterval(() => 0, 1000);
  t.after(() => {
    store._closeWatcher();
    clearInterval(held);
  });
  const changed = once(store.events, 'change');
  new Store({ name }).set('a', 1);
  await changed;
  assert.equal(store.get('a'), 1);
});

test('after _closeWatcher nothing is heard of others', async (t) => {
  const name = newName();
  const [closed, open] = [new Store({ name, watch: true }), new Store({ name, watch: true })];
  const held = setInterval(() => 0, 1000);
  t.after(() => {
    open._closeWatcher();
    clearInterval(held);
  });
  closed._closeWatcher();
  closed.events.addEventListener('change', () => assert.fail('heard'));
  const changed = once(open.events, 'change');
  new Store({ name }).set('a', 1);
  await changed;
  assert.equal(closed.get('a'), 1);
});

/** Starts `PROCESSES` writers of both kinds of store on one store each, and waits for their ends. */
async function race(t, latchkey, electronStore) {
  const work = async ({ say, hear }, { root, vault, latchkey, electronStore, writer, writes }) => {
    const { createRequire, default: Module } = await import('node:module');
    const load = createRequire(root);
    const { _load } = Module;
    Module._load = (request, ...rest) => (request === 'electron' ? {} : _load(request, ...rest));
    load('electron-latchkey/default-vault').configure(vault);
    const ours = new (load('electron-latchkey/store'))(latchkey);
    const theirs = new (load('electron-store'))(electronStore);
    await say('ready');
    await hear();
    for (const store of [ours, theirs]) {
      for (let number = 0; number < writes; number++) {
        store.set(`writer${writer}-${number}`, number);
        store.set(`shared.of${writer}`, number);
        store.set('count', store.get('count', 0) + 1);
      }
    }
  };
  const writers = Array.from({ length: PROCESSES }, (_, writer) =>
    startChild(t, work, { ...inStore, latchkey, electronStore, writer, writes: WRITES }),
  );
  await Promise.all(writers.map((writer) => writer.heard()));
  for (const writer of writers) writer.tell('go');
  for (const writer of writers) assert.equal(await writer.result(), undefined);
}

/** How many of the keys that all writers wrote are there. */
function kept(store) {
  let count = 0;
  for (let writer = 0; writer < PROCESSES; writer++) {
    for (let number = 0; number < WRITES; number++) if (store.has(`writer${writer}-${number}`)) count++;
  }
  return count;
}

test(`${PROCESSES} processes write ${WRITES} keys each: none is lost, where electron-store loses some`, {
  timeout: 180_000,
}, async (t) => {
  const cwd = await mkdtemp(join(tmpdir(), 'latchkey-electron-store-'));
  t.after(() => rm(cwd, { recursive: true, force: true }));
  const name = newName();
  const store = new Store({ name });
  await race(t, { name }, { cwd });
  const theirs = new ElectronStore({ cwd });
  const all = PROCESSES * WRITES;
  t.diagnostic(`of ${all} keys Latchkey kept ${kept(store)}, electron-store ${kept(theirs)}`);
  assert.equal(kept(store), all);
  const last = Array.from({ length: PROCESSES }, (_, writer) => [`of${writer}`, WRITES - 1]);
  assert.deepEqual(store.get('shared'), Object.fromEntries(last));
  assert.equal(store.size, all + 2);
  // What two processes read before either writes is beyond any store; it is never less than the most of one.
  assert.ok(store.get('count') >= WRITES);
  assert.ok(kept(theirs) < all, 'electron-store lost nothing: the race was none');
});

test('processes append to one array, and no item is lost', { timeout: 120_000 }, async (t) => {
  const name = newName();
  const append = (store, writer) => {
    for (let number = 0; number < 40; number++) store.appendToArray('list', `${writer} ${number}`);
  };
  const writers = Array.from({ length: 3 }, (_, writer) => elsewhere(t, name, append, writer));
  await Promise.all(writers);
  assert.equal(new Set(new Store({ name }).get('list')).size, 120);
});

test('processes that start at once migrate once', { timeout: 120_000 }, async (t) => {
  const name = newName();
  new Store({ name }).set('count', 0);
  const migrate = (_store, given, { Store }) => {
    const step = (store) => {
      const before = store.get('count');
      const until = Date.now() + 50; // long enough for the others to begin
      while (Date.now() < until);
      store.set('count', before + 1);
    };
    new Store({ name: given, projectVersion: '1.0.0', migrations: { '1.0.0': step } });
  };
  await Promise.all(Array.from({ length: 3 }, () => elsewhere(t, name, migrate, name)));
  assert.equal(new Store({ name }).get('count'), 1);
});

test('a process that is killed in the middle of its writes loses none that returned', async (t) => {
  const name = newName();
  const work = async ({ say }, { root, vault, name }) => {
    const { createRequire } = await import('node:module');
    const load = createRequire(root);
    load('electron-latchkey/default-vault').configure(vault);
    const store = new (load('electron-latchkey/store'))({ name });
    for (let number = 0; ; number++) {
      store.set({ number, batch: Array.from({ length: 20 }, () => number) });
      if (number % 10 === 0) await say(number);
    }
  };
  const child = startChild(t, work, { ...inStore, name });
  let acknowledged;
  for (let times = 0; times < 5; times++) acknowledged = await child.heard();
  child.kill('SIGKILL');
  await child.exited;
  const { number, batch } = new Store({ name }).store;
  assert.ok(number >= acknowledged);
  assert.deepEqual(batch, Array(20).fill(number));
});
