import type { AuthBroker } from '../protocol.js';
import { AuthError } from './auth-error.js';

/** The broker at its usual place, `window.auth`. */
export function brokerOfWindow(): AuthBroker {
  const { auth } = globalThis as { auth?: AuthBroker };
  if (auth === undefined) {
    throw new AuthError({
      code: 'ERR_NO_BROKER',
      message:
        'window.auth is missing: call exposeAuth() of electron-latchkey/preload in the preload script.',
    });
  }
  return auth;
}
