import { BridgeError } from '../main/failure.js';

/** What conf throws a `TypeError` for. */
export function refused(message: string): BridgeError {
  return new BridgeError('ERR_INVALID_ARGUMENT', message);
}
