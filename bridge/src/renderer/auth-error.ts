import type { ErrorCode, Failure } from '../protocol.js';

/** A failed call. Compare `code`; `message` is a sentence to show to a person. */
export class AuthError extends Error {
  override readonly name = 'AuthError';
  readonly code: ErrorCode;

  constructor({ code, message }: Pick<Failure, 'code' | 'message'>) {
    super(message);
    this.code = code;
  }
}
