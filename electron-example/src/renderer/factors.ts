import type { SignInFactor } from 'electron-latchkey/renderer';
import { texts } from './texts';

/** The factors whose code a server sends, and sends again. */
const SENT_BY_SERVER = new Set(['otp', 'emailOtp', 'email_code', 'phone_code']);

/** What a factor's field takes. */
const FIELDS = {
  digits: { type: 'text', inputmode: 'numeric', autocomplete: 'one-time-code' },
  letters: { type: 'text', inputmode: 'text', autocomplete: 'one-time-code' },
  password: { type: 'password', inputmode: 'text', autocomplete: 'current-password' },
} as const;

const KINDS: Record<string, keyof typeof FIELDS> = {
  backupCode: 'letters',
  backup_code: 'letters',
  password: 'password',
};

/** The factor whose code is on its way; else one that the person has at hand; else the first. */
export function nearestFactor(factors: readonly SignInFactor[]): SignInFactor | undefined {
  const ready = factors.filter(({ sent }) => sent);
  return ready.find(({ strategy }) => SENT_BY_SERVER.has(strategy)) ?? ready[0] ?? factors[0];
}

export function canBeSent({ strategy, sent }: SignInFactor): boolean {
  return SENT_BY_SERVER.has(strategy) || !sent;
}

export function fieldFor(strategy: string) {
  return FIELDS[KINDS[strategy] ?? 'digits'];
}

/** A factor by a name that people know; one that is not known here by its own. */
export function factorName(strategy: string): string {
  return texts.challenge.factors[strategy]?.name ?? strategy;
}

/** Where the code is, and where it was sent. */
export function factorHint({ strategy, hint }: SignInFactor): string {
  const words = texts.challenge.factors[strategy]?.hint ?? '';
  return hint ? `${hint}. ${words}` : words;
}
