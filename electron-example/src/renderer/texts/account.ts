import type { AuthReason, Protection } from 'electron-latchkey/renderer';
import type { Step } from './errors';
import type { securityTexts } from './security';

/** Everything that a signed-in person sees. */
export const accountTexts = {
  header: {
    signOut: 'Sign out',
    signingOut: 'Signing out…',
    signOutFailed: 'Sign-out failed',
    lock: 'Lock now',
    locking: 'Locking…',
    lockFailed: 'The lock was not stored',
  },
  sections: {
    label: 'Sections',
    overview: 'Overview',
    account: 'Account',
    security: 'Security',
  },
  account: {
    heading: 'Account',
    noName: 'No name set',
    noEmail: 'No e-mail known',
  },
  session: {
    heading: 'Session',
    state: 'State',
    lastChange: 'Last change',
    unconfirmed: 'Not confirmed',
    expiry: 'Ends',
    expiryEnded: 'Ended',
    expiryUnknown: 'Not known yet',
    nextTry: 'Next try',
    refresh: 'Check now',
    refreshing: 'Checking…',
    refreshed: 'The server confirmed the session.',
    note: 'The main process renews the session ahead of its end. Nothing here has to ask for it.',
  },
  profile: {
    heading: 'Profile',
    lead: 'Saved by the official Better Auth client, which runs here unchanged over the broker.',
    displayName: 'Display name',
    save: 'Save',
    saving: 'Saving…',
    missing: 'Enter a name.',
    long: 'Use at most 80 characters.',
    saved: (name: string) => `Saved. The server now knows you as ${name}.`,
    failed: 'The name was not saved',
  },
  note: {
    heading: 'Scratch note',
    label: 'Note',
    hint: 'Kept in this window only. It is still here after the session expires and you sign in again.',
    placeholder: 'Write something…',
  },
  expired: {
    heading: 'Your session has ended',
    body: 'Sign in again to go on. Nothing on this page is lost.',
    bodySignIn: 'Sign in again to go on.',
    lifetime:
      'This app keeps a session for a limited time. Sign in again to go on. Nothing on this page is lost.',
    signInAgain: 'Sign in again',
    dialogHeading: 'Sign in again',
    dialogLead: 'Your work stays open behind this dialog.',
    close: 'Not now',
  },
  offline: {
    /** By the reason of the state. */
    notices: {
      network: { heading: 'You are offline', body: 'The server cannot be reached. You stay signed in.' },
      server: { heading: 'The server has a problem', body: 'You stay signed in.' },
      rateLimited: { heading: 'The server asked for a pause', body: 'You stay signed in.' },
      busy: {
        heading: 'Another copy of this app is at work',
        body: 'It is renewing your session and has not finished. You stay signed in.',
      },
      notStored: {
        heading: 'Your session could not be saved',
        body: 'The server renewed it, and this computer could not write it down. Check that the disk is not full. Until it is saved, do not quit the app.',
      },
    } as Partial<Record<AuthReason, { heading: string; body: string }>>,
    other: {
      heading: 'Your session is not confirmed',
      body: 'It cannot be checked now. You stay signed in.',
    },
    nextTry: (time: string) => `Next try at ${time}`,
    tryingSoon: 'Trying again…',
    tryNow: 'Try now',
    trying: 'Trying…',
  },
  unanswered: {
    heading: 'The connection broke at the wrong moment',
    body: 'The app asked the server to renew your session, and the answer never came. The server may have done it or not. Trying once more will tell: if it had, you will be asked to sign in again. Nothing on this page is lost.',
    retry: 'Try once more',
    retrying: 'Trying…',
    signInAgain: 'Sign in again',
  },
} as const;

interface BackendText {
  name: string;
  meaning: string;
  strength: keyof typeof securityTexts.vault.strength;
  /** How to make it stronger, when it can be. */
  advice: readonly Step[];
}

/** How each keychain backend is named, and what a copy of the sealed file is worth. Main describes the rest. */
export const backendTexts: Record<Protection['backend'], BackendText> = {
  'secret-service': {
    name: 'Secret Service (GNOME Keyring or KWallet)',
    meaning: 'A copy of the sealed data is of no use without that keyring.',
    strength: 'strong',
    advice: [],
  },
  keychain: {
    name: 'macOS Keychain',
    meaning: 'A copy of the sealed data is of no use without that keychain.',
    strength: 'strong',
    advice: [],
  },
  'credential-manager': {
    name: 'Windows Credential Manager',
    meaning: 'A copy of the sealed data is of no use on another computer.',
    strength: 'strong',
    advice: [],
  },
  passphrase: {
    name: 'Your passphrase',
    meaning: 'The sealed data is as safe as the passphrase is hard to guess.',
    strength: 'depends',
    advice: [
      { text: 'Use a passphrase of at least five random words, and use it for nothing else.' },
      {
        text: 'Better: install a keychain, for example GNOME Keyring, and have the app move the vault’s key there.',
        command: 'sudo apt install gnome-keyring',
      },
    ],
  },
};
