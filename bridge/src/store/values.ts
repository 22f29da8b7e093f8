import { assign } from './path.js';
import { refused } from './refused.js';

/** A value nested deeper than this is refused: walking it would take the stack out. */
const MAX_DEPTH = 1000;

/**
 * Refuses what the store cannot hold: `undefined`, functions and symbols always; `bigint` and what holds itself unless the
 * app brings a `serialize` of its own.
 *
 * Throws `ERR_INVALID_ARGUMENT`.
 */
export function checkValue(key: string, value: unknown, isJson: boolean): void {
  if (value === undefined || typeof value === 'function' || typeof value === 'symbol') {
    throw refused(
      `Setting a value of type \`${typeof value}\` for key \`${key}\` is not allowed as it's not supported by JSON.`,
    );
  }
  if (isJson) checkTree(key, value, [], new Set());
}

function checkTree(key: string, value: unknown, path: string[], above: Set<object>): void {
  const at = path.length === 0 ? '' : ` at \`${path.join('.')}\``;
  if (typeof value === 'bigint') {
    throw refused(
      `Setting a value of type \`bigint\` for key \`${key}\`${at} is not allowed as it's not supported by JSON.`,
    );
  }
  if (typeof value !== 'object' || value === null) return;
  if (typeof (value as { toJSON?: unknown }).toJSON === 'function') return; // JSON holds what it writes
  if (above.has(value)) {
    throw refused(
      `Setting a value for key \`${key}\`${at} is not allowed as a value that holds itself is not supported by JSON.`,
    );
  }
  if (path.length >= MAX_DEPTH) {
    throw refused(
      `Setting a value for key \`${key}\` is not allowed as it is nested over ${MAX_DEPTH} levels deep.`,
    );
  }
  above.add(value);
  for (const [name, item] of Object.entries(value)) checkTree(key, item, [...path, name], above);
  above.delete(value);
}

/** The value as JSON keeps it; undefined when JSON keeps nothing of it. */
export function throughJson(value: unknown): unknown {
  if (typeof value === 'string' || typeof value === 'boolean' || value === null) return value;
  const text = JSON.stringify(value);
  return text === undefined ? undefined : JSON.parse(text);
}

/** A copy of plain objects and arrays, which can be changed. Anything else is taken as it is. */
export function copyOf<T>(value: T): T {
  return copyTree(value, 0) as T;
}

function copyTree(value: unknown, depth: number): unknown {
  if (typeof value !== 'object' || value === null || depth > MAX_DEPTH) return value;
  if (Array.isArray(value)) {
    const copy = new Array(value.length);
    for (let index = 0; index < value.length; index += 1) {
      if (index in value) copy[index] = copyTree(value[index], depth + 1);
    }
    return copy;
  }
  if (!isPlain(value)) return value;
  const copy: Record<string, unknown> = Object.getPrototypeOf(value) === null ? Object.create(null) : {};
  for (const name of Object.keys(value)) {
    assign(copy, name, copyTree((value as Record<string, unknown>)[name], depth + 1));
  }
  return copy;
}

/** Freezes plain objects and arrays, all the way down; stops at what is frozen. */
export function frozen<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value;
  if (!Array.isArray(value) && !isPlain(value)) return value;
  Object.freeze(value);
  for (const item of Object.values(value)) frozen(item);
  return value;
}

export function isPlain(value: object): boolean {
  const prototype = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}
