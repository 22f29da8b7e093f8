// What a sealed store does beyond, and otherwise than, conf: isolation, frames, order, keys, refusals.
import assert from 'node:assert/strict';
import { statSync } from 'node:fs';
import { test } from 'node:test';
import { newName, newStore, plain, refusal, Store } from './store.mjs';

const REFUSED = 'ERR_INVALID_ARGUMENT';

/** How much the vault's file grows while `action` runs. */
function growth(store, action) {
  const before = statSync(store.path).size;
  action();
  return statSync(store.path).size - before;
}

test('what is read is the reader’s own, and what was given stays the giver’s', () => {
  const store = newStore({ defaults: { deep: { list: [{ a: 1 }] } } });
  const given = { list: [1], inner: { a: 1 } };
  store.set('given', given);
  given.inner.a = 2;
  for (const change of [
    () => (store.get('given').inner.a = 3),
    () => store.get('given').list.push(2),
    () => (store.store.given.inner.a = 4),
    () => ([...store].find(([key]) => key === 'given')[1].inner.a = 5),
    () => (store.get('deep').list[0].a = 6),
  ]) {
    change();
  }
  assert.deepEqual(plain(store.store), { deep: { list: [{ a: 1 }] }, given: { list: [1], inner: { a: 1 } } });
});

test('with `cache` what is read is frozen', () => {
  const store = newStore({ cache: true });
  store.set('a', { b: [1] });
  assert.throws(() => store.get('a').b.push(2), TypeError);
  assert.throws(() => (store.store.c = 1), TypeError);
  assert.equal(store.get('a'), store.get('a'));
});

test('values are what JSON makes of them', () => {
  const store = newStore();
  const date = new Date(0);
  store.set({ date, nan: Number.NaN, sparse: [undefined, 1], nested: { gone: undefined, fn() {}, kept: 1 } });
  assert.deepEqual(plain(store.store), {
    date: date.toJSON(),
    nan: null,
    sparse: [null, 1],
    nested: { kept: 1 },
  });
  const itself = {};
  itself.self = itself;
  assert.equal(
    refusal(() => store.set('itself', { itself })),
    REFUSED,
  );
  assert.equal(
    refusal(() => store.set('deep', { a: [{ big: 1n }] })),
    REFUSED,
  );
  store.store = { kept: 1, dropped() {}, also: Symbol('dropped'), none: undefined };
  assert.deepEqual(plain(store.store), { kept: 1 });
  for (const nothing of [null, [1], 'text', 1]) {
    store.store = nothing;
    assert.equal(store.size, 0);
  }
});

test('a batch is one frame, whatever it holds; what changes nothing is none', () => {
  const store = newStore();
  store.set('first', 1);
  const one = growth(store, () => store.set('a', 1));
  const many = Object.fromEntries(Array.from({ length: 50 }, (_, at) => [`key${at}`, at]));
  const batch = growth(store, () => store.set(many));
  assert.ok(batch < 50 * one, `${batch} bytes for 50 keys, ${one} for one`);
  for (const nothing of [
    () => store.set('a', 1),
    () => store.set(many),
    () => store.delete('missing'),
    () => store.reset('a'),
    () => Object.assign(store, { store: store.store }),
    () => newStore({ defaults: {} }),
  ]) {
    assert.equal(growth(store, nothing), 0, String(nothing));
  }
  assert.ok(growth(store, () => store.clear()) < 50 * one);
});

test('a change costs what it changes, not what the store holds', () => {
  const store = newStore();
  store.set('large', 'x'.repeat(100_000));
  assert.ok(growth(store, () => store.set('small', 'y')) < 1000);
});

test('a store that is only opened writes nothing, and one with defaults writes them once', () => {
  const store = newStore();
  const name = newName();
  assert.equal(
    growth(store, () => new Store({ name })),
    0,
  );
  const defaults = { a: 1 };
  assert.ok(growth(store, () => new Store({ name, defaults })) > 0);
  assert.equal(
    growth(store, () => new Store({ name, defaults })),
    0,
  );
});

test('keys keep their order: over sets, deletes, replacements and another opening', () => {
  const name = newName();
  const store = new Store({ name });
  const keys = () => [Object.keys(store.store), Object.keys(new Store({ name }).store)];
  const same = (order) => assert.deepEqual(keys(), [order, order]);
  store.set({ zebra: 1, apple: 1, mango: 1 });
  store.set('apple', 2);
  same(['zebra', 'apple', 'mango']);
  store.delete('apple');
  store.set('apple', 3);
  same(['zebra', 'mango', 'apple']);
  store.store = { apple: 1, new: 1, zebra: 1 };
  same(['apple', 'new', 'zebra']);
  store.store = { apple: 1, zebra: 1, last: 1 };
  same(['apple', 'zebra', 'last']);
});

const KEYS = [
  ['a', { a: 1 }],
  ['a.b', { a: { b: 1 } }],
  ['a[0]', { a: [1] }],
  ['a.0', { a: [1] }],
  ['a[0].b', { a: [{ b: 1 }] }],
  ['a[0][1]', { a: [[null, 1]] }],
  ['[0]', { 0: 1 }],
  ['a.[0]', { a: { '': [1] } }],
  ['a\\.b', { 'a.b': 1 }],
  ['a\\[0]', { 'a[0]': 1 }],
  ['a\\\\.b', { 'a\\': { b: 1 } }],
  ['a[]', { 'a[]': 1 }],
  ['a]', { 'a]': 1 }],
  ['a.01', { a: { '01': 1 } }],
  ['', { '': 1 }],
  ['.', { '': { '': 1 } }],
  ['a..b', { a: { '': { b: 1 } } }],
  ['a.1000001', { a: { 1000001: 1 } }],
  ['a.b\\', { a: { 'b\\': 1 } }],
];

for (const [key, expected] of KEYS) {
  test(`the key ${JSON.stringify(key)} leads where dot-prop leads it`, () => {
    const store = newStore();
    store.set(key, 1);
    assert.deepEqual(plain(store.store), expected);
    assert.deepEqual([store.get(key), store.has(key)], [1, true]);
    store.delete(key);
    assert.equal(store.has(key), false);
  });
}

for (const key of ['a[x', 'a[x]', 'a[0]b', 'a[1', 'a[0.b']) {
  test(`the key ${key} is no path, for any call`, () => {
    const store = newStore();
    for (const call of [
      () => store.set(key, 1),
      () => store.set({ [key]: 1 }),
      () => store.get(key),
      () => store.has(key),
      () => store.delete(key),
      () => store.reset(key),
      () => store.appendToArray(key, 1),
      () => store.onDidChange(key, () => 0),
      () => newStore({ defaults: { [key]: 1 } }),
    ]) {
      assert.equal(refusal(call) === REFUSED || String(call).includes('onDidChange'), true, String(call));
    }
  });
}

test('nothing is stored under the names that reach into every object, and nothing is read there', () => {
  const store = newStore();
  for (const key of [
    '__proto__',
    'constructor',
    'prototype',
    'a.__proto__.b',
    'a.constructor',
    '__proto__[0]',
  ]) {
    store.set(key, { polluted: true });
    assert.deepEqual(
      [store.get(key), store.get(key, 'default'), store.has(key)],
      [undefined, 'default', false],
    );
  }
  assert.equal({}.polluted, undefined);
  assert.equal(store.get('toString'), undefined);
  assert.equal(store.get('a.toString'), undefined);
  const literal = newStore({ accessPropertiesByDotNotation: false });
  literal.set('__proto__', { a: 1 });
  assert.deepEqual(literal.get('__proto__'), { a: 1 });
  store.set('json', JSON.parse('{"__proto__":{"b":2}}'));
  assert.deepEqual(Object.keys(store.get('json')), ['__proto__']);
});

test('the key of conf’s bookkeeping is refused, by every spelling', () => {
  const store = newStore();
  for (const key of ['__internal__', '__internal__.migrations', '\\__internal__', '__internal__[0]']) {
    for (const call of [() => store.set(key, 1), () => store.set({ [key]: 1 }), () => store.delete(key)]) {
      assert.equal(refusal(call), REFUSED, key);
    }
  }
  store.store = { __internal__: { migrations: { version: '9.0.0' } }, kept: 1 };
  assert.deepEqual(plain(store.store), { kept: 1 });
});

test('keys and listeners that are none are refused', () => {
  const store = newStore();
  for (const key of [1, null, undefined, {}]) {
    for (const call of [
      () => store.get(key),
      () => store.has(key),
      () => store.delete(key),
      () => store.reset(key),
      () => store.appendToArray(key, 1),
      () => store.onDidChange(key, () => 0),
    ]) {
      assert.equal(refusal(call), REFUSED);
    }
  }
  assert.equal(
    refusal(() => store.onDidChange('a', 1)),
    REFUSED,
  );
  assert.equal(
    refusal(() => store.onDidAnyChange()),
    REFUSED,
  );
  assert.equal(
    refusal(() => store.set('\ud800', 1)),
    REFUSED,
  );
});

test('a batch with one value that is refused changes nothing', () => {
  const store = newStore({ schema: { port: { type: 'number' } } });
  store.set('kept', 1);
  assert.equal(
    refusal(() => store.set({ kept: 2, port: 'text' })),
    'ERR_SCHEMA_VIOLATION',
  );
  assert.equal(
    refusal(() => store.set({ kept: 3, bad: 1n })),
    REFUSED,
  );
  assert.equal(
    refusal(() => store.set('l'.repeat(20_000), 1)),
    REFUSED,
  );
  assert.deepEqual(plain(store.store), { kept: 1 });
});

test('an array holds its elements only, and closes the gap of one that is removed', () => {
  const store = newStore();
  store.set('list', ['a', 'b', 'c']);
  assert.equal(
    refusal(() => store.set('list.length', 0)),
    REFUSED,
  );
  store.delete('list[1]');
  store.delete('list.length');
  assert.deepEqual(store.get('list'), ['a', 'c']);
});

test('in an object of several keys the one that leads deeper wins', () => {
  const store = newStore();
  store.set({ 'a.b': 1, a: { b: 2, c: 3 } });
  assert.deepEqual(store.get('a'), { b: 1, c: 3 });
});

test('a default comes back to a key that is removed, and not to one below it', () => {
  const store = newStore({ defaults: { theme: 'dark', window: { width: 1 }, 'panel.open': true } });
  store.delete('theme');
  store.delete('window.width');
  store.delete('panel');
  assert.deepEqual(plain(store.store), { window: {}, theme: 'dark', panel: { open: true } });
  store.reset('window.width', 'missing');
  assert.equal(store.get('window.width'), 1);
});

test('`events` dispatches a change for every write, and listeners are told once', () => {
  const store = newStore();
  let writes = 0;
  const heard = [];
  store.events.addEventListener('change', () => writes++);
  store.onDidChange('a', function (now, before) {
    heard.push([now, before, this === store]);
  });
  store.set('a', { b: 1 });
  store.set('a', { b: 1 });
  store.set('other', 1);
  store.clear();
  assert.equal(writes, 4);
  assert.deepEqual(heard, [
    [{ b: 1 }, undefined, true],
    [undefined, { b: 1 }, true],
  ]);
});

test('a listener may write', () => {
  const store = newStore();
  store.onDidChange('a', (now) => store.set('copy', now));
  store.set('a', 1);
  assert.deepEqual(plain(store.store), { a: 1, copy: 1 });
});

test('an editor is refused, with what to do instead', async () => {
  await assert.rejects(newStore().openInEditor(), { name: 'LatchkeyError', code: 'ERR_NOT_SUPPORTED' });
});

test('initRenderer does nothing in main, and is refused elsewhere', (t) => {
  assert.equal(Store.initRenderer(), undefined);
  process.type = 'renderer';
  t.after(() => delete process.type);
  assert.equal(
    refusal(() => Store.initRenderer()),
    'ERR_WRONG_PROCESS',
  );
});

test('loads with require, and as the default of an import', async () => {
  const imported = await import('electron-latchkey/store');
  assert.equal(imported.default, Store);
  assert.equal(Store.default, Store);
});

test('`serialize` may use a store, and its format is read by what wrote it only', () => {
  const other = newStore();
  const name = newName();
  const options = {
    name,
    serialize(value) {
      other.set('calls', other.get('calls', 0) + 1);
      return Buffer.from(`#${JSON.stringify(value)}`);
    },
    deserialize: (text) => JSON.parse(text.slice(1)),
  };
  const store = new Store(options);
  store.set({ a: { b: 1 }, c: 2 });
  store.set('a.b', 3);
  assert.deepEqual(plain(store.store), { a: { b: 3 }, c: 2 });
  assert.equal(other.get('calls'), 2);
  assert.deepEqual(plain(new Store(options).store), { a: { b: 3 }, c: 2 });
  assert.equal(
    refusal(() => new Store({ name })),
    REFUSED,
  );
});

test('a store takes up a format of its own, and leaves it again', () => {
  const name = newName();
  new Store({ name }).set({ a: 1, b: 2 });
  const serialize = (value) => JSON.stringify(value, null, 2);
  const store = new Store({ name, serialize });
  assert.deepEqual(plain(store.store), { a: 1, b: 2 });
  store.delete('a');
  assert.deepEqual(plain(new Store({ name, serialize }).store), { b: 2 });
  const back = new Store({ name });
  assert.deepEqual(plain(back.store), { b: 2 });
  back.set('c', 3);
  assert.deepEqual(plain(new Store({ name }).store), { b: 2, c: 3 });
});
