import type { AnomalyInfo } from 'electron-latchkey/renderer';

/** The second factor, the sessions, the vault, and what should not have happened. */
export const securityTexts = {
  twoFactor: {
    heading: 'Two-factor sign-in',
    lead: 'With it, a sign-in asks for a code from your phone after the password.',
    on: 'On',
    off: 'Off',
    loading: 'Asking the server…',
    again: 'Ask again',
    setUp: 'Set up two-factor sign-in',
    password: 'Your password',
    passwordMissing: 'Enter your password.',
    passwordWrong: 'The password is not right.',
    go: 'Go on',
    working: 'Working…',
    cancel: 'Cancel',
    askForSetUp: 'The server makes a new secret for you. It asks for your password first.',
    askForTurnOff: 'Signing in will ask for the password alone. Your backup codes stop working.',
    askForCodes: 'The codes that you have now stop working.',
    turnOff: 'Turn off',
    newCodes: 'New backup codes',
    scan: 'Scan this with an authenticator app',
    scanHelp: 'For example Aegis, 1Password, or the one in your phone’s password manager.',
    qrLabel: 'QR code of the secret. The same secret is written out below.',
    secret: 'Or type this secret into the app',
    code: 'Code that the app shows',
    codeHint: 'Six digits.',
    codeMissing: 'Enter the six digits.',
    codeWrong: 'The code is not right. Codes change every 30 seconds: type the newest.',
    verify: 'Turn it on',
    verifying: 'Checking…',
    codesHeading: 'Your backup codes',
    codesLead:
      'Each signs you in once when the phone is lost. They are shown only now: keep them somewhere safe.',
    copy: 'Copy the codes',
    copied: 'Copied.',
    copyFailed: 'Copying was not possible. Select the codes and press Ctrl+C.',
    save: 'Save as a file',
    fileName: 'latchkey-backup-codes.txt',
    kept: 'I have kept them',
    turnedOn: 'Two-factor sign-in is on.',
    turnedOff: 'Two-factor sign-in is off.',
    failed: 'That did not work',
  },
  sessions: {
    heading: 'Where you are signed in',
    lead: 'The sessions that the server has for you, here and on other devices.',
    loading: 'Asking the server…',
    again: 'Look again',
    here: 'This device',
    lastUse: (when: string) => `Last used ${when}`,
    began: (when: string) => `Signed in ${when}`,
    from: (address: string) => `from ${address}`,
    unknownAgent: 'Unknown program',
    thisApp: 'This app',
    onSystem: (program: string, system: string) => `${program} on ${system}`,
    revoke: 'Sign out',
    revokeLabel: (what: string) => `Sign out ${what}`,
    revoking: 'Signing out…',
    revoked: (what: string) => `${what} is signed out.`,
    confirmHeading: 'Sign out this session?',
    confirmBody: (what: string) => `${what} will have to sign in again.`,
    confirm: 'Sign it out',
    keep: 'Keep it',
    failed: 'The list could not be loaded',
    revokeFailed: 'It was not signed out',
    alone: 'You are signed in nowhere else.',
  },
  revocation: {
    heading: 'The server has not been told yet',
    body: 'You are signed out here. The app tells the server as soon as it can be reached, also after a restart. Until then your session may still be on its list.',
  },
  vault: {
    heading: 'Vault protection',
    backend: 'Key is kept by',
    path: 'Sealed on disk at',
    unknown: 'The vault has not said how it is protected yet.',
    strength: { strong: 'Strong', depends: 'Depends on passphrase' },
    whatToDo: 'How to make it stronger',
    allGood: 'There is nothing for you to do.',
  },
  anomalies: {
    heading: 'What should not have happened',
    lead: 'The vault keeps the last 100 of these, sealed. A visit here shows whether anybody tried something.',
    none: 'Nothing so far.',
    loading: 'Reading the list…',
    again: 'Look again',
    failed: 'The list could not be read',
    whatToDo: 'What to do:',
    count: (count: number) => `${count} times within a minute.`,
  },
} as const;

interface AnomalyText {
  title: string;
  text: string;
  /** What the person can do, when there is anything. */
  advice?: string;
}

/** What each kind of anomaly means to a person. */
export const anomalyTexts: Record<AnomalyInfo['kind'], AnomalyText> = {
  refreshRejected: {
    title: 'The server refused a renewal',
    text: 'The key to your session was used up or withdrawn. Either you ended the session elsewhere, or somebody else has used a copy.',
    advice: 'If you did not end it yourself, change your password and look at the list of sessions.',
  },
  refreshUnanswered: {
    title: 'A renewal was not answered',
    text: 'The connection broke while the session was being renewed.',
  },
  tooManyRefreshes: {
    title: 'The session was renewed again and again',
    text: 'Tokens were renewed long before their end. The clock of this computer or the server may be wrong.',
    advice: 'Check the date and time of this computer.',
  },
  rolledBack: {
    title: 'The vault file was an older copy',
    text: 'Somebody or something put an earlier version of it in its place.',
    advice: 'If you did not restore a backup, find out what did.',
  },
  tampered: {
    title: 'The vault file was changed from outside',
    text: 'Its contents did not verify, so they were not used.',
    advice: 'If it was not you, have this computer checked before you go on.',
  },
  keyReplaced: {
    title: 'The key in the keychain was gone or another',
    text: 'The keychain was reset, or its entry for this app was changed.',
  },
  clockSetBack: {
    title: 'The clock was set back',
    text: 'The time of this computer jumped into the past. Times by which sessions end are kept all the same.',
  },
  unknownSender: {
    title: 'A page was refused',
    text: 'A page that may not use your session tried to. It got nothing.',
    advice: 'If you did not open anything unusual in this app, tell whoever makes it.',
  },
  invalidCall: {
    title: 'A page asked for something it may not',
    text: 'It sent a malformed call, or wanted your session sent to a foreign address. It was refused.',
    advice: 'If it happens again, tell whoever makes this app.',
  },
  tooManyCalls: {
    title: 'A page asked far too often',
    text: 'It flooded the app with calls, and was refused until it stopped.',
    advice: 'If it happens again, tell whoever makes this app.',
  },
};
