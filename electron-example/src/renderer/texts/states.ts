import type { AuthReason, AuthSnapshot } from 'electron-latchkey/renderer';

/** What the badge says for each state of the session. */
export const stateTexts: Record<AuthSnapshot['state'], string> = {
  opening: 'Opening',
  unavailable: 'Unavailable',
  signedOut: 'Signed out',
  restoring: 'Restoring',
  signingIn: 'Signing in',
  active: 'Active',
  offline: 'Offline',
  expired: 'Expired',
  locked: 'Locked',
};

/** Why the session came to its state. */
export const reasonTexts: Record<AuthReason, string> = {
  start: 'The app has just started.',
  signInStarted: 'A sign-in is running.',
  signInFailed: 'The last sign-in did not succeed.',
  signedIn: 'You signed in.',
  restored: 'Restored from the vault and confirmed by the server.',
  refreshed: 'Confirmed by the server.',
  network: 'The server cannot be reached.',
  server: 'The server reported an error.',
  rateLimited: 'The server asked for a pause.',
  elsewhere: 'Another copy of this app renewed, signed in or out.',
  busy: 'Another copy of this app is renewing the session.',
  notStored: 'The renewed session could not be saved.',
  unanswered: 'The server did not answer a renewal.',
  challenge: 'The server wants to know that it is you.',
  ended: 'The server ended the session.',
  lifetime: 'The session reached the end of its time.',
  signedOut: 'You signed out.',
  locked: 'The app was locked.',
  idle: 'The app locked itself.',
  unlocked: 'The app was unlocked.',
  retry: 'The vault is being opened again.',
  vault: 'The vault could not be opened.',
};
