import type { AuthSnapshot } from 'electron-latchkey/renderer';
import { describe, expect, it } from 'vitest';
import { nextScreen, type Screen } from './screen';
import { ADA, FakeBroker } from './testing/fake-broker';

function snapshot(state: AuthSnapshot['state'], user: AuthSnapshot['user'] = null): AuthSnapshot {
  return { ...new FakeBroker().snapshotNow, state, user };
}

const cases: [AuthSnapshot['state'], 'nobody' | 'somebody', Screen][] = [
  ['opening', 'nobody', 'splash'],
  ['unavailable', 'nobody', 'unavailable'],
  ['restoring', 'nobody', 'splash'],
  ['restoring', 'somebody', 'account'],
  ['signedOut', 'nobody', 'signIn'],
  ['signingIn', 'nobody', 'signIn'],
  ['active', 'somebody', 'account'],
  ['offline', 'somebody', 'account'],
  ['offline', 'nobody', 'account'],
  ['expired', 'somebody', 'account'],
  ['expired', 'nobody', 'signIn'],
  ['locked', 'somebody', 'locked'],
];

describe('nextScreen', () => {
  it.each(cases)('at the start, %s with %s shows %s', (state, who, screen) => {
    expect(nextScreen('splash', snapshot(state, who === 'somebody' ? ADA : null), false)).toBe(screen);
  });

  it.each(['account', 'locked'] as const)('a sign-in over the %s screen stays there', (screen) => {
    expect(nextScreen(screen, snapshot('signingIn'), false)).toBe(screen);
  });

  it('opening again after Retry does not flash the splash', () => {
    expect(nextScreen('unavailable', snapshot('opening'), true)).toBe('unavailable');
    expect(nextScreen('unavailable', snapshot('opening'), false)).toBe('splash');
  });
});
