import { describe, expect, it } from 'vitest';
import { absoluteTime, clockTime, englishLocale, relativeTime } from './time';

const NOW = Date.UTC(2026, 4, 17, 12, 0, 0);
const SECOND = 1000;
const DAY = 24 * 3600 * SECOND;

describe('relativeTime', () => {
  it.each([
    [45 * SECOND, 'in 45 seconds'],
    [-3 * 60 * SECOND, '3 minutes ago'],
    [5 * 3600 * SECOND, 'in 5 hours'],
    [DAY, 'tomorrow'],
    [6.8 * DAY, 'in 7 days'],
  ])('%d ms from now is %s', (distance, text) => {
    expect(relativeTime(NOW + distance, NOW, 'en')).toBe(text);
  });
});

it('writes date and time in full', () => {
  expect(absoluteTime(NOW, 'en-GB', 'UTC')).toBe('17 May 2026, 12:00');
  expect(clockTime(NOW, 'en-GB', 'UTC')).toBe('12:00:00');
});

it("takes the person's own English, and plain English for everyone else", () => {
  expect(englishLocale(['de-DE', 'en-GB', 'en-US'])).toBe('en-GB');
  expect(englishLocale(['de-DE', 'enm'])).toBe('en');
});
