import { texts } from './texts';

export type FormMode = 'signIn' | 'signUp';
export type FieldName = 'name' | 'email' | 'password';
export type FieldErrors = Partial<Record<FieldName, string>>;

export interface Credentials {
  name: string;
  email: string;
  password: string;
}

// Better Auth's own limits for a new password. The server has the last word; these save a round trip.
const PASSWORD_MIN = 8;
const PASSWORD_MAX = 128;

/** What is wrong with an address, in words; empty when nothing is. */
export function emailError(email: string): string {
  const words = texts.form.errors;
  if (email.trim() === '') return words.emailMissing;
  return /^[^\s@]+@[^\s@]+$/.test(email.trim()) ? '' : words.emailInvalid;
}

/** What is wrong with each field, in words. Empty when the form can be sent. */
export function validate(mode: FormMode, { name, email, password }: Credentials): FieldErrors {
  const errors: FieldErrors = {};
  const words = texts.form.errors;
  if (mode === 'signUp' && name.trim() === '') errors.name = words.nameMissing;
  const wrongEmail = emailError(email);
  if (wrongEmail !== '') errors.email = wrongEmail;
  if (password === '') errors.password = mode === 'signUp' ? words.passwordNewMissing : words.passwordMissing;
  else if (mode === 'signUp' && password.length < PASSWORD_MIN) errors.password = words.passwordShort;
  else if (mode === 'signUp' && password.length > PASSWORD_MAX) errors.password = words.passwordLong;
  return errors;
}
