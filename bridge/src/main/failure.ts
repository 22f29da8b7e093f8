import type { ErrorCode, Failure } from '../protocol.js';

/** An error of the bridge, in the same form as the addon's. */
export class BridgeError extends Error {
  override readonly name = 'LatchkeyError';

  constructor(
    readonly code: ErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** Longer than any message of ours, and short enough for a page to show. */
const MAX_MESSAGE_LENGTH = 500;

/**
 * An exception as an answer. Only errors that are known to be free of secrets keep their text:
 * anything else may carry a path, a URL or a body.
 */
export function toFailure(error: unknown): Failure {
  if (isLatchkeyError(error)) {
    return { ok: false, code: error.code, message: error.message.slice(0, MAX_MESSAGE_LENGTH) };
  }
  return {
    ok: false,
    code: 'ERR_INTERNAL',
    message: 'Something went wrong inside the app. Try again; if it goes on, restart the app.',
  };
}

// Node's own errors have `ERR_*` codes too, so the name is part of the test.
export function isLatchkeyError(error: unknown): error is Error & { code: ErrorCode } {
  if (!(error instanceof Error) || error.name !== 'LatchkeyError') return false;
  const { code } = error as { code?: unknown };
  return typeof code === 'string' && /^ERR_[A-Z_]{1,60}$/.test(code);
}
