import type { ErrorCode } from 'electron-latchkey/renderer';
import {
  defaultUnavailableSteps,
  type ErrorText,
  errorTexts,
  type Step,
  unavailableSteps,
  unknownErrorText,
} from './texts';

export interface DescribedError extends ErrorText {
  code: string | null;
}

/** With what did not succeed. */
export interface HeadedError extends DescribedError {
  heading: string;
}

/** Turns anything a call can reject with into words. Decides by the code alone: messages are for people. */
export function describeError(error: unknown): DescribedError {
  const code = codeOf(error);
  if (code === null) return { code, ...unknownErrorText };
  return { code, ...textForCode(code) };
}

export function textForCode(code: string): ErrorText {
  return isErrorCode(code) ? errorTexts[code] : unknownErrorText;
}

export function stepsForCode(code: string): readonly Step[] {
  return (isErrorCode(code) && unavailableSteps[code]) || defaultUnavailableSteps;
}

/** The stable code of an AuthError, of a failed fetch, or of the official client's error; null when there is none. */
export function codeOf(error: unknown): string | null {
  if (typeof error !== 'object' || error === null) return null;
  const { code } = error as { code?: unknown };
  return typeof code === 'string' ? code : null;
}

export function isErrorCode(code: string): code is ErrorCode {
  return Object.hasOwn(errorTexts, code);
}
