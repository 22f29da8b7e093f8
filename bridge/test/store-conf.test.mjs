// What conf's own suite asks of a store (conf 15.0.2, the newest whose suite is published; where conf 16 does otherwise, as
// conf 16 does). One row for each of its cases, written anew against `Store`, and the list of those that ask something else.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { newName, newStore, plain, refusal, Store, stored } from './store.mjs';

const horse = '🐴';
const unicorn = '🦄';
const REFUSED = 'ERR_INVALID_ARGUMENT';
const VIOLATION = 'ERR_SCHEMA_VIOLATION';

const nullProto = (values) => Object.assign(Object.create(null), values);
const setter = (key, value) => (store) => store.set(key, value);
const throwing = (message) => () => {
  throw new Error(message);
};
/** Opens a store again, as the next version of an app does. */
const open = (name, projectVersion, migrations, options) =>
  new Store({ name, projectVersion, migrations, ...options });

function emptyArrays(store) {
  store.set('empty', []);
  store.appendToArray('empty', 'item');
  assert.deepEqual(store.get('empty'), ['item']);
  for (const item of ['a', 'b', 'c']) store.appendToArray('several', item);
  assert.deepEqual(store.get('several'), ['a', 'b', 'c']);
}

function notArrays(store) {
  store.set({ text: 'text', number: 42, object: { a: 1 }, nested: { no: false } });
  for (const key of ['text', 'number', 'object', 'nested.no']) {
    assert.equal(
      refusal(() => store.appendToArray(key, 'item')),
      REFUSED,
      key,
    );
  }
}

const notJson = [undefined, () => 1, Symbol('a'), 1n];

const ROWS = {
  '.get()': (store) => {
    assert.equal(store.get('foo'), undefined);
    assert.equal(store.get('foo', horse), horse);
    store.set('foo', unicorn);
    assert.equal(store.get('foo'), unicorn);
  },
  '.get() - `defaults` option': () => {
    const store = newStore({ defaults: { foo: 42, nested: { bar: 55 } } });
    assert.deepEqual([store.get('foo'), store.get('nested.bar')], [42, 55]);
  },
  '.get() - `schema` option - default (fails in conf, and here)': () => {
    const nested = { type: 'object', properties: { bar: { type: 'number', default: 55 } } };
    const store = newStore({ schema: { foo: { type: 'boolean', default: true }, nested } });
    assert.deepEqual([store.get('foo'), store.get('nested.bar')], [true, undefined]);
  },
  '.set()': (store) => {
    store.set('foo', unicorn);
    store.set('baz.boo', unicorn);
    assert.deepEqual([store.get('foo'), store.get('baz.boo')], [unicorn, unicorn]);
  },
  '.set() - with object': (store) => {
    store.set({ foo1: 'bar1', foo2: 'bar2', baz: { boo: 'foo', foo: { bar: 'baz' } } });
    assert.deepEqual([store.get('foo1'), store.get('foo2')], ['bar1', 'bar2']);
    assert.deepEqual(store.get('baz'), { boo: 'foo', foo: { bar: 'baz' } });
    assert.deepEqual([store.get('baz.boo'), store.get('baz.foo.bar')], ['foo', 'baz']);
  },
  '.set() - with undefined': (store) => {
    assert.equal(
      refusal(() => store.set('foo', undefined)),
      REFUSED,
    );
  },
  '.set() - with unsupported values': (store) => {
    for (const value of notJson) {
      assert.equal(
        refusal(() => store.set('a', value)),
        REFUSED,
      );
      assert.equal(
        refusal(() => store.set({ a: value })),
        REFUSED,
      );
    }
    assert.equal(store.size, 0);
  },
  '.set() - invalid key': (store) => {
    for (const key of [1, null, undefined, true]) {
      assert.equal(
        refusal(() => store.set(key, 'unicorn')),
        REFUSED,
      );
    }
  },
  '.has()': (store) => {
    store.set('foo', unicorn);
    store.set('baz.boo', unicorn);
    assert.deepEqual(
      ['foo', 'baz.boo', 'missing'].map((key) => store.has(key)),
      [true, true, false],
    );
  },
  '.appendToArray()': (store) => {
    store.appendToArray('new', 'first');
    store.set('objects', [{ id: 1 }]);
    store.appendToArray('objects', { id: 2 });
    store.set('nested.items', [1, 2]);
    store.appendToArray('nested.items', 3);
    store.appendToArray('deeply.nested.array', 'value');
    assert.deepEqual(plain(store.store), {
      new: ['first'],
      objects: [{ id: 1 }, { id: 2 }],
      nested: { items: [1, 2, 3] },
      deeply: { nested: { array: ['value'] } },
    });
  },
  '.appendToArray() - error when key is not array': notArrays,
  '.appendToArray() - without dot notation': () => {
    const store = newStore({ accessPropertiesByDotNotation: false });
    store.appendToArray('nested.items', 'value');
    assert.deepEqual(plain(store.store), { 'nested.items': ['value'] });
  },
  '.appendToArray() - value validation': (store) => {
    store.set('items', ['valid']);
    for (const value of notJson) {
      assert.equal(
        refusal(() => store.appendToArray('items', value)),
        REFUSED,
      );
    }
  },
  '.appendToArray() - change events': (store) => {
    const heard = [];
    store.onDidChange('items', (...values) => heard.push(values));
    store.appendToArray('items', 'first');
    store.appendToArray('items', 'second');
    assert.deepEqual(heard, [
      [['first'], undefined],
      [['first', 'second'], ['first']],
    ]);
  },
  '.appendToArray() - empty arrays': emptyArrays,
  '.reset() - `defaults` option': () => {
    const store = newStore({ defaults: { foo: 42, bar: 99 } });
    store.set({ foo: 77, bar: 0 });
    store.reset('foo', 'bar');
    assert.deepEqual(plain(store.store), { foo: 42, bar: 99 });
  },
  '.reset() - falsy `defaults` option': () => {
    const defaults = { foo: 0, bar: '', fox: false, bax: true };
    const store = newStore({ defaults });
    store.set({ foo: 5, bar: 'exist', fox: true, bax: false });
    store.reset('foo', 'bar', 'fox', 'bax');
    assert.deepEqual(plain(store.store), defaults);
  },
  '.reset() - `schema` option': () => {
    const store = newStore({ schema: { foo: { default: 42 }, bar: { default: 99 } } });
    store.set({ foo: 77, bar: 0 });
    store.reset('foo', 'bar');
    assert.deepEqual(plain(store.store), { foo: 42, bar: 99 });
  },
  '.delete()': (store) => {
    store.set('foo', 'bar');
    store.set('baz.boo', true);
    store.set('baz.foo.bar', 'baz');
    store.delete('foo');
    store.delete('baz.boo');
    store.delete('baz.foo');
    assert.deepEqual(plain(store.store), { baz: {} });
    store.set('foo.bar.baz', { awesome: 'icecream' });
    store.set('foo.bar.zoo', { awesome: 'redpanda' });
    store.delete('foo.bar.baz');
    assert.equal(store.get('foo.bar.zoo.awesome'), 'redpanda');
  },
  '.clear()': (store) => {
    store.set({ foo: 'bar', foo1: 'bar1', baz: { boo: true } });
    store.clear();
    assert.equal(store.size, 0);
  },
  '.clear() - `defaults` option': () => {
    const store = newStore({ defaults: { foo: 42, bar: 99 } });
    store.set('foo', 2);
    store.clear();
    assert.deepEqual(plain(store.store), { foo: 42, bar: 99 });
  },
  '.clear() - `schema` option': () => {
    const store = newStore({ schema: { foo: { default: 42 }, bar: { default: 99 } } });
    store.set('foo', 2);
    store.clear();
    assert.deepEqual(plain(store.store), { foo: 42, bar: 99 });
  },
  '.clear() - change events': () => {
    const store = newStore({ defaults: { foo: 42, bar: 'hello' } });
    store.set({ foo: 100, baz: 'extra' });
    const heard = [];
    store.onDidAnyChange((...values) => heard.push(values.map(plain)));
    store.clear();
    assert.deepEqual(heard, [
      [
        { foo: 42, bar: 'hello' },
        { foo: 100, bar: 'hello', baz: 'extra' },
      ],
    ]);
  },
  '.clear() - without dot notation': () => {
    const defaults = { foo: 42, 'nested.key': 'value' };
    const store = newStore({ accessPropertiesByDotNotation: false, defaults });
    store.set({ foo: 100, other: 'test' });
    store.clear();
    assert.deepEqual(plain(store.store), defaults);
  },
  '.clear() - validation error (conf 16: when the store is made)': () => {
    assert.equal(
      refusal(() => newStore({ defaults: { foo: 42, bad() {} } })),
      REFUSED,
    );
  },
  '.size': (store) => {
    store.set('foo', 'bar');
    assert.equal(store.size, 1);
  },
  '.store': (store) => {
    store.set('foo', 'bar');
    store.set('baz.boo', true);
    assert.deepStrictEqual(store.store, nullProto({ foo: 'bar', baz: { boo: true } }));
  },
  '`defaults` option': () => assert.equal(newStore({ defaults: { foo: 'bar' } }).get('foo'), 'bar'),
  '`configName` option (electron-store: `name`)': () => {
    const name = newName();
    new Store({ name }).set('foo', unicorn);
    assert.equal(new Store({ name }).get('foo'), unicorn);
    assert.equal(newStore().get('foo'), undefined);
  },
  '`fileExtension` option': () => {
    const name = newName();
    const other = new Store({ name, fileExtension: 'alt-ext' });
    other.set('foo', unicorn);
    assert.equal(new Store({ name, fileExtension: '.alt-ext' }).get('foo'), unicorn);
    assert.equal(new Store({ name }).get('foo'), undefined);
  },
  '`fileExtension` option = empty string': () => {
    const name = newName();
    new Store({ name: `${name}.json`, fileExtension: '' }).set('foo', unicorn);
    assert.equal(new Store({ name }).get('foo'), unicorn);
  },
  '`serialize` and `deserialize` options': () => {
    const calls = [];
    const store = newStore({
      serialize(value) {
        calls.push(plain(value));
        return `foo:${value.foo}`;
      },
      deserialize(text) {
        calls.push(text);
        return { foo: text.slice(4) };
      },
    });
    assert.deepEqual(plain(store.store), {});
    store.store = { foo: unicorn };
    assert.deepEqual(plain(store.store), { foo: unicorn });
    assert.deepEqual(calls, [{ foo: unicorn }, `foo:${unicorn}`]);
  },
  'instance is iterable': (store) => {
    store.set({ foo: unicorn, bar: unicorn });
    assert.deepEqual(
      [...store],
      [
        ['foo', unicorn],
        ['bar', unicorn],
      ],
    );
  },
  encryption: () => {
    const store = newStore({ encryptionKey: 'abc123' });
    assert.equal(store.get('foo', horse), horse);
    store.set('foo', unicorn);
    store.set('baz.boo', unicorn);
    assert.deepEqual([store.get('foo'), store.get('baz.boo')], [unicorn, unicorn]);
  },
  'encryption - upgrade': () => {
    const name = stored({ foo: unicorn });
    assert.equal(new Store({ name, encryptionKey: 'abc123' }).get('foo'), unicorn);
  },
  'onDidChange()': (store) => {
    const heard = [];
    store.set({ foo: unicorn, baz: { boo: unicorn } });
    const stops = [
      store.onDidChange('foo', (...values) => heard.push(['foo', ...values])),
      store.onDidChange('baz.boo', (...values) => heard.push(['baz.boo', ...values])),
    ];
    store.set('foo', horse);
    store.set('baz.boo', horse);
    store.delete('foo');
    store.set('foo', horse);
    store.set('foo', horse);
    for (const stop of stops) stop();
    store.set('foo', unicorn);
    assert.deepEqual(heard, [
      ['foo', horse, unicorn],
      ['baz.boo', horse, unicorn],
      ['foo', undefined, horse],
      ['foo', horse, undefined],
    ]);
  },
  'onDidAnyChange()': (store) => {
    const heard = [];
    store.set('foo', unicorn);
    const stop = store.onDidAnyChange((...values) => heard.push(values));
    store.set('foo', horse);
    store.set('baz.boo', unicorn);
    store.delete('foo');
    store.set('foo', horse);
    stop();
    store.set('foo', unicorn);
    const steps = [{ foo: unicorn }, { foo: horse }, { foo: horse, baz: { boo: unicorn } }];
    steps.push({ baz: { boo: unicorn } }, { baz: { boo: unicorn }, foo: horse });
    const all = steps.map(nullProto);
    assert.deepStrictEqual(
      heard,
      all.slice(1).map((now, index) => [now, all[index]]),
    );
  },
  '`clearInvalidConfig` option - valid data': () => {
    const store = newStore({ clearInvalidConfig: false });
    store.set('foo', 'bar');
    assert.deepStrictEqual(store.store, nullProto({ foo: 'bar' }));
  },
  '`clearInvalidConfig` option - schema validation error': () => {
    const name = stored({ myKey: 'invalid-type' });
    const schema = { myKey: { type: 'boolean' } };
    assert.equal(
      refusal(() => new Store({ name, schema })),
      VIOLATION,
    );
    assert.equal(new Store({ name }).get('myKey'), 'invalid-type');
    assert.deepEqual(plain(new Store({ name, schema, clearInvalidConfig: true }).store), {});
    assert.deepEqual(plain(new Store({ name }).store), {});
  },
  'migrations - fix invalid schema data': () => {
    const name = stored({ myKey: 'true' });
    const fix = (store) => store.set('myKey', store.get('myKey') === 'true');
    const store = open(name, '1.0.0', { '1.0.0': fix }, { schema: { myKey: { type: 'boolean' } } });
    assert.equal(store.get('myKey'), true);
  },
  'migrations - handle multiple schema violations': () => {
    const name = stored({ enabled: 'yes', count: '42' });
    const fix = (store) => {
      store.set('enabled', store.get('enabled') === 'yes');
      store.set('count', Number(store.get('count')));
    };
    const schema = { enabled: { type: 'boolean' }, count: { type: 'number' } };
    assert.deepEqual(plain(open(name, '2.0.0', { '2.0.0': fix }, { schema }).store), {
      enabled: true,
      count: 42,
    });
  },
  'migrations - validation should not prevent migrations from running': () => {
    const name = stored({ age: '25' });
    const fix = (store) => store.set('age', Number(store.get('age')));
    const schema = { age: { type: 'number' } };
    assert.equal(open(name, '1.0.0', { '1.0.0': fix }, { schema }).get('age'), 25);
  },
  'migrations - rollback on error': () => {
    const name = stored({ myKey: 'value' });
    const fail = (store) => {
      store.set('myKey', 'changed');
      throw new Error('Migration failed');
    };
    assert.throws(
      () => open(name, '1.0.0', { '1.0.0': fail }),
      ({ code, cause }) => code === 'ERR_MIGRATION_FAILED' && cause.message === 'Migration failed',
    );
    assert.deepEqual(plain(new Store({ name }).store), { myKey: 'value' });
  },
  'schema - should be an object': () => {
    for (const schema of ['object', false, 1]) {
      assert.equal(
        refusal(() => newStore({ schema })),
        REFUSED,
      );
    }
  },
  'schema - valid set': () => {
    const properties = { bar: { type: 'number' }, foobar: { type: 'number', maximum: 100 } };
    const store = newStore({ schema: { foo: { type: 'object', properties } } });
    store.set('foo', { bar: 1, foobar: 2 });
    assert.deepEqual(store.get('foo'), { bar: 1, foobar: 2 });
  },
  'schema - one violation': () => {
    const store = newStore({ schema: { foo: { type: 'string' } } });
    assert.throws(() => store.set('foo', 1), {
      code: VIOLATION,
      message: 'Config schema violation: `foo` must be string',
    });
  },
  'schema - multiple violations': () => {
    const properties = { bar: { type: 'number' }, foobar: { type: 'number', maximum: 100 } };
    const store = newStore({ schema: { foo: { type: 'object', properties } } });
    assert.throws(() => store.set('foo', { bar: '1', foobar: 101 }), {
      message: 'Config schema violation: `foo/bar` must be number; `foo/foobar` must be <= 100',
    });
  },
  'schema - complex schema': () => {
    const foo = { type: 'string', maxLength: 3, pattern: '[def]+' };
    const bar = { type: 'array', uniqueItems: true, maxItems: 3, items: { type: 'integer' } };
    const store = newStore({ schema: { foo, bar } });
    const said = (call) => {
      try {
        call();
      } catch ({ message }) {
        return message.replace('Config schema violation: ', '').split('; ').sort();
      }
    };
    assert.deepEqual(
      said(() => store.set('foo', 'abca')),
      ['`foo` must NOT have more than 3 characters', '`foo` must match pattern "[def]+"'],
    );
    assert.deepEqual(
      said(() => store.set('bar', [1, 1, 2, 'a'])),
      [
        '`bar/3` must be integer',
        '`bar` must NOT have duplicate items (items ## 1 and 0 are identical)',
        '`bar` must NOT have more than 3 items',
      ],
    );
  },
  'schema - supports formats': () => {
    const store = newStore({ schema: { foo: { type: 'string', format: 'uri' } } });
    assert.throws(() => store.set('foo', 'bar'), {
      message: 'Config schema violation: `foo` must match format "uri"',
    });
  },
  'schema - invalid write to config file (by another store)': () => {
    const name = newName();
    const store = new Store({ name, schema: { foo: { type: 'string' } } });
    new Store({ name }).set('foo', 1);
    for (const read of [() => store.get('foo'), () => store.store, () => store.set('bar', 1)]) {
      assert.equal(refusal(read), VIOLATION);
    }
    store.store = { foo: 'right' };
    assert.equal(store.get('foo'), 'right');
  },
  'schema - default': () => {
    const store = newStore({ schema: { foo: { type: 'string', default: 'bar' } } });
    assert.equal(store.get('foo', ''), 'bar');
  },
  'schema - Conf defaults overwrites schema default': () => {
    const schema = { foo: { type: 'string', default: 'bar' } };
    assert.equal(newStore({ defaults: { foo: 'foo' }, schema }).get('foo'), 'foo');
  },
  'schema - nested defaults are replaced by Conf defaults': () => {
    const appearance = { type: 'object', default: { theme: 'light', layout: 'grid' } };
    const defaults = { appearance: { layout: 'list' } };
    assert.deepEqual(newStore({ defaults, schema: { appearance } }).get('appearance'), { layout: 'list' });
  },
  'schema - validate Conf default': () => {
    assert.equal(
      refusal(() => newStore({ defaults: { foo: 1 }, schema: { foo: { type: 'string' } } })),
      VIOLATION,
    );
  },
  'schema - validate rootSchema': () => {
    const store = newStore({ rootSchema: { additionalProperties: false } });
    assert.throws(() => store.set('foo', 'bar'), {
      message: 'Config schema violation: `foo` must NOT have additional properties',
    });
  },
  'AJV - validate AJV options': () => {
    const rootSchema = { additionalProperties: false };
    const store = newStore({ ajvOptions: { removeAdditional: true }, rootSchema });
    store.set('foo', 'bar');
    assert.equal(store.get('foo'), undefined);
  },
  '.get() - without dot notation': () => {
    const store = newStore({ accessPropertiesByDotNotation: false });
    assert.equal(store.get('foo', horse), horse);
    store.set('foo', unicorn);
    assert.equal(store.get('foo'), unicorn);
  },
  '.set() - without dot notation': () => {
    const store = newStore({ accessPropertiesByDotNotation: false });
    store.set('baz.boo', unicorn);
    assert.deepEqual(plain(store.store), { 'baz.boo': unicorn });
  },
  '.set() - with object - without dot notation': () => {
    const store = newStore({ accessPropertiesByDotNotation: false });
    store.set({ foo1: 'bar1', baz: { boo: 'foo' } });
    assert.deepEqual([store.get('baz'), store.get('baz.boo')], [{ boo: 'foo' }, undefined]);
  },
  '.has() - without dot notation': () => {
    const store = newStore({ accessPropertiesByDotNotation: false });
    store.set({ foo: unicorn, 'baz.boo': unicorn });
    assert.deepEqual([store.has('foo'), store.has('baz.boo'), store.has('baz')], [true, true, false]);
  },
  '.delete() - without dot notation': () => {
    const store = newStore({ accessPropertiesByDotNotation: false });
    store.set({ 'baz.boo': true, baz: { boo: 1 } });
    store.delete('baz.boo');
    assert.deepEqual(plain(store.store), { baz: { boo: 1 } });
  },
  'migrations - schema-driven data coercion': () => {
    const name = stored({ port: '8080' });
    const fix = (store) => store.set('port', Number(store.get('port')));
    const schema = { port: { type: 'integer', minimum: 1 } };
    assert.equal(open(name, '1.0.0', { '1.0.0': fix }, { schema }).get('port'), 8080);
  },
  'migrations - data structure transformation': () => {
    const name = stored({ settings: 'a=1;b=2' });
    const fix = (store) => {
      const pairs = store.get('settings').split(';');
      store.set('settings', Object.fromEntries(pairs.map((pair) => pair.split('='))));
    };
    assert.deepEqual(open(name, '1.0.0', { '1.0.0': fix }).get('settings'), { a: '1', b: '2' });
  },
  'migrations - error rollback behavior': () => {
    const name = stored({ stable: 'data' });
    const first = { '1.0.0': setter('initial', true) };
    open(name, '1.0.0', first);
    assert.equal(
      refusal(() => open(name, '2.0.0', { ...first, '2.0.0': throwing('no') })),
      'ERR_MIGRATION_FAILED',
    );
    assert.deepEqual(plain(new Store({ name }).store), { stable: 'data', initial: true });
  },
  'migrations - internal state preservation': () => {
    const name = stored({ a: 1 });
    let runs = 0;
    const migrations = { '1.0.0': () => runs++ };
    open(name, '1.0.0', migrations).store = { different: 'data' };
    open(name, '1.0.0', migrations).clear();
    open(name, '1.0.0', migrations);
    assert.equal(runs, 1);
  },
  'migrations - dot notation edge cases': () => {
    const name = stored({ a: 1 });
    const migrations = { '1.0.0': setter('key.with.dots', 'literal') };
    const store = open(name, '1.0.0', migrations, { accessPropertiesByDotNotation: false });
    assert.equal(store.get('key.with.dots'), 'literal');
  },
  'migrations - semver range evaluation': () => {
    const ran = [];
    const migrations = {
      '>=1.0.0 <2.0.0': () => ran.push('range1'),
      '>=1.5.0': () => ran.push('range2'),
      '1.8.0': () => ran.push('exact'),
      '>2.0.0': () => ran.push('future'),
    };
    open(stored({ a: 1 }), '1.8.0', migrations);
    assert.deepEqual(ran, ['range1', 'range2', 'exact']);
  },
  'migrations - execution order (conf 16: of their versions)': () => {
    const ran = [];
    const versions = ['2.0.0', '1.0.0', '3.0.0', '1.5.0'];
    const migrations = Object.fromEntries(versions.map((version) => [version, () => ran.push(version)]));
    open(stored({ a: 1 }), '3.0.0', migrations);
    assert.deepEqual(ran, versions.sort());
  },
  'migrations - version skipping behavior': () => {
    const name = stored({ a: 1 });
    const ran = [];
    open(name, '1.0.0', { '1.0.0': () => ran.push(1) });
    open(name, '3.0.0', {
      '1.0.0': () => ran.push('again'),
      '2.0.0': () => ran.push(2),
      '3.0.0': () => ran.push(3),
    });
    assert.deepEqual(ran, [1, 2, 3]);
  },
  'migrations - idempotency and state consistency': () => {
    const name = stored({ a: 1 });
    const ran = [];
    const migrations = { '1.0.0': () => ran.push(1), '2.0.0': () => ran.push(2) };
    for (let start = 0; start < 3; start++) open(name, '2.0.0', migrations);
    assert.deepEqual(ran, [1, 2]);
  },
  'migrations - error handling and hook integration': () => {
    const name = stored({ a: 1 });
    const hooks = [];
    const beforeEachMigration = (_store, { toVersion }) => {
      hooks.push(toVersion);
      if (toVersion === '1.5.0') throw new Error('Hook prevented migration');
    };
    const migrations = {
      '1.0.0': setter('v1', true),
      '1.5.0': setter('v15', true),
      '2.0.0': setter('v2', 1),
    };
    assert.equal(
      refusal(() => open(name, '2.0.0', migrations, { beforeEachMigration })),
      'ERR_MIGRATION_FAILED',
    );
    assert.deepEqual(hooks, ['1.0.0', '1.5.0']);
    assert.deepEqual(plain(new Store({ name }).store), { a: 1, v1: true });
  },
  'migrations - character encoding preservation': () => {
    const special = { emoji: '🦄✨', scripts: 'Hello 世界 مرحبا', nul: '\0\uffff' };
    const name = stored({ a: 1 });
    open(name, '1.0.0', { '1.0.0': setter('special', special) });
    const combine = (store) => store.set('all', Object.values(store.get('special')).join(' '));
    assert.equal(open(name, '2.0.0', { '2.0.0': combine }).get('all'), Object.values(special).join(' '));
  },
  'migrations - should save the project version as the initial migrated version': () => {
    const name = newName();
    const ran = [];
    open(name, '2.0.0', { '2.0.0': () => ran.push('on a new store') });
    open(name, '2.0.0', { '1.0.0': () => ran.push(1), '2.0.0': () => ran.push(2) });
    assert.deepEqual(ran, []);
  },
  'migrations - should save the project version when a migration occurs': () => {
    const name = stored({ foo: 'bar' });
    open(name, '1.0.0', { '1.0.0': setter('foo', 'first') });
    const later = {
      '1.0.0': setter('foo', 'again'),
      '1.0.1': setter('foo', 'baz'),
      '2.0.0': setter('foo', 'last'),
    };
    assert.equal(open(name, '2.0.0', later).get('foo'), 'last');
  },
  'migrations - should NOT run the migration when the version does not change': () => {
    const name = stored({ foo: 1 });
    open(name, '1.0.0', { '1.0.0': setter('foo', 'bar') });
    assert.equal(open(name, '1.0.0', { '1.0.0': setter('foo', 'baz') }).get('foo'), 'bar');
  },
  'migrations - should cleanup migrations with range conditions': () => {
    const name = stored({ foo: 1 });
    assert.equal(open(name, '1.0.0', { '>=1.0.0': setter('foo', 'bar') }).get('foo'), 'bar');
    const later = { '>=1.0.0 <2.0.0': setter('foo', 'baz'), '>=2.0.0': setter('foo', 'bazel') };
    assert.equal(open(name, '2.0.0', later).get('foo'), 'bazel');
  },
  'migrations - should cleanup migrations with non-numeric values': () => {
    const name = stored({ foo: 1 });
    open(name, '1.0.0-alpha', { '1.0.0-alpha': setter('foo', 'bar') });
    const later = { '1.0.0-alpha': setter('foo', 'baz'), '1.0.0-beta': setter('foo', 'bazel') };
    assert.equal(open(name, '1.0.0-beta', later).get('foo'), 'bazel');
  },
  'migrations - should NOT throw when project version is unspecified and there are no migrations': (
    store,
  ) => {
    store.set('foo', 'bar');
    assert.equal(store.get('foo'), 'bar');
  },
  'migrations - should not create migration metadata when migrations are not needed': () => {
    assert.equal(newStore({ projectVersion: '1.0.0' }).has('__internal__'), false);
  },
  'migrations error handling - should rollback changes if a migration failed': () => {
    const name = stored({ foo: 'bar' });
    assert.equal(
      refusal(() => open(name, '2.0.0', { '1.5.0': setter('foo', 'baz'), '2.0.0': throwing('Oops!') })),
      'ERR_MIGRATION_FAILED',
    );
    assert.equal(new Store({ name }).get('foo'), 'baz');
    const ran = [];
    open(name, '2.0.0', { '1.5.0': () => ran.push(1.5), '2.0.0': () => ran.push(2) });
    assert.deepEqual(ran, [2]);
  },
  'migrations - should preserve internal data when store is overwritten': () => {
    const name = stored({ a: 1 });
    open(name, '1.0.0', { '1.0.0': setter('test', 1) }).store = { __internal__: {}, b: 1 };
    assert.deepEqual(plain(open(name, '1.0.0', { '1.0.0': setter('test', 2) }).store), { b: 1 });
  },
  'migrations - should preserve internal data when store is set to empty object': () => {
    const name = stored({ a: 1 });
    open(name, '1.0.0', { '1.0.0': setter('test', 1) }).store = {};
    assert.deepEqual(plain(open(name, '1.0.0', { '1.0.0': setter('test', 2) }).store), {});
  },
  'migrations - should preserve internal data without dot notation access': () => {
    const name = stored({ a: 1 });
    const options = { accessPropertiesByDotNotation: false };
    open(name, '1.0.0', { '1.0.0': setter('test', 1) }, options).store = { b: 1 };
    assert.deepEqual(plain(open(name, '1.0.0', { '1.0.0': setter('test', 2) }, options).store), { b: 1 });
  },
  'migrations - atomic rollback on mid-migration failure': () => {
    const name = stored({ a: 1 });
    const fail = (store) => {
      store.set('before', 'value');
      throw new Error('Critical failure');
    };
    const migrations = { '1.5.0': setter('v15', true), '2.0.0': fail, '3.0.0': setter('v3', true) };
    assert.equal(
      refusal(() => open(name, '3.0.0', migrations)),
      'ERR_MIGRATION_FAILED',
    );
    assert.deepEqual(plain(new Store({ name }).store), { a: 1, v15: true });
  },
  'migrations - complex version predicates with pre-release': () => {
    const versions = ['1.0.0', '2.0.0-alpha', '2.0.0-beta.1', '2.0.0-beta.3', '2.0.0-rc', '2.0.0'];
    const ran = [];
    const migrations = Object.fromEntries(versions.map((version) => [version, () => ran.push(version)]));
    open(stored({ a: 1 }), '2.0.0-beta.3', migrations);
    assert.deepEqual(ran, versions.slice(0, 4));
  },
  'migrations - concurrent modification detection': () => {
    const name = stored({ counter: 0 });
    let inside = false;
    const count = (store) => {
      // While the first one migrates, another instance comes and is through before it.
      if (!inside) {
        inside = true;
        open(name, '2.0.0', { '2.0.0': count });
      }
      store.set('counter', store.get('counter') + 1);
    };
    assert.equal(open(name, '2.0.0', { '2.0.0': count }).get('counter'), 1);
  },
  'migrations - memory pressure with large datasets': () => {
    const all = Object.fromEntries(Array.from({ length: 10_000 }, (_, at) => [`key${at}`, { at }]));
    const name = stored({ all });
    const move = (store) => {
      store.set('moved', store.get('all'));
      store.delete('all');
    };
    const store = open(name, '2.0.0', { '2.0.0': move });
    assert.deepEqual([store.has('all'), store.get('moved.key9999.at')], [false, 9999]);
  },
  'migrations - schema evolution with breaking changes': () => {
    const name = stored({ user: { name: 'Ada Lovelace', email: 'ada@example.com' } });
    const split = (store) => {
      const { name: full, email } = store.get('user');
      const [first, last] = full.split(' ');
      store.set('user', { first, last, email });
    };
    const properties = { first: { type: 'string' }, email: { type: 'string', format: 'email' } };
    const user = { type: 'object', properties, required: ['first', 'last', 'email'] };
    const store = open(name, '2.0.0', { '2.0.0': split }, { schema: { user } });
    assert.deepEqual(store.get('user'), { first: 'Ada', last: 'Lovelace', email: 'ada@example.com' });
  },
  'migrations - encoding stability across platforms': () => {
    const values = { newlines: 'a\r\nb\nc\r', pair: '\u0000\uffff\ud800\udc00', half: '\ud800' };
    const name = stored(values);
    assert.deepEqual(plain(open(name, '2.0.0', { '2.0.0': () => 0 }).store), values);
  },
  'migrations - version normalization edge cases': () => {
    const versions = [
      '1.0.0',
      '1.0.0-alpha.1',
      '1.0.0-x.7.z.92',
      '1.0.0+20130313144700',
      '1.0.0-beta+exp.sha.5',
    ];
    for (const version of versions) {
      const name = stored({ a: 1 });
      assert.equal(open(name, version, { [version]: setter('at', version) }).get('at'), version);
    }
  },
  'migrations - recovery from partial migration state': () => {
    const name = stored({ a: 1 });
    open(name, '1.5.0', { '1.5.0': setter('step2', 1) });
    const later = { '1.0.0': setter('step1', 1), '1.5.0': setter('step2', 2), '2.0.0': setter('step3', 1) };
    assert.deepEqual(plain(open(name, '2.0.0', later).store), { a: 1, step2: 1, step3: 1 });
  },
};

/** The cases that ask for something which a sealed store does not have, and why. */
const NOT_REACHED = {
  'no `suffix` option': 'conf only: electron-store has no `projectSuffix`',
  'with `suffix` option set to empty string': 'conf only, as above',
  'with `projectSuffix` option set to non-empty string': 'conf only, as above',
  '`projectName` option': 'conf only: electron-store has no `projectName`',
  '`cwd` option overrides `projectName` option': 'conf only; `cwd` is tested in store-place.test.mjs',
  'ensure `.store` is always an object':
    'removes the folder under an open store: a removed vault is ERR_VAULT_IO, never an empty store',
  'encryption - corrupt file': 'pokes the file; a changed vault is never cleared (store-faults.test.mjs)',
  'encryption - corrupt file with schema clears data': 'pokes the file, as above',
  "doesn't write to disk upon instanciation if and only if the store didn't change":
    'looks for the JSON file; that nothing is written is tested in store-calls.test.mjs',
  '`clearInvalidConfig` option - invalid data': 'writes text into the file (store-faults.test.mjs)',
  'migrations - data corruption recovery': 'writes broken JSON into the file, as above',
  'migrations - file system edge cases': 'changes mode and folder of the file, as above',
  '`watch` option watches for config file changes by another process':
    'with a real process, in store-processes.test.mjs',
  '`watch` option watches for config file changes by file write': 'writes the file',
  '`watch` option detects encrypted changes': 'every store is sealed: as the first of `watch`',
};

for (const [name, check] of Object.entries(ROWS)) {
  test(`conf: ${name}`, () => check(newStore()));
}

test('every case that is not reached says why', (t) => {
  for (const [name, reason] of Object.entries(NOT_REACHED)) {
    assert.ok(reason.length > 10, name);
    t.diagnostic(`${name}: ${reason}`);
  }
});
