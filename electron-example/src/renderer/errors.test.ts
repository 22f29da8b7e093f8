import { AuthError } from 'electron-latchkey/renderer';
import { describe, expect, it } from 'vitest';
import { codeOf, describeError, stepsForCode } from './errors';
import { defaultUnavailableSteps, errorTexts, unavailableSteps, unknownErrorText } from './texts';

describe('describeError', () => {
  it('finds the words for an AuthError, by its code and not by its message', () => {
    const described = describeError(
      new AuthError({ code: 'ERR_INVALID_CREDENTIALS', message: 'ERR_NETWORK' }),
    );
    expect(described).toEqual({ code: 'ERR_INVALID_CREDENTIALS', ...errorTexts.ERR_INVALID_CREDENTIALS });
  });

  it('finds them for a failed fetch, which is a TypeError with a code', () => {
    const error = Object.assign(new TypeError('fetch failed'), { code: 'ERR_NETWORK' });
    expect(describeError(error).title).toBe(errorTexts.ERR_NETWORK.title);
  });

  it.each([new Error('boom'), 'boom', null, undefined, { code: 7 }])('has plain words for %s', (error) => {
    expect(describeError(error)).toEqual({ code: null, ...unknownErrorText });
  });

  it('is not misled by a code that is the name of an inherited property', () => {
    expect(describeError({ code: 'toString' }).title).toBe(unknownErrorText.title);
  });
});

describe('the texts', () => {
  it.each(Object.entries(errorTexts))(
    '%s has a title without a full stop and a sentence with one',
    (_, words) => {
      expect(words.title).toMatch(/[^.]$/);
      expect(words.text).toMatch(/\.$/);
    },
  );

  it('tell each failure apart', () => {
    const titles = Object.values(errorTexts).map(({ title }) => title);
    expect(new Set(titles).size).toBe(titles.length);
  });

  it.each(Object.keys(unavailableSteps))('say what to do about %s', (code) => {
    expect(stepsForCode(code).length).toBeGreaterThan(0);
    expect(stepsForCode(code)).not.toBe(defaultUnavailableSteps);
  });

  it('have something to try for a code they do not know', () => {
    expect(stepsForCode('ERR_FROM_THE_FUTURE')).toBe(defaultUnavailableSteps);
  });
});

describe('codeOf', () => {
  it('is null where there is no code', () => {
    expect(codeOf(new Error('boom'))).toBeNull();
  });
});
