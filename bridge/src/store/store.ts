import { isDeepStrictEqual } from 'node:util';
import { requireMainProcess } from '../default-vault/app-id.js';
import { defaultVault } from '../default-vault/index.js';
import { loadAddon } from '../main/addon.js';
import { BridgeError } from '../main/failure.js';
import { asStore, Backing } from './backing.js';
import { type Bookkeeping, Draft, toObject } from './contents.js';
import { afterStep, atVersion, migrationFailed, recordedVersion, type Step, steps } from './migrations.js';
import { type Parsed, parseOptions } from './options.js';
import { valueAt, withoutValueAt, withValueAt } from './path.js';
import { refused } from './refused.js';
import type {
  AnyRecord,
  ArrayItemsOf,
  DefaultsOf,
  DotNotationKeyOf,
  DotNotationValueOf,
  OnDidAnyChangeCallback,
  OnDidChangeCallback,
  Options,
  Unsubscribe,
} from './types.js';
import { checkValue, copyOf, frozen, throughJson } from './values.js';

/** Under this key conf keeps its bookkeeping; here it has a record of its own, and the key stays forbidden. */
const INTERNAL = '__internal__';

/**
 * electron-store's `Store`, sealed: the same calls, over Latchkey's vault. Every write is on disk when the call returns, and a
 * batch is one frame; reads come from memory and see what other processes wrote.
 *
 * All calls block, as electron-store's do. The first store of an app opens the default vault (see
 * `electron-latchkey/default-vault`) and waits for the keychain: milliseconds, or until the person has unlocked it.
 *
 * Throws `ERR_INVALID_ARGUMENT`, `ERR_SCHEMA_VIOLATION`, `ERR_MIGRATION_FAILED`, `ERR_WRONG_PROCESS`, and the vault's errors.
 */
export class Store<T extends AnyRecord = Record<string, unknown>> implements Iterable<[keyof T, T[keyof T]]> {
  /** The file of the vault that holds the store. Stores of one vault have one file. */
  readonly path: string;
  /** Dispatches a `change` event on every write of this instance, and with `watch` on those of others. */
  readonly events = new EventTarget();
  readonly #options: Parsed;
  readonly #backing: Backing;
  /** While migrations run: where they read and write. */
  #draft: Draft | null = null;
  /** Up to which of others' writes the schema was checked. */
  #checked = -1;
  #unwatch: (() => void) | null = null;

  /**
   * For code written for electron-store, whose renderers have stores. Pages have none here: a `Store` in a renderer throws
   * `ERR_WRONG_PROCESS`. In the main process this does nothing.
   */
  static initRenderer(): void {
    requireMainProcess();
  }

  constructor(options?: Options<T>) {
    this.#options = parseOptions(options as Options<AnyRecord> | undefined);
    const { place, codec } = this.#options;
    const vault = defaultVault(place.folder);
    this.path = vault.protection().path;
    this.#backing = new Backing(loadAddon().StoreRecords.of(vault, place.name), codec);
    this.#initialize();
    if (this.#options.isWatched) this.#watch();
  }

  /** The value under a key; `defaultValue` when there is none. What is returned is the caller's to change. */
  get<Key extends keyof T>(key: Key): T[Key];
  get<Key extends keyof T>(key: Key, defaultValue: Exclude<T[Key], undefined>): Exclude<T[Key], undefined>;
  get<Key extends DotNotationKeyOf<T>>(key: Key): DotNotationValueOf<T, Key>;
  get<Key extends DotNotationKeyOf<T>>(
    key: Key,
    defaultValue: Exclude<DotNotationValueOf<T, Key>, undefined>,
  ): Exclude<DotNotationValueOf<T, Key>, undefined>;
  get<Key extends string, Value = unknown>(
    key: Exclude<Key, DotNotationKeyOf<T>>,
    defaultValue?: Value,
  ): Value;
  get(key: string, defaultValue?: unknown): unknown {
    checkKey(key);
    const value = this.#read(key);
    return value === undefined ? defaultValue : this.#out(value);
  }

  /** Stores a value, or each of an object, durably and in one frame. */
  set<Key extends keyof T>(key: Key, value: Exclude<T[Key], undefined>): void;
  set<Key extends DotNotationKeyOf<T>>(key: Key, value: Exclude<DotNotationValueOf<T, Key>, undefined>): void;
  set<Key extends string>(
    key: Key & (string extends Key ? Key : Exclude<Key, DotNotationKeyOf<T>>),
    value: unknown,
  ): void;
  set(object: DefaultsOf<T>): void;
  set(key: unknown, value?: unknown): void {
    if (key === null || (typeof key !== 'string' && typeof key !== 'object')) {
      const type = key === null ? 'null' : typeof key;
      throw refused(`Expected \`key\` to be of type \`string\` or \`object\`, got ${type}.`);
    }
    if (typeof key === 'string' && value === undefined) throw refused('Use `delete()` to clear values.');
    const entries: [string, unknown][] = typeof key === 'string' ? [[key, value]] : Object.entries(key);
    const values = entries.map(([name, item]): [string, unknown] => {
      this.#checkWritable(name);
      checkValue(name, item, this.#isJson);
      return [name, this.#in(item)];
    });
    this.#edit((draft) => {
      for (const [name, item] of this.#options.ordered(values)) this.#put(draft, name, item);
    });
  }

  /** Whether there is a value under a key. */
  has<Key extends keyof T>(key: Key): boolean;
  has<Key extends DotNotationKeyOf<T>>(key: Key): boolean;
  has(key: string): boolean {
    checkKey(key);
    return this.#read(key) !== undefined;
  }

  /** Adds an item to the array under a key, which is made where there is none. No item of another process is lost. */
  appendToArray<Key extends keyof T>(key: Key, value: ArrayItemsOf<T[Key]>): void;
  appendToArray<Key extends DotNotationKeyOf<T>>(
    key: Key,
    value: ArrayItemsOf<DotNotationValueOf<T, Key>>,
  ): void;
  appendToArray(key: string, value: unknown): void {
    checkKey(key);
    checkValue(key, value, this.#isJson);
    this.#checkWritable(key);
    const item = this.#in(value) ?? null; // JSON keeps a place in an array
    this.#edit((draft) => {
      const array = this.#itemOf(draft, key) ?? [];
      if (!Array.isArray(array)) throw refused(`The key \`${key}\` is already set to a non-array value.`);
      this.#put(draft, key, [...array, item]);
    });
  }

  /** Sets keys back to their defaults, of `defaults` and `schema`, all in one frame. Keys without one stay. */
  reset<Key extends keyof T>(...keys: Key[]): void;
  reset<Key extends DotNotationKeyOf<T>>(...keys: Key[]): void;
  reset(...keys: string[]): void {
    for (const key of keys) {
      checkKey(key);
      this.#checkWritable(key);
    }
    const values = keys.map((key): [string, unknown] => {
      const path = this.#options.pathOf(key);
      return [key, path === null ? undefined : this.#options.defaults.at(path)];
    });
    const known = values.filter(([, value]) => value !== undefined);
    if (known.length === 0) return;
    this.#edit((draft) => {
      for (const [key, value] of known) this.#put(draft, key, value);
    });
  }

  /** Removes a value, durably. One that has a default comes back with it. */
  delete<Key extends keyof T>(key: Key): void;
  delete<Key extends DotNotationKeyOf<T>>(key: Key): void;
  delete(key: string): void {
    checkKey(key);
    this.#checkWritable(key);
    this.#edit((draft) => {
      const path = this.#options.pathOf(key);
      if (path === null) return;
      const [top, ...rest] = path;
      const name = String(top);
      if (rest.length === 0) {
        draft.delete(name);
        return;
      }
      const before = draft.get(name);
      const after = withoutValueAt(before, rest);
      if (after !== before) draft.set(name, after);
    });
  }

  /** Removes everything, or sets it back to its default, in one frame. */
  clear(): void {
    this.#replace({});
  }

  /** Calls `callback` with the new and the old value whenever the one under `key` has changed. Returns what stops it. */
  onDidChange<Key extends keyof T>(key: Key, callback: OnDidChangeCallback<T[Key]>): Unsubscribe;
  onDidChange<Key extends DotNotationKeyOf<T>>(
    key: Key,
    callback: OnDidChangeCallback<DotNotationValueOf<T, Key>>,
  ): Unsubscribe;
  onDidChange(key: string, callback: OnDidChangeCallback<never>): Unsubscribe {
    checkKey(key);
    return this.#listen(() => this.#read(key), callback as OnDidChangeCallback<unknown>);
  }

  /** Calls `callback` with the whole store, new and old, whenever anything has changed. Returns what stops it. */
  onDidAnyChange(callback: OnDidAnyChangeCallback<T>): Unsubscribe {
    return this.#listen(() => frozen(this.#readAll()), callback as OnDidChangeCallback<unknown>);
  }

  /** How many keys there are. */
  get size(): number {
    this.#sync();
    return this.#draft === null ? this.#backing.contents.size : this.#draft.keys().length;
  }

  /** Everything, as an object. Setting it replaces everything, in one frame. */
  get store(): T {
    const store = this.#readAll();
    if (this.#options.isCached) return Object.freeze(store) as T;
    for (const key of Object.keys(store)) store[key] = copyOf(store[key]);
    return store as T;
  }

  set store(value: T) {
    this.#replace(value);
  }

  /** The top-level keys and their values. */
  *[Symbol.iterator](): IterableIterator<[keyof T, T[keyof T]]> {
    for (const [key, value] of Object.entries(this.#readAll())) yield [key, this.#out(value) as T[keyof T]];
  }

  /**
   * Refuses: an editor needs a file, and the secrets of the store would lie in it in the clear. Show what a person may edit in a
   * window of the app.
   *
   * Rejects with `ERR_NOT_SUPPORTED`.
   */
  async openInEditor(): Promise<void> {
    throw new BridgeError(
      'ERR_NOT_SUPPORTED',
      'A sealed store is not opened in an editor: its values would lie in a file in the clear. Show what a person may edit in a window of the app.',
    );
  }

  /** Ends `watch`. */
  _closeWatcher(): void {
    this.#unwatch?.();
    this.#unwatch = null;
  }

  /** From what is stored to what this app's version wants: migrated, filled in, checked; one frame, if anything changed. */
  #initialize(): void {
    for (;;) {
      this.#backing.sync();
      const { revision } = this.#backing;
      const draft = new Draft(this.#backing.contents);
      const failed = this.#migrate(draft);
      if (failed === null) this.#completeInitially(draft);
      // Another process has written meanwhile: nothing of this has happened, and what is there now is looked at anew.
      if (this.#backing.revision !== revision || !this.#backing.commit(draft)) continue;
      if (failed !== null) throw failed;
      this.#checked = this.#backing.revision;
      return;
    }
  }

  #completeInitially(draft: Draft): void {
    this.#fillDefaults(draft);
    try {
      this.#options.schema?.complete(draft, true);
    } catch (error) {
      if (!this.#mayClear(error)) throw error;
      draft.replace(new Map());
      this.#complete(draft, true);
    }
  }

  /** Runs the steps that are due on `draft`. A step that fails leaves it as the step before did. */
  #migrate(draft: Draft): BridgeError | null {
    const { migrations, beforeEachMigration } = this.#options;
    if (migrations === null) return null;
    const { steps: named, projectVersion } = migrations;
    // What was never written has nothing to migrate.
    const isNew = draft.bookkeeping === null && draft.keys().length === 0;
    const before: Bookkeeping = draft.bookkeeping ?? {};
    this.#fillDefaults(draft);
    let bookkeeping = before;
    if (!isNew) {
      const due = steps(Object.keys(named), before, projectVersion);
      let fromVersion = recordedVersion(before) ?? '0.0.0';
      for (const step of due) {
        const context = {
          fromVersion,
          toVersion: step.toVersion,
          finalVersion: projectVersion,
          versions: due.map(({ toVersion }) => toVersion),
        };
        const failed = this.#runStep(draft, () => {
          beforeEachMigration?.(this as unknown as Store<AnyRecord>, context);
          named[step.key]?.(this as unknown as Store<AnyRecord>);
        });
        if (failed !== null) return failed;
        fromVersion = step.toVersion;
        bookkeeping = afterStep(bookkeeping, step as Step, projectVersion);
        draft.bookkeeping = bookkeeping;
      }
    }
    const reached = atVersion(bookkeeping, projectVersion);
    if (reached !== before) draft.bookkeeping = reached;
    return null;
  }

  #runStep(draft: Draft, run: () => void): BridgeError | null {
    const undo = draft.checkpoint();
    this.#draft = draft;
    try {
      run();
      return null;
    } catch (error) {
      undo();
      return migrationFailed(error);
    } finally {
      this.#draft = null;
    }
  }

  #edit(change: (draft: Draft) => void): void {
    if (this.#draft !== null) {
      change(this.#draft);
      this.#fillDefaults(this.#draft);
    } else {
      this.#sync();
      this.#backing.edit((draft) => {
        change(draft);
        this.#complete(draft, this.#backing.revision !== this.#checked);
      });
      this.#checked = this.#backing.revision;
    }
    this.events.dispatchEvent(new Event('change'));
  }

  /** Puts `store` in the place of everything. What is there now need not fit the schema. */
  #replace(store: unknown): void {
    const values = new Map<string, unknown>();
    const written = this.#isJson ? throughJson(checkDepth(store)) : copyOf(store);
    for (const [key, value] of Object.entries(asStore(written))) {
      if (value !== undefined && key !== INTERNAL) values.set(key, value);
    }
    const change = (draft: Draft) => {
      draft.replace(values);
      this.#complete(draft, this.#draft === null);
    };
    if (this.#draft !== null) change(this.#draft);
    else this.#backing.edit(change);
    this.#checked = this.#backing.revision;
    this.events.dispatchEvent(new Event('change'));
  }

  /** Fills in what is missing, and checks: what changed, or all of it. A migration may leave anything. */
  #complete(draft: Draft, isAll: boolean): void {
    this.#fillDefaults(draft);
    if (draft !== this.#draft) this.#options.schema?.complete(draft, isAll);
  }

  #fillDefaults(draft: Draft): void {
    this.#options.defaults.fill(draft, draft === this.#draft);
  }

  /** Takes over what others wrote; throws when it breaks the schema. */
  #sync(): void {
    if (this.#draft !== null) return;
    this.#backing.sync();
    if (this.#backing.revision === this.#checked) return;
    const { schema } = this.#options;
    const draft = new Draft(this.#backing.contents);
    try {
      schema?.complete(draft, true);
    } catch (error) {
      if (!this.#mayClear(error)) throw error;
      this.clear();
      return;
    }
    // What the schema fills in is there for readers; the next write of anybody with this schema stores it.
    this.#backing.contents.commit(draft);
    this.#checked = this.#backing.revision;
  }

  #mayClear(error: unknown): boolean {
    return (
      this.#options.isClearedWhenInvalid &&
      error instanceof BridgeError &&
      error.code === 'ERR_SCHEMA_VIOLATION'
    );
  }

  #read(key: string): unknown {
    this.#sync();
    return this.#itemOf(this.#draft, key);
  }

  #readAll(): Record<string, unknown> {
    this.#sync();
    return this.#draft?.toObject() ?? toObject(this.#backing.contents.items());
  }

  #itemOf(draft: Draft | null, key: string): unknown {
    const top = (name: string) =>
      draft === null ? this.#backing.contents.item(name)?.value : draft.get(name);
    const path = this.#options.pathOf(key);
    if (path === null) return undefined;
    const value = top(String(path[0]));
    return path.length === 1 ? value : valueAt(value, path.slice(1));
  }

  #put(draft: Draft, key: string, value: unknown): void {
    const path = this.#options.pathOf(key);
    if (path === null) return;
    const [top, ...rest] = path;
    const name = String(top);
    const after = rest.length === 0 ? value : withValueAt(draft.get(name), rest, value, key);
    if (after === undefined)
      draft.delete(name); // JSON keeps nothing of it
    else draft.set(name, after);
  }

  #checkWritable(key: string): void {
    const path = this.#options.pathOf(key);
    if (path !== null && path[0] === INTERNAL) {
      throw refused(`Please don't use the ${INTERNAL} key: it is the store's own.`);
    }
  }

  get #isJson(): boolean {
    return this.#options.codec === null;
  }

  #in(value: unknown): unknown {
    return this.#isJson ? throughJson(value) : copyOf(value);
  }

  #out(value: unknown): unknown {
    return this.#options.isCached ? value : copyOf(value);
  }

  #listen(read: () => unknown, callback: OnDidChangeCallback<unknown>): Unsubscribe {
    if (typeof callback !== 'function') {
      throw refused(`Expected \`callback\` to be of type \`function\`, got ${typeof callback}.`);
    }
    // A store that cannot be read now says so to whoever reads it; the first change that can be is told.
    let last = attempt(read);
    const onChange = () => {
      const now = attempt(read);
      if (now.failed || isDeepStrictEqual(now.value, last.value)) return;
      const before = last.value;
      last = now;
      callback.call(this, this.#out(now.value), this.#out(before));
    };
    this.events.addEventListener('change', onChange);
    return () => this.events.removeEventListener('change', onChange);
  }

  #watch(): void {
    let told = this.#backing.revision;
    this.#unwatch = this.#backing.onChange(() => {
      try {
        this.#backing.sync();
      } catch {
        // Whoever reads hears of it.
      }
      if (this.#backing.revision === told) return;
      told = this.#backing.revision;
      this.events.dispatchEvent(new Event('change'));
    });
  }
}

function attempt(read: () => unknown): { value: unknown; failed: boolean } {
  try {
    return { value: read(), failed: false };
  } catch {
    return { value: undefined, failed: true };
  }
}

function checkKey(key: unknown): asserts key is string {
  if (typeof key !== 'string') throw refused(`Expected \`key\` to be of type \`string\`, got ${typeof key}.`);
}

/** Refuses what JSON cannot write; functions and symbols it leaves out, and so does the store. */
function checkDepth(store: unknown): unknown {
  for (const [key, value] of Object.entries(asStore(store))) {
    if (!['undefined', 'function', 'symbol'].includes(typeof value)) checkValue(key, value, true);
  }
  return store;
}
