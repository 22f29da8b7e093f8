import type { Refresh } from 'electron-latchkey/renderer';
import { describe, expect, it } from 'vitest';
import { heldSince, lifeLeft, merged, placeOf, spanOf } from './refreshes';

function refresh(number: number, more: Partial<Refresh> = {}): Refresh {
  return {
    number,
    startedAtMs: number * 1000,
    endedAtMs: null,
    waiters: 0,
    outcome: null,
    code: null,
    tokenExpiresAtMs: null,
    ...more,
  };
}

describe('merged', () => {
  it('puts news in their place, by number', () => {
    expect(merged([refresh(1), refresh(3)], [refresh(2)]).map(({ number }) => number)).toEqual([1, 2, 3]);
  });

  it('does not let an older event undo an end', () => {
    const ended = refresh(1, { endedAtMs: 1, outcome: 'renewed' });
    expect(merged([ended], [refresh(1)])).toEqual([ended]);
    expect(merged([refresh(1)], [ended])).toEqual([ended]);
  });

  it('keeps the last 50', () => {
    const many = Array.from({ length: 60 }, (_, index) => refresh(index + 1));
    expect(merged([], many).map(({ number }) => number)).toEqual(many.slice(10).map(({ number }) => number));
  });
});

describe('the timeline', () => {
  it('reaches back a minute, and up to five to show what has happened', () => {
    const now = 1_000_000;
    expect(spanOf([], now)).toEqual({ fromMs: now - 60_000, minutes: 1 });
    expect(spanOf([refresh(1, { startedAtMs: now - 150_000 })], now).minutes).toBe(3);
    expect(spanOf([refresh(1, { startedAtMs: now - 600_000 })], now).minutes).toBe(1);
  });

  it('places a moment between its ends, and none before', () => {
    expect(placeOf(50, 0, 100)).toBe(50);
    expect(placeOf(-1, 0, 100)).toBeNull();
    expect(placeOf(120, 0, 100)).toBe(100);
  });
});

describe('a token’s life', () => {
  it('is what is left of it, from 1 to 0', () => {
    expect(lifeLeft(0, 100, 0)).toBe(1);
    expect(lifeLeft(0, 100, 75)).toBe(0.25);
    expect(lifeLeft(0, 100, 500)).toBe(0);
    expect(lifeLeft(100, 100, 100)).toBe(0);
  });

  it('began with the first refresh that brought it', () => {
    const held = { tokenExpiresAtMs: 9, outcome: 'renewed' } as const;
    expect(
      heldSince(
        [refresh(1), refresh(2, { ...held, endedAtMs: 2 }), refresh(3, { ...held, endedAtMs: 3 })],
        9,
      ),
    ).toBe(2);
    expect(heldSince([refresh(1)], 9)).toBeNull();
  });
});
