/**
 * `electron-latchkey/store`: electron-store's `Store`, sealed.
 *
 * - `store.ts` the calls; `options.ts` how it is made; `place.ts` which store in which vault
 * - `backing.ts` its records in the vault; `contents.ts` what they hold, and changes that are made at once
 * - `path.ts` dot notation; `values.ts` what can be stored
 * - `schema.ts` defaults and rules; `migrations.ts` which steps are due
 * - `types.ts`, `json-schema.ts` the types of electron-store
 */
import { Store as SealedStore } from './store.js';
import type * as types from './types.js';
import type { AnyRecord } from './types.js';

// `require('electron-latchkey/store')` is the class, `import Store from` is the class, and so is its `default`, which
// loaders of both kinds look for.
/** electron-store's `Store`, sealed: the same calls, over Latchkey's vault. */
class Store<T extends AnyRecord = Record<string, unknown>> extends SealedStore<T> {
  /** The class itself, for loaders that look for it here. */
  static readonly default = Store;
}
namespace Store {
  /** How to make a store. */
  export type Options<T extends AnyRecord> = types.Options<T>;
  /** The JSON Schema of each top-level key. */
  export type Schema<T> = types.Schema<T>;
}
export = Store;
