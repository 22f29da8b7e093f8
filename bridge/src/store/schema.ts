import type { StoreSchema } from 'electron-latchkey';
import { loadAddon } from '../main/addon.js';
import { BridgeError } from '../main/failure.js';
import type { Draft } from './contents.js';
import { assign, isContainer } from './path.js';
import { refused } from './refused.js';
import { copyOf, throughJson } from './values.js';

type Definition = Record<string, unknown>;

/** What of `ajvOptions` means something here. */
export interface SchemaOptions {
  useDefaults: boolean | 'empty';
  removeAdditional: boolean;
  allErrors: boolean;
}

/** The schema of a store: what its values may be, and which are filled in. */
export class Schema {
  readonly #properties: Record<string, unknown>;
  readonly #root: Definition;
  /** Whether there are rules about the store as a whole, so that one value cannot be looked at alone. */
  readonly #isWhole: boolean;
  readonly #options: SchemaOptions;
  readonly #compiled: StoreSchema;

  /** Throws `ERR_INVALID_ARGUMENT` for what is no schema of draft 2020-12. */
  constructor(schema: object | undefined, rootSchema: object | undefined, options: SchemaOptions) {
    this.#properties = (throughJson(schema ?? {}) ?? {}) as Record<string, unknown>;
    this.#root = {
      ...(throughJson(rootSchema ?? {}) as Definition),
      type: 'object',
      properties: this.#properties,
    };
    this.#isWhole = Object.keys(rootSchema ?? {}).length > 0;
    this.#options = options;
    this.#compiled = loadAddon().StoreSchema.compile(JSON.stringify(this.#root));
  }

  /** The `default` that a key of the store gives itself; undefined when it gives none. */
  defaultOf(key: string): unknown {
    const definition = own(this.#properties, key);
    if (this.#options.useDefaults === false || !isContainer(definition)) return undefined;
    return copyOf(definition.default);
  }

  /** Every `default`, where it belongs, those below a property that has none included: what `reset()` goes back to. */
  defaults(): Record<string, unknown> {
    return this.#options.useDefaults === false ? {} : collectDefaults(this.#properties);
  }

  /**
   * Fills in what is missing, and checks: what has changed, or all of it.
   *
   * Throws `ERR_SCHEMA_VIOLATION`.
   */
  complete(draft: Draft, isAll: boolean): void {
    if (this.#isWhole) this.#completeWhole(draft);
    else this.#completeKeys(draft, isAll);
  }

  /** Fills in what is missing, and checks nothing. */
  fill(draft: Draft): void {
    if (this.#isWhole) this.#fillWhole(draft);
    else for (const key of Object.keys(this.#properties)) this.#fillKey(draft, key);
  }

  #completeKeys(draft: Draft, isAll: boolean): void {
    for (const key of Object.keys(this.#properties)) {
      if (isAll || draft.changed.has(key) || draft.get(key) === undefined) this.#fillKey(draft, key);
    }
    const looked: Record<string, unknown> = Object.create(null);
    let count = 0;
    for (const key of Object.keys(this.#properties)) {
      const value = draft.get(key);
      if (value === undefined || !(isAll || draft.changed.has(key))) continue;
      looked[key] = value;
      count += 1;
    }
    if (count > 0) this.#check(looked);
  }

  #fillKey(draft: Draft, key: string): void {
    const value = draft.get(key);
    const holder: Record<string, unknown> = Object.create(null);
    if (value !== undefined) holder[key] = value;
    const definition = { properties: { [key]: this.#properties[key] } };
    const filled = this.#filled(definition, holder, 0) as Record<string, unknown>;
    if (filled[key] !== value) draft.set(key, filled[key]);
  }

  #completeWhole(draft: Draft): void {
    this.#fillWhole(draft);
    this.#check(draft.toObject());
  }

  #fillWhole(draft: Draft): void {
    const store = draft.toObject();
    const filled = this.#filled(this.#root, store, 0) as Record<string, unknown>;
    if (filled === store) return;
    for (const key of Object.keys(store)) if (!(key in filled)) draft.delete(key);
    for (const [key, value] of Object.entries(filled)) if (value !== store[key]) draft.set(key, value);
  }

  #check(store: Record<string, unknown>): void {
    const violations = this.#compiled.violations(JSON.stringify(store));
    if (violations.length === 0) return;
    const said = this.#options.allErrors ? violations : violations.slice(0, 1);
    throw new BridgeError('ERR_SCHEMA_VIOLATION', `Config schema violation: ${said.join('; ')}`);
  }

  /** `value` with the defaults of `definition` filled in and what it removes taken out; `value` itself if that is nothing. */
  #filled(definition: unknown, value: unknown, depth: number): unknown {
    // A definition that refers to itself without going deeper into the value ends here.
    if (!isContainer(definition) || typeof value !== 'object' || value === null || depth > 200) return value;
    let filled: unknown = value;
    const reference = definition.$ref;
    if (typeof reference === 'string') filled = this.#filled(this.#resolve(reference), filled, depth + 1);
    const all = definition.allOf;
    if (Array.isArray(all)) for (const each of all) filled = this.#filled(each, filled, depth + 1);
    return Array.isArray(filled)
      ? this.#filledArray(definition, filled, depth)
      : this.#filledObject(definition, filled as Definition, depth);
  }

  #filledObject(definition: Definition, value: Definition, depth: number): Definition {
    let copy: Definition | null = null;
    const put = (key: string, item: unknown) => {
      copy ??= { ...value };
      assign(copy, key, item);
    };
    const properties = isContainer(definition.properties) ? definition.properties : {};
    for (const [key, sub] of Object.entries(properties)) {
      let item = own(value, key);
      if (this.#isMissing(item) && isContainer(sub) && sub.default !== undefined) {
        item = copyOf(sub.default);
        if (this.#options.useDefaults !== false) put(key, item);
      }
      if (item === undefined) continue;
      const filled = this.#filled(sub, item, depth + 1);
      if (filled !== item) put(key, filled);
    }
    for (const [key, item] of Object.entries(value)) {
      if (Object.hasOwn(properties, key)) continue;
      const sub = ruleOfOthers(definition, key);
      if (sub === false && this.#options.removeAdditional) {
        copy ??= { ...value };
        delete copy[key];
        continue;
      }
      const filled = this.#filled(sub, item, depth + 1);
      if (filled !== item) put(key, filled);
    }
    return copy ?? value;
  }

  #filledArray(definition: Definition, value: unknown[], depth: number): unknown[] {
    const first = Array.isArray(definition.prefixItems) ? definition.prefixItems : [];
    const items = value.map((item, index) =>
      this.#filled(index < first.length ? first[index] : definition.items, item, depth + 1),
    );
    return items.some((item, index) => item !== value[index]) ? items : value;
  }

  #isMissing(value: unknown): boolean {
    return value === undefined || (this.#options.useDefaults === 'empty' && (value === null || value === ''));
  }

  #resolve(reference: string): unknown {
    if (!reference.startsWith('#')) return undefined;
    let at: unknown = this.#root;
    for (const part of decodeURIComponent(reference).split('/').slice(1)) {
      if (!isContainer(at)) return undefined;
      at = own(at, part.replaceAll('~1', '/').replaceAll('~0', '~'));
    }
    return at;
  }
}

/** What the schema says of a property that it does not name. */
function ruleOfOthers(definition: Definition, key: string): unknown {
  const patterns = definition.patternProperties;
  if (isContainer(patterns)) {
    for (const [pattern, sub] of Object.entries(patterns)) if (new RegExp(pattern, 'u').test(key)) return sub;
  }
  return definition.additionalProperties;
}

function collectDefaults(properties: Record<string, unknown>): Record<string, unknown> {
  const defaults: Record<string, unknown> = Object.create(null);
  for (const [key, definition] of Object.entries(properties)) {
    if (!isContainer(definition)) continue;
    const own = copyOf(definition.default);
    const below = isContainer(definition.properties) ? collectDefaults(definition.properties) : {};
    const isObject = own === undefined || (isContainer(own) && !Array.isArray(own));
    if (Object.keys(below).length > 0 && isObject) defaults[key] = { ...below, ...own };
    else if (own !== undefined) defaults[key] = own;
  }
  return defaults;
}

function own(object: Record<string, unknown>, key: string): unknown {
  return Object.hasOwn(object, key) ? object[key] : undefined;
}

/** What of `ajvOptions` changes nothing here: it is about how ajv compiles and reports, or checks the schema itself. */
const WITHOUT_MEANING = new Set([
  'addUsedSchema',
  'allowMatchingProperties',
  'allowUnionTypes',
  'code',
  'dynamicRef',
  'inlineRefs',
  'logger',
  'loopEnum',
  'loopRequired',
  'messages',
  'meta',
  'next',
  'ownProperties',
  'passContext',
  'strict',
  'strictNumbers',
  'strictRequired',
  'strictSchema',
  'strictTuples',
  'strictTypes',
  'unevaluated',
  'unicodeRegExp',
  'validateSchema',
  'verbose',
]);

/**
 * Reads `ajvOptions`. Refuses what would make a schema say something else than it does here.
 *
 * Throws `ERR_INVALID_ARGUMENT`.
 */
export function parseSchemaOptions(ajvOptions: object | undefined): SchemaOptions {
  const options: SchemaOptions = { useDefaults: true, removeAdditional: false, allErrors: true };
  for (const [name, value] of Object.entries(ajvOptions ?? {})) {
    if (value === undefined || WITHOUT_MEANING.has(name)) continue;
    if (name === 'useDefaults' && (typeof value === 'boolean' || value === 'empty'))
      options.useDefaults = value;
    else if (name === 'removeAdditional' && typeof value === 'boolean') options.removeAdditional = value;
    else if (name === 'allErrors' && typeof value === 'boolean') options.allErrors = value;
    else {
      throw refused(
        `\`ajvOptions.${name}\` does not work with this store, which has another validator. docs/store.md says what does.`,
      );
    }
  }
  return options;
}
