import { expect, it } from 'vitest';
import { initials } from './initials';

it.each([
  ['Ada Lovelace', null, 'AL'],
  ['  ada   king  lovelace ', null, 'AL'],
  ['Ada', null, 'A'],
  ['', 'grace@example.com', 'G'],
  [null, 'grace@example.com', 'G'],
  [null, null, '?'],
  ['𝒜da', null, '𝒜'],
])('of %s and %s are %s', (name, email, expected) => {
  expect(initials(name, email)).toBe(expected);
});
