import { refused } from './refused.js';

/** A key in dot notation, read: names of properties and indexes of arrays. */
export type Path = readonly (string | number)[];

/** Names that reach into every object. Nothing is stored under a key that holds one. */
const RESERVED = new Set(['__proto__', 'prototype', 'constructor']);
/** An index beyond this is a name: an array with one element at the end of it would be all holes. */
const MAX_INDEX = 1_000_000;

/**
 * Reads a key as dot-prop 10 does: `a.b`, `a[0]`, `a.0`, and `\` before a dot, a bracket or itself that is part of a name.
 * Null for a key that nothing can be stored under.
 *
 * Throws `ERR_INVALID_ARGUMENT` for what is no path, such as `a[x`.
 */
export function parsePath(key: string): Path | null {
  if (!/[.[\]\\]/.test(key)) return RESERVED.has(key) ? null : [toPart(key)];
  const parts = new Reader(key).read();
  return parts.some((part) => RESERVED.has(String(part))) ? null : parts;
}

class Reader {
  readonly #key: string;
  readonly #parts: (string | number)[] = [];
  #at = 0;

  constructor(key: string) {
    this.#key = key;
  }

  read(): Path {
    this.#name();
    while (this.#at < this.#key.length) this.#next();
    return this.#parts;
  }

  /** After a name or an index: another index, or a dot and a name. */
  #next(): void {
    if (this.#key[this.#at] === '[') {
      this.#index();
      return;
    }
    this.#at += 1; // the dot: a name ends at nothing else
    this.#name();
  }

  #name(): void {
    let name = '';
    const begin = this.#at;
    for (; this.#at < this.#key.length; this.#at += 1) {
      const letter = this.#key[this.#at];
      if (letter === '.') break;
      if (letter === '\\') {
        this.#at += 1;
        name += this.#key[this.#at] ?? '\\';
      } else if (letter !== '[') {
        name += letter;
      } else if (this.#key[this.#at + 1] === ']') {
        name += '[]'; // empty brackets are letters
        this.#at += 1;
      } else {
        break;
      }
    }
    const isIndexFirst = begin === 0 && this.#at === 0 && this.#key[0] === '[';
    if (!isIndexFirst) this.#parts.push(toPart(name));
  }

  #index(): void {
    const end = this.#indexEnd();
    const after = end === null ? undefined : this.#key[end + 1];
    if (end === null || (after !== undefined && after !== '.' && after !== '[')) {
      throw refused(`The key \`${this.#key}\` is not a key a value can be written to.`);
    }
    this.#parts.push(toPart(this.#key.slice(this.#at + 1, end)));
    this.#at = end + 1;
  }

  /** Where the index that begins here ends; null when what stands in the brackets is no index. */
  #indexEnd(): number | null {
    const end = this.#key.indexOf(']', this.#at);
    return end !== -1 && /^\d+$/.test(this.#key.slice(this.#at + 1, end)) ? end : null;
  }
}

function toPart(name: string): string | number {
  return /^(0|[1-9]\d{0,6})$/.test(name) && Number(name) <= MAX_INDEX ? Number(name) : name;
}

/** The value at `path` in `value`, by own properties only; undefined when there is none. */
export function valueAt(value: unknown, path: Path): unknown {
  let at = value;
  for (const part of path) {
    if (!hasOwn(at, part)) return undefined;
    at = at[part];
  }
  return at;
}

/**
 * A copy of `value` with `put` at `path`; shares with `value` all that lies beside the path. What is missing on the way, or is
 * no container, becomes one.
 *
 * Throws `ERR_INVALID_ARGUMENT` where the path leads to a name in an array.
 */
export function withValueAt(value: unknown, path: Path, put: unknown, key: string): unknown {
  const [part, ...rest] = path;
  if (part === undefined) return put;
  if (Array.isArray(value) && typeof part !== 'number') {
    throw refused(
      `The key \`${key}\` only holds the elements of an array, so \`${part}\` cannot be set on it.`,
    );
  }
  const container = isContainer(value) ? shallowCopy(value) : emptyFor(part);
  const child = hasOwn(container, part) ? container[part] : undefined;
  assign(container, part, withValueAt(child, rest, put, key));
  return container;
}

/** A copy of `value` without what lies at `path`; `value` itself when there is nothing. An array closes the gap. */
export function withoutValueAt(value: unknown, path: Path): unknown {
  const [part, ...rest] = path;
  if (part === undefined || !hasOwn(value, part)) return value;
  if (rest.length > 0) {
    const child = withoutValueAt(value[part], rest);
    if (child === value[part]) return value;
    const copy = shallowCopy(value);
    assign(copy, part, child);
    return copy;
  }
  const copy = shallowCopy(value);
  if (!Array.isArray(copy)) delete copy[part];
  else if (typeof part === 'number') copy.splice(part, 1);
  return copy;
}

/** Whether something on the way to `path` is neither missing nor a container that could take the rest. */
export function isBlocked(value: unknown, path: Path): boolean {
  let at = value;
  for (const [index, part] of path.entries()) {
    if (Array.isArray(at) && typeof part !== 'number') return true;
    if (index === path.length - 1 || !hasOwn(at, part)) return false;
    at = at[part];
    if (!isContainer(at)) return true;
  }
  return false;
}

type Container = Record<string | number, unknown>;

export function isContainer(value: unknown): value is Container {
  return typeof value === 'object' && value !== null && typeof (value as Container).toJSON !== 'function';
}

function hasOwn(value: unknown, part: string | number): value is Container {
  return (
    typeof value === 'object' && value !== null && Object.prototype.propertyIsEnumerable.call(value, part)
  );
}

function emptyFor(part: string | number): Container {
  return typeof part === 'number' ? ([] as unknown as Container) : {};
}

function shallowCopy(value: Container): Container {
  return Array.isArray(value) ? (value.slice() as unknown as Container) : { ...value };
}

/** Sets an own property, whatever its name: a JSON file may hold `__proto__`. */
export function assign(target: Container, name: string | number, value: unknown): void {
  if (name === '__proto__') {
    Object.defineProperty(target, name, { value, writable: true, enumerable: true, configurable: true });
  } else {
    target[name] = value;
  }
}
