import type { AuthSnapshot } from 'electron-latchkey/renderer';

export type Screen = 'splash' | 'signIn' | 'account' | 'locked' | 'unavailable';

/**
 * Which screen a snapshot calls for. The sign-in form is chosen only for a person who is surely signed out:
 * opening and restoring never show it, and a sign-in that began over the account page stays there.
 */
export function nextScreen(previous: Screen, snapshot: AuthSnapshot, retrying: boolean): Screen {
  switch (snapshot.state) {
    case 'opening':
      return retrying ? previous : 'splash';
    case 'unavailable':
      return 'unavailable';
    case 'restoring':
      return snapshot.user ? 'account' : 'splash';
    case 'signedOut':
      return 'signIn';
    case 'signingIn':
      return previous === 'account' || previous === 'locked' ? previous : 'signIn';
    case 'active':
    case 'offline':
      return 'account';
    case 'expired':
      return snapshot.user ? 'account' : 'signIn';
    case 'locked':
      return 'locked';
  }
}
