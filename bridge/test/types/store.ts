// Compiled by store-types.test.mjs, never run: what an app may write, and what it may not.
import Store, { type Options, type Schema } from 'electron-latchkey/store';

interface Settings {
  theme: 'light' | 'dark';
  token?: string;
  window: { width: number; title?: string };
  tags: string[];
  when: Date;
}

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
function is<_T extends true>(): void {}

const schema: Schema<Settings> = {
  theme: { type: 'string', enum: ['light', 'dark'], default: 'dark' },
  window: { type: 'object', properties: { width: { type: 'number', minimum: 1 } } },
};
const options: Options<Settings> = {
  name: 'settings',
  cwd: 'sub',
  schema,
  rootSchema: { additionalProperties: true },
  ajvOptions: { removeAdditional: true },
  defaults: { theme: 'dark', 'window.width': 800 },
  projectVersion: '2.0.0',
  migrations: {
    '>=2.0.0': (store) => {
      store.set('theme', 'light');
      const theme: 'light' | 'dark' = store.get('theme');
      void theme;
    },
  },
  beforeEachMigration: (store, { fromVersion, toVersion, finalVersion, versions }) => {
    const all: string[] = [fromVersion, toVersion, finalVersion, ...versions];
    store.set('tags', all);
  },
  serialize: (value) => JSON.stringify(value.theme),
  deserialize: (text) => JSON.parse(text),
  encryptionKey: 'key',
  watch: true,
};
const store = new Store<Settings>(options);

// get
const theme = store.get('theme');
is<Equal<typeof theme, 'light' | 'dark'>>();
const token = store.get('token');
is<Equal<typeof token, string | undefined>>();
const certain = store.get('token', 'none');
is<Equal<typeof certain, string>>();
const width = store.get('window.width');
is<Equal<typeof width, number>>();
const title = store.get('window.title', 'untitled');
is<Equal<typeof title, string>>();
const unknown = store.get('not.declared');
is<Equal<typeof unknown, unknown>>();
const guessed: number = store.get<'not.declared', number>('not.declared', 5);

// set
store.set('theme', 'light');
store.set('window.width', 5);
store.set('not.declared', { any: 'thing' });
store.set({ theme: 'dark', 'window.title': 'a' });
// @ts-expect-error: not one of the values
store.set('theme', 'blue');
// @ts-expect-error: `delete()` clears
store.set('token', undefined);
// @ts-expect-error: a number
store.set('window.width', 'wide');
// @ts-expect-error: not one of the values
store.set({ theme: 'blue' });

// the others
const has: boolean = store.has('window.title');
// @ts-expect-error: not declared
store.has('not.declared');
store.appendToArray('tags', 'one');
// @ts-expect-error: an array of texts
store.appendToArray('tags', 1);
store.reset('theme', 'tags');
store.reset('window.width');
// @ts-expect-error: not declared
store.reset('not.declared');
store.delete('token');
// @ts-expect-error: nothing leads into a Date
store.delete('when.getTime');
store.clear();
const size: number = store.size;
const all: Settings = store.store;
store.store = all;
// @ts-expect-error: only read
store.size = 1;
// @ts-expect-error: only read
store.path = '/elsewhere';
for (const [key, value] of store) {
  const name: keyof Settings = key;
  const one: Settings[keyof Settings] = value;
  void [name, one];
}

// events
const stop: () => void = store.onDidChange('theme', (now, before) => {
  is<Equal<typeof now, 'light' | 'dark' | undefined>>();
  is<Equal<typeof before, 'light' | 'dark' | undefined>>();
});
store.onDidChange('window.width', (now?: number) => void now);
store.onDidAnyChange((now, before) => {
  const both: (Readonly<Settings> | undefined)[] = [now, before];
  // @ts-expect-error: only read
  now.theme = 'dark';
  void both;
});
store.events.addEventListener('change', stop);
const path: string = store.path;
const edited: Promise<void> = store.openInEditor();
store._closeWatcher();
Store.initRenderer();

// without a type
const loose = new Store();
loose.set('anything', 1);
const anything = loose.get('anything');
is<Equal<typeof anything, unknown>>();
new Store({ name: 'other', defaults: { a: 1 } }).get('a').toFixed();
// @ts-expect-error: electron-store has no such option
new Store({ configName: 'other' });
// @ts-expect-error: a text
new Store({ name: 1 });

class Preferences extends Store<Settings> {
  dark(): boolean {
    return this.get('theme') === 'dark';
  }
}
void [guessed, has, size, path, edited, new Preferences(options).dark()];
