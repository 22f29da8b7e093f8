import { electronApp } from '../default-vault/app-id.js';
import { asStore, type Codec } from './backing.js';
import { Defaults } from './defaults.js';
import { checkMigrations, checkProjectVersion } from './migrations.js';
import { type Path, parsePath } from './path.js';
import { type Place, placeOf } from './place.js';
import { refused } from './refused.js';
import { parseSchemaOptions, Schema } from './schema.js';
import type { AnyRecord, BeforeEachMigrationCallback, Migrations, Options } from './types.js';
import { checkValue, copyOf, throughJson } from './values.js';

/** Options that have been read. */
export interface Parsed {
  place: Place;
  defaults: Defaults;
  schema: Schema | null;
  migrations: { steps: Migrations<AnyRecord>; projectVersion: string } | null;
  beforeEachMigration: BeforeEachMigrationCallback<AnyRecord> | null;
  codec: Codec | null;
  /** Where a key leads; null for one under which nothing is stored. */
  pathOf: (key: string) => Path | null;
  /** Several keys in the order in which they are set. */
  ordered: <V>(entries: [string, V][]) => [string, V][];
  isCached: boolean;
  isWatched: boolean;
  isClearedWhenInvalid: boolean;
}

/** Throws `ERR_INVALID_ARGUMENT`. */
export function parseOptions(given: Options<AnyRecord> | undefined): Parsed {
  // null and undefined are as good as left out.
  const present = Object.entries(given ?? {}).filter(([, value]) => value !== undefined && value !== null);
  const options: Options<AnyRecord> = Object.fromEntries(present);
  checkUnused(options);
  const isDotted = options.accessPropertiesByDotNotation ?? true;
  checkMigrations(options.migrations);
  const pathOf = isDotted ? parsePath : (key: string) => [key];
  const defaults = parseDefaults(options.defaults ?? {}, isDotted, options.serialize === undefined);
  const schema = parseSchema(options, isDotted);
  return {
    place: placeOf(options),
    defaults: new Defaults(defaults, pathOf, schema),
    schema,
    migrations: options.migrations === undefined ? null : parseMigrations(options, options.migrations),
    beforeEachMigration: options.beforeEachMigration ?? null,
    codec: parseCodec(options),
    pathOf,
    ordered: (entries) => (isDotted && entries.length > 1 ? byDepth(entries) : entries),
    isCached: options.cache ?? false,
    isWatched: options.watch ?? false,
    isClearedWhenInvalid: options.clearInvalidConfig ?? false,
  };
}

/** What is taken and not used must still be what it says: a wrong one is a mistake that would go unseen. */
function checkUnused({ encryptionKey, encryptionAlgorithm, configFileMode }: Options<AnyRecord>): void {
  if (encryptionKey === '') throw refused('The `encryptionKey` option must not be empty.');
  const algorithms = ['aes-256-cbc', 'aes-256-gcm', 'aes-256-ctr'];
  if (encryptionAlgorithm !== undefined && !algorithms.includes(encryptionAlgorithm)) {
    throw refused(`The \`encryptionAlgorithm\` option must be one of: ${algorithms.join(', ')}.`);
  }
  const mode: unknown = configFileMode;
  const isMode =
    typeof mode === 'number'
      ? Number.isInteger(mode) && mode >= 0 && mode <= 0o7777
      : mode === undefined || (typeof mode === 'string' && /^[0-7]{1,4}$/.test(mode));
  if (!isMode) throw refused('The `configFileMode` option must be a whole number between 0 and 0o7777.');
}

function parseMigrations(options: Options<AnyRecord>, steps: Migrations<AnyRecord>) {
  const projectVersion = options.projectVersion || electronApp()?.getVersion();
  checkProjectVersion(projectVersion);
  return { steps, projectVersion };
}

function parseDefaults(defaults: object, isDotted: boolean, isJson: boolean): [string, unknown][] {
  const present = Object.entries(defaults).filter(([, value]) => value !== undefined);
  for (const [key, value] of present) {
    checkValue(key, value, isJson);
    if (isDotted && parsePath(key) === null) {
      throw refused(
        `The \`defaults\` option cannot hold the key \`${key}\`, under which nothing can be stored.`,
      );
    }
  }
  const taken = present.map(([key, value]): [string, unknown] => [
    key,
    isJson ? throughJson(value) : copyOf(value),
  ]);
  return isDotted ? byDepth(taken) : taken;
}

/** What leads deeper comes after what it leads into. */
function byDepth<V>(entries: [string, V][]): [string, V][] {
  const depth = ([key]: [string, V]) => parsePath(key)?.length ?? 0;
  return [...entries].sort((first, second) => depth(first) - depth(second));
}

function parseSchema(options: Options<AnyRecord>, isDotted: boolean): Schema | null {
  const { schema, rootSchema, ajvOptions } = options;
  for (const [name, value] of Object.entries({ schema, rootSchema, ajvOptions })) {
    if (value !== undefined && typeof value !== 'object') {
      throw refused(`The \`${name}\` option must be an object.`);
    }
  }
  if (schema === undefined && rootSchema === undefined && ajvOptions === undefined) return null;
  if (rootSchema !== undefined && 'properties' in rootSchema) {
    throw refused('The `rootSchema` option must not contain `properties`. Use the `schema` option for them.');
  }
  const type = rootSchema?.type ?? 'object';
  if (![type].flat().includes('object')) {
    throw refused('The `rootSchema` option must not name a `type` other than `object`: a store is one.');
  }
  for (const [key, definition] of Object.entries(schema ?? {})) checkSchemaKey(key, definition, isDotted);
  return new Schema(schema, rootSchema, parseSchemaOptions(ajvOptions));
}

function checkSchemaKey(key: string, definition: unknown, isDotted: boolean): void {
  const path = isDotted ? parsePath(key) : [key];
  if (path === null || path.length !== 1 || String(path[0]) !== key) {
    throw refused(
      `The \`schema\` option cannot hold the key \`${key}\`: use \`properties\` for keys below others.`,
    );
  }
  const fallback = (definition as { default?: unknown } | null)?.default;
  if (fallback !== undefined) checkValue(key, fallback, true);
}

function parseCodec({ serialize, deserialize }: Options<AnyRecord>): Codec | null {
  if (serialize === undefined && deserialize === undefined) return null;
  return {
    serialize(store) {
      const written: unknown = serialize === undefined ? JSON.stringify(store) : serialize(store);
      if (typeof written === 'string') return written;
      if (written instanceof Uint8Array) return new TextDecoder('utf-8', { fatal: true }).decode(written);
      throw refused(
        `The \`serialize\` option must return a string or a \`Uint8Array\`, got ${typeof written}.`,
      );
    },
    deserialize: (text) => asStore(deserialize === undefined ? JSON.parse(text) : deserialize(text)),
  };
}
