// Every option that is refused, or taken and not used, by the list in docs/store.md; and the schema's own rules.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { newName, newStore, plain, refusal, Store, stored } from './store.mjs';

const REFUSED = 'ERR_INVALID_ARGUMENT';
const VIOLATION = 'ERR_SCHEMA_VIOLATION';

for (const [what, options] of Object.entries({
  'an empty key': { encryptionKey: '' },
  'an algorithm that is none': { encryptionAlgorithm: 'rot13' },
  'a mode that is none': { configFileMode: 0.5 },
  'a name that leads out': { name: '../other' },
  'a name that is only dots': { name: '..', fileExtension: '' },
  'a name with NUL': { name: 'a\0b' },
  'migrations that are a list': { migrations: [() => 0], projectVersion: '1.0.0' },
  'a step that is no function': { migrations: { '1.0.0': 1 }, projectVersion: '1.0.0' },
  'migrations without a version': { migrations: {} },
  'a version that is none': { migrations: {}, projectVersion: '1.0' },
  'properties of the root': { rootSchema: { properties: {} } },
  'a root that is no object': { rootSchema: { type: 'array' } },
  'a schema that is none': { schema: { a: { type: 'text' } } },
  'a schema for a key below': { schema: { 'a.b': { type: 'string' } } },
  'a format that nobody knows': { schema: { a: { format: 'colour' } } },
  'a pattern that looks around': { schema: { a: { pattern: '(?=a)' } } },
  'types that ajv would change': { ajvOptions: { coerceTypes: true } },
  'formats that ajv would skip': { ajvOptions: { validateFormats: false } },
  'what ajv would remove beyond the schema': { ajvOptions: { removeAdditional: 'all' } },
  'a default under a name that nothing is stored under': { defaults: { 'a.__proto__': 1 } },
})) {
  test(`${what} is refused`, () => {
    assert.equal(
      refusal(() => newStore(options)),
      REFUSED,
    );
  });
}

for (const [what, options] of Object.entries({
  'an encryption key': { encryptionKey: 'obscure', encryptionAlgorithm: 'aes-256-gcm' },
  'a mode, as a number or octal digits': { configFileMode: 0o644 },
  'options of ajv about itself': { ajvOptions: { strict: false, verbose: true, code: { es5: true } } },
  'null and undefined': { schema: null, defaults: undefined, migrations: null, cwd: undefined, watch: null },
  'an empty extension': { fileExtension: '' },
})) {
  test(`${what} is taken`, () => {
    const store = newStore(options);
    store.set('a', 1);
    assert.equal(store.get('a'), 1);
  });
}

test('defaults are copied when the store is made', () => {
  const defaults = { deep: { a: 1 } };
  const store = newStore({ defaults });
  defaults.deep.a = 2;
  defaults.late = 1;
  store.clear();
  assert.deepEqual(plain(store.store), { deep: { a: 1 } });
});

test('the schema fills in what is missing below what is there, after each write', () => {
  const schema = {
    window: {
      type: 'object',
      default: {},
      properties: { width: { type: 'number', default: 800 }, title: { type: 'string' } },
    },
    list: {
      type: 'array',
      items: { type: 'object', properties: { on: { type: 'boolean', default: true } } },
    },
    shared: { $ref: '#/properties/window' },
  };
  const store = newStore({ schema });
  assert.deepEqual(plain(store.store), { window: { width: 800 } });
  store.set('window', { title: 'a' });
  store.set('list', [{}, { on: false }]);
  store.set('shared', {});
  assert.deepEqual(plain(store.store), {
    window: { title: 'a', width: 800 },
    list: [{ on: true }, { on: false }],
    shared: { width: 800 },
  });
  store.delete('window.width');
  assert.equal(store.get('window.width'), 800);
  store.set('window.width', 1);
  store.reset('window.width');
  assert.equal(store.get('window.width'), 800);
});

test('a default in `defaults` beats the schema’s, and a path in it is set into the schema’s', () => {
  const window = { type: 'object', default: { width: 1, height: 2 } };
  assert.deepEqual(newStore({ defaults: { 'window.width': 5 }, schema: { window } }).get('window'), {
    width: 5,
    height: 2,
  });
});

test('`ajvOptions.useDefaults`: false fills in nothing, empty also what is null or empty', () => {
  const schema = { a: { default: 1 }, b: { default: 2 } };
  assert.equal(newStore({ schema, ajvOptions: { useDefaults: false } }).size, 0);
  const store = newStore({ schema, ajvOptions: { useDefaults: 'empty' } });
  store.set({ a: null, b: '' });
  assert.deepEqual(plain(store.store), { a: 1, b: 2 });
});

test('`ajvOptions.removeAdditional` takes out what `additionalProperties: false` forbids, at any depth', () => {
  const a = { type: 'object', properties: { b: {} }, additionalProperties: false };
  const store = newStore({ schema: { a }, ajvOptions: { removeAdditional: true } });
  store.set('a', { b: 1, c: 2 });
  assert.deepEqual(store.get('a'), { b: 1 });
});

test('`ajvOptions.allErrors: false` says one violation', () => {
  const schema = { a: { type: 'string' }, b: { type: 'string' } };
  const store = newStore({ schema, ajvOptions: { allErrors: false } });
  assert.throws(
    () => store.set({ a: 1, b: 1 }),
    ({ message }) => !message.includes(';'),
  );
});

test('rules about the store as a whole look at the whole', () => {
  const rootSchema = { required: ['a'], maxProperties: 2, dependentRequired: { b: ['a'] } };
  const name = stored({ a: 1 });
  const store = new Store({ name, rootSchema });
  store.set('b', 1);
  for (const call of [() => store.delete('a'), () => store.set('c', 1), () => store.clear()]) {
    assert.equal(refusal(call), VIOLATION);
  }
  assert.deepEqual(plain(store.store), { a: 1, b: 1 });
});

test('a message about a broken schema never holds the value', () => {
  const store = newStore({
    schema: { a: { enum: ['x'], type: 'string', pattern: '^x$', format: 'email', not: {} } },
  });
  assert.throws(
    () => store.set('a', 'the-secret'),
    (error) => error.code === VIOLATION && !JSON.stringify([error.message, error]).includes('the-secret'),
  );
});

test('what was left by a version without the schema is checked when the store is made, and kept', () => {
  const name = stored({ port: 'text' });
  const schema = { port: { type: 'number' } };
  assert.equal(
    refusal(() => new Store({ name, schema, defaults: { new: 1 } })),
    VIOLATION,
  );
  assert.deepEqual(plain(new Store({ name }).store), { port: 'text' });
});

test('a migration whose outcome breaks the schema has not happened', () => {
  const name = stored({ port: 1 });
  const options = { name, projectVersion: '1.0.0', schema: { port: { type: 'number' } } };
  const runs = [];
  const bad = (store) => runs.push(store.set('port', 'text'));
  for (let start = 0; start < 2; start++) {
    assert.equal(
      refusal(() => new Store({ ...options, migrations: { '1.0.0': bad } })),
      VIOLATION,
    );
  }
  assert.equal(runs.length, 2);
  assert.deepEqual(plain(new Store({ name }).store), { port: 1 });
});

test('a step sees the defaults, and what it does with the whole store', () => {
  const name = stored({ old: { a: 1 } });
  const seen = [];
  const migrations = {
    '1.0.0': (store) => {
      seen.push(plain(store.store), store.size, [...store].length, store.has('theme'));
      store.store = { ...store.get('old'), theme: 'light' };
      store.appendToArray('list', 1);
      store.delete('a');
    },
  };
  const context = [];
  const store = new Store({
    name,
    projectVersion: '1.2.0',
    defaults: { theme: 'dark' },
    migrations,
    beforeEachMigration: (_store, given) => context.push(given),
  });
  assert.deepEqual(seen, [{ old: { a: 1 }, theme: 'dark' }, 2, 2, true]);
  assert.deepEqual(plain(store.store), { theme: 'light', list: [1] });
  assert.deepEqual(context, [
    { fromVersion: '0.0.0', toVersion: '1.0.0', finalVersion: '1.2.0', versions: ['1.0.0'] },
  ]);
});

test('a step of a range with branches runs once in each', () => {
  const name = stored({ a: 1 });
  const ran = [];
  const open = (projectVersion) =>
    new Store({ name, projectVersion, migrations: { '1.x || 3.x': () => ran.push(projectVersion) } });
  for (const version of ['1.0.0', '1.5.0', '2.0.0', '3.1.0', '3.2.0', '2.5.0', '3.3.0']) open(version);
  assert.deepEqual(ran, ['1.0.0', '3.1.0']);
});

test('an older version of the app does not make the newer one migrate again', () => {
  const name = stored({ a: 1 });
  const ran = [];
  const open = (projectVersion) =>
    new Store({ name, projectVersion, migrations: { '2.0.0': () => ran.push(projectVersion) } });
  for (const version of ['2.0.0', '1.0.0', '2.0.0']) open(version);
  assert.deepEqual(ran, ['2.0.0']);
});

test('stores of one vault know nothing of each other', () => {
  const [first, second] = [newName(), newName()];
  new Store({ name: first }).set('a', 1);
  const other = new Store({ name: second });
  other.clear();
  assert.deepEqual([other.size, new Store({ name: first }).get('a')], [0, 1]);
  assert.equal(new Store({ name: `${first}/sub` }).size, 0);
});
