import { describe, expect, it } from 'vitest';
import { texts } from './texts';
import { validate } from './validation';

const words = texts.form.errors;

describe('validate', () => {
  it('asks for everything that is empty', () => {
    const empty = { name: ' ', email: ' ', password: '' };
    expect(validate('signIn', empty)).toEqual({ email: words.emailMissing, password: words.passwordMissing });
    expect(validate('signUp', empty)).toEqual({
      name: words.nameMissing,
      email: words.emailMissing,
      password: words.passwordNewMissing,
    });
  });

  it.each(['ada', 'ada@', '@example.com', 'ada @example.com', 'a@b@c'])(
    'refuses %s as an address',
    (email) => {
      expect(validate('signIn', { name: '', email, password: 'x' })).toEqual({ email: words.emailInvalid });
    },
  );

  it.each(['ada@example.com', ' ada@example.com ', 'ada+notes@localhost'])('takes %s', (email) => {
    expect(validate('signIn', { name: '', email, password: 'x' })).toEqual({});
  });

  it('measures a new password, and never an existing one', () => {
    const filled = { name: 'Ada', email: 'ada@example.com' };
    expect(validate('signUp', { ...filled, password: '1234567' })).toEqual({ password: words.passwordShort });
    expect(validate('signUp', { ...filled, password: 'x'.repeat(129) })).toEqual({
      password: words.passwordLong,
    });
    expect(validate('signUp', { ...filled, password: '12345678' })).toEqual({});
    expect(validate('signIn', { ...filled, password: '1' })).toEqual({});
  });
});
