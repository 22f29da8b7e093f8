/**
 * The types of electron-store 12 and conf 16, so that code which compiles with theirs compiles with these.
 */
import type { JSONSchema, JSONSchemaObject } from './json-schema.js';

/** What an app says its store holds. */
// biome-ignore lint/suspicious/noExplicitAny: as in conf's types
export type AnyRecord = Record<string, any>;

/** How a store is made. docs/store.md says option by option where it differs from electron-store. */
export interface Options<T extends AnyRecord> {
  /** Values for keys that the store does not hold. Such a key cannot be removed: its default comes back. */
  defaults?: Readonly<DefaultsOf<T>>;
  /**
   * A JSON Schema (draft 2020-12) for each key. `default` is filled in; `defaults` beats it. Patterns are linear in time: no
   * look-around, no references back.
   */
  schema?: Schema<T>;
  /** Keywords for the store as a whole, such as `additionalProperties`. Not `properties`: that is `schema`. */
  rootSchema?: RootSchema;
  /** `useDefaults`, `removeAdditional` (true or false) and `allErrors`; what would make a schema mean another thing is refused. */
  ajvOptions?: AjvOptions;
  /** Steps by version or semver range, run once when the app's version comes to them. They are kept together or not at all. */
  migrations?: Migrations<T>;
  /** Called before each step. */
  beforeEachMigration?: BeforeEachMigrationCallback<T>;
  /** The app's version, for `migrations`. Default: `app.getVersion()`. */
  projectVersion?: string;
  /** The store's name. It may hold a folder, such as `sub/config`. Default `config`. */
  name?: string;
  /**
   * Where electron-store would put its file. Relative, or in `userData`: part of the store's name. Absolute and elsewhere: the
   * store is in a vault that lies there.
   */
  cwd?: string;
  /** Part of the store's name. Default `json`. */
  fileExtension?: string;
  /**
   * Whether a store that breaks the schema is cleared. Default false. What cannot be decrypted is never cleared: the vault's
   * error is thrown.
   */
  clearInvalidConfig?: boolean;
  /** Writes the whole store in a format of the app's own. Each change then costs the whole store. */
  readonly serialize?: Serialize<T>;
  /** Reads what `serialize` wrote. */
  readonly deserialize?: Deserialize<T>;
  /** Whether `a.b` reaches `b` in `a`. Default true. */
  readonly accessPropertiesByDotNotation?: boolean;
  /** Whether listeners hear what other processes and instances write. Default false: they hear what this instance does. */
  readonly watch?: boolean;
  /** Whether what is read is the frozen original instead of a copy. Reads come from memory either way. Default false. */
  readonly cache?: boolean;
  /** Taken and not used: the vault seals the store with a random key from the OS keychain. */
  encryptionKey?: string | Uint8Array | NodeJS.TypedArray | DataView;
  /** Taken and not used, as `encryptionKey`. */
  encryptionAlgorithm?: 'aes-256-cbc' | 'aes-256-gcm' | 'aes-256-ctr';
  /** Taken and not used: the vault's file is its owner's alone (0600). */
  readonly configFileMode?: number;
}

/** Options of ajv that this store knows. */
export interface AjvOptions {
  useDefaults?: boolean | 'empty';
  removeAdditional?: boolean;
  allErrors?: boolean;
  [option: string]: unknown;
}

export type Schema<T> = { [Property in keyof T]?: ValueSchema };
export type ValueSchema = JSONSchema;
export type RootSchema = JSONSchemaObject & Record<string, unknown>;

export type Migrations<T extends AnyRecord> = Record<string, (store: import('./store.js').Store<T>) => void>;

export interface BeforeEachMigrationContext {
  /** The version that the step begins at. */
  fromVersion: string;
  /** The version that it leads to; for a range, the lowest one in it. */
  toVersion: string;
  /** The version after all steps. */
  finalVersion: string;
  /** The versions of all steps of this run. */
  versions: string[];
}

export type BeforeEachMigrationCallback<T extends AnyRecord> = (
  store: import('./store.js').Store<T>,
  context: BeforeEachMigrationContext,
) => void;

export type Serialize<T> = (value: T) => string | Uint8Array;
export type Deserialize<T> = (text: string) => T;
export type OnDidChangeCallback<T> = (newValue?: T, oldValue?: T) => void;
export type OnDidAnyChangeCallback<T> = (newValue: Readonly<T>, oldValue?: Readonly<T>) => void;
export type Unsubscribe = () => void;

/** What the items of the array under a key may be. */
export type ArrayItemsOf<Value> =
  Extract<NonNullable<Value>, readonly unknown[]> extends ReadonlyArray<infer Item> ? Item : unknown;

/** Objects that no key leads into. */
type Opaque =
  | readonly unknown[]
  | Date
  | RegExp
  | URL
  | URLSearchParams
  | ReadonlyMap<unknown, unknown>
  | ReadonlySet<unknown>
  | WeakMap<object, unknown>
  | WeakSet<object>
  | Promise<unknown>
  | ArrayBuffer
  | DataView
  | NodeJS.TypedArray;

/** Every key of `T`, and in dot notation every key below, ten levels deep. */
export type DotNotationKeyOf<T extends AnyRecord, Depth extends unknown[] = []> = Depth['length'] extends 10
  ? never
  : {
      [K in keyof Required<T>]: K extends string
        ? Required<T>[K] extends Opaque
          ? K
          : Required<T>[K] extends AnyRecord
            ? K | `${K}.${DotNotationKeyOf<Required<T>[K], [...Depth, unknown]>}`
            : K
        : never;
    }[keyof T];

/** The type under a key in dot notation. */
export type DotNotationValueOf<
  T extends AnyRecord,
  K extends DotNotationKeyOf<T>,
> = K extends `${infer Head}.${infer Tail}`
  ? Head extends keyof T
    ? T[Head] extends AnyRecord
      ? Tail extends DotNotationKeyOf<T[Head]>
        ? DotNotationValueOf<T[Head], Tail>
        : never
      : Required<T>[Head] extends AnyRecord
        ? Tail extends DotNotationKeyOf<Required<T>[Head]>
          ? DotNotationValueOf<Required<T>[Head], Tail> | undefined
          : never
        : never
    : never
  : K extends keyof T
    ? T[K]
    : never;

export type DefaultsOf<T extends AnyRecord> = Partial<T> & {
  [Key in Exclude<DotNotationKeyOf<T>, keyof T>]?: DotNotationValueOf<T, Key>;
};
