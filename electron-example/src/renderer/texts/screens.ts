import type { AuthReason } from 'electron-latchkey/renderer';

/** The screens around the session: while the app starts, is locked or cannot open its vault. */
export const screenTexts = {
  titles: {
    splash: 'Starting',
    signIn: 'Sign in',
    signUp: 'Create account',
    codeRequest: 'Sign in with a code',
    challenge: 'Confirm that it is you',
    browser: 'Waiting for your browser',
    device: 'Waiting for another device',
    account: 'Account',
    expired: 'Session expired',
    offline: 'Account (offline)',
    unconfirmed: 'Account (not confirmed)',
    locked: 'Locked',
    unavailable: 'Storage unavailable',
  },
  splash: {
    opening: 'Opening your vault…',
    restoring: 'Restoring your session…',
  },
  locked: {
    heading: 'Locked',
    signedInAs: 'Signed in as',
    unlock: 'Unlock',
    unlocking: 'Waiting for your confirmation…',
    usePassword: 'Sign in with password',
    signInAgain: 'Sign in again',
    dialogLead: 'Signing in unlocks the app.',
    /** By the reason of the state. */
    bodies: {
      locked: 'The app was locked. Nothing is sent for you until it is unlocked.',
      idle: 'Nobody was here for a while, so the app locked itself. Nothing is sent for you until it is unlocked.',
      elsewhere: 'Another copy of this app was locked. Nothing is sent for you until it is unlocked.',
    } as Partial<Record<AuthReason, string>>,
    body: 'Nothing is sent for you until the app is unlocked.',
  },
  unavailable: {
    reasonLabel: 'Error code',
    whatToDo: 'What you can do',
    retry: 'Retry',
    retrying: 'Retrying…',
    still: 'Still not available.',
    reassurance: 'Nothing was deleted and nothing was stored in a weaker place.',
    details: 'Message from the vault',
  },
  announce: {
    signedIn: (who: string) => `Signed in as ${who}.`,
    signedInAgain: 'Signed in again. Your work is still here.',
    signedOut: 'You are signed out.',
    signedOutElsewhere: 'You were signed out by another copy of this app.',
    unlocked: 'Unlocked.',
    online: 'Back online. Your session is active.',
    /** When the sign-in screen asks for something else. */
    steps: {
      signIn: 'Sign-in form.',
      signUp: 'Create account form.',
      codeRequest: 'Form for a code by mail.',
      challenge: 'A code is asked for.',
      browser: 'Waiting for your browser.',
      device: 'Waiting for another device.',
    },
  },
} as const;
