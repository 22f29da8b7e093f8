/** From unknown to typed: the steps that every argument of a page goes through. */
import { BridgeError } from './failure.js';

/** The argument at the front, which must be an object. */
export function recordAt(args: readonly unknown[], call: string): object {
  return asRecord(args[0], `${call}: the argument must be an object.`);
}

export function asRecord(value: unknown, message: string): object {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw invalid(message);
  if (POLLUTING.some((name) => Object.hasOwn(value, name))) throw invalid('An argument names a prototype.');
  return value;
}

/** Fields that no call has, and that would change more than the object if somebody copied them. */
const POLLUTING = ['__proto__', 'constructor', 'prototype'];

/** An own field only: a polluted Object.prototype must not fill in what the page left out. */
export function own(record: object, field: string): unknown {
  return Object.hasOwn(record, field) ? (record as Record<string, unknown>)[field] : undefined;
}

/** A text of this field that is neither empty nor too long. */
export function text(record: object, field: string, maxLength: number): string {
  return asText(own(record, field), field, maxLength);
}

export function asText(value: unknown, name: string, maxLength: number): string {
  const message = `${name} must be a text of 1 to ${maxLength} characters.`;
  // What a person left out of a form: wrong, and no attack.
  if (value === '') throw new BridgeError('ERR_INVALID_ARGUMENT', message);
  if (typeof value !== 'string' || value.length > maxLength) throw invalid(message);
  return value;
}

/** The same for a field that may be left out, as an object to spread. */
export function optionalText<K extends string>(
  record: object,
  field: K,
  maxLength: number,
): { [P in K]?: string } {
  if (own(record, field) === undefined) return {};
  return { [field]: text(record, field, maxLength) } as { [P in K]?: string };
}

export function optionalFlag<K extends string>(record: object, field: K): { [P in K]?: boolean } {
  const value = own(record, field);
  if (value === undefined) return {};
  if (typeof value !== 'boolean') throw invalid(`${field} must be true or false.`);
  return { [field]: value } as { [P in K]?: boolean };
}

/** Arguments that no page of the app sends, unless it is broken or somebody else speaks in it. */
export class InvalidCall extends BridgeError {
  constructor(message: string) {
    super('ERR_INVALID_ARGUMENT', message);
  }
}

/** Names the field and its bound, never the value: it may be a password. */
export function invalid(message: string): InvalidCall {
  return new InvalidCall(message);
}
