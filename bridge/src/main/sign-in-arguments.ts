/** What a page sends about signing in and out, from unknown to typed: as in fetch-arguments.ts. */
import type {
  BrowserSignIn,
  CodeSubmission,
  PasswordSignIn,
  RefreshOptions,
  SignInRequest,
  SignOutOptions,
  SignUpRequest,
} from '../protocol.js';
import { asText, invalid, optionalFlag, optionalText, own, recordAt, text } from './parse.js';

/** RFC 5321 allows 254 characters in an address. */
const MAX_EMAIL_LENGTH = 254;
/** Servers cap far lower (Better Auth at 128); theirs is the word, this only stops a flood. */
const MAX_PASSWORD_LENGTH = 1024;
const MAX_NAME_LENGTH = 256;
/** Hints, scopes and identifiers. They go into a URL, which Windows opens up to 2,081 characters. */
const MAX_HINT_LENGTH = 256;
const MAX_SCOPE_LENGTH = 1024;
/** A header field that carries a claims challenge of Microsoft's has 1 or 2 KiB. */
const MAX_CHALLENGE_LENGTH = 4 * 1024;
/** A year: who asks for more does not mean it. */
const MAX_AGE_S = 366 * 24 * 60 * 60;
const MAX_STRATEGY_LENGTH = 64;
/** A whole address may be pasted, which is at most this long. */
const MAX_CODE_LENGTH = 8 * 1024;
/** Identifiers of sessions may be stand-ins for tokens. */
const MAX_SESSION_ID_LENGTH = 512;
/** The addon takes 256 bytes. */
const MAX_ACCOUNT_LENGTH = 256;
/** The identifiers of sign-ins are 32 hexadecimal digits. */
const SIGN_IN_ID = /^[0-9a-f]{32}$/;

export function parseSignIn(args: readonly unknown[]): SignInRequest {
  const record = recordAt(args, 'signIn');
  switch (own(record, 'method')) {
    case 'password':
      return passwordSignIn(record);
    case 'browser':
      return browserSignIn(record);
    case 'device':
      return { method: 'device', ...optionalText(record, 'scope', MAX_SCOPE_LENGTH) };
    case 'code':
      return { method: 'code', ...identifier(record) };
    case 'custom':
      return { method: 'custom' };
    case 'stepUp':
      return { method: 'stepUp', ...optionalText(record, 'level', MAX_HINT_LENGTH) };
    default:
      throw invalid('signIn: method must be "password", "browser", "device", "code", "custom" or "stepUp".');
  }
}

function passwordSignIn(record: object): PasswordSignIn {
  return {
    method: 'password',
    ...identifier(record),
    password: text(record, 'password', MAX_PASSWORD_LENGTH),
    ...optionalFlag(record, 'rememberMe'),
  };
}

function identifier(record: object): { email: string } | { username: string } {
  if (own(record, 'username') === undefined) return { email: text(record, 'email', MAX_EMAIL_LENGTH) };
  if (own(record, 'email') !== undefined) throw invalid('signIn: either email or username.');
  return { username: text(record, 'username', MAX_NAME_LENGTH) };
}

// No redirect: where the browser comes back to is for main to say.
function browserSignIn(record: object): BrowserSignIn {
  return {
    method: 'browser',
    ...optionalText(record, 'connection', MAX_HINT_LENGTH),
    ...optionalText(record, 'organizationId', MAX_HINT_LENGTH),
    ...optionalText(record, 'domainHint', MAX_HINT_LENGTH),
    ...optionalText(record, 'loginHint', MAX_HINT_LENGTH),
    ...optionalText(record, 'screenHint', MAX_HINT_LENGTH),
    ...optionalText(record, 'prompt', MAX_HINT_LENGTH),
    ...optionalText(record, 'acrValues', MAX_HINT_LENGTH),
    ...optionalText(record, 'scope', MAX_SCOPE_LENGTH),
    ...optionalText(record, 'challenge', MAX_CHALLENGE_LENGTH),
    ...maxAge(own(record, 'maxAgeS')),
  };
}

function maxAge(value: unknown): { maxAgeS?: number } {
  if (value === undefined) return {};
  if (!Number.isInteger(value) || (value as number) < 0 || (value as number) > MAX_AGE_S) {
    throw invalid(`maxAgeS must be a whole number of seconds from 0 to ${MAX_AGE_S}.`);
  }
  return { maxAgeS: value as number };
}

export function parseSignUp(args: readonly unknown[]): SignUpRequest {
  const record = recordAt(args, 'signUp');
  return {
    email: text(record, 'email', MAX_EMAIL_LENGTH),
    password: text(record, 'password', MAX_PASSWORD_LENGTH),
    name: text(record, 'name', MAX_NAME_LENGTH),
    ...optionalText(record, 'username', MAX_NAME_LENGTH),
  };
}

export function parseSignInId(value: unknown): string {
  if (typeof value !== 'string' || !SIGN_IN_ID.test(value)) {
    throw invalid('The identifier of a sign-in is 32 hexadecimal digits.');
  }
  return value;
}

export function parseSubmission(value: unknown): CodeSubmission {
  const record = recordAt([value], 'submitCode');
  return {
    strategy: parseStrategy(own(record, 'strategy')),
    code: text(record, 'code', MAX_CODE_LENGTH),
    ...optionalFlag(record, 'trustDevice'),
  };
}

export function parseStrategy(value: unknown): string {
  return asText(value, 'strategy', MAX_STRATEGY_LENGTH);
}

export function parseSignOut(args: readonly unknown[]): SignOutOptions {
  return args[0] === undefined ? {} : optionalFlag(recordAt(args, 'signOut'), 'browser');
}

export function parseOrganization(value: unknown): string | null {
  return value === null ? null : asText(value, 'The organization', MAX_HINT_LENGTH);
}

export function parseAccount(value: unknown): string {
  return asText(value, 'The name of an account', MAX_ACCOUNT_LENGTH);
}

export function parseSessionId(value: unknown): string {
  return asText(value, 'The identifier of a session', MAX_SESSION_ID_LENGTH);
}

export function parseRefresh(args: readonly unknown[]): RefreshOptions {
  return args[0] === undefined ? {} : optionalFlag(recordAt(args, 'refresh'), 'retryUnanswered');
}
