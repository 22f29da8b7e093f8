import type { ErrorCode } from 'electron-latchkey/renderer';

export interface ErrorText {
  title: string;
  text: string;
}

/** One clear message for each error code a call can fail with. */
export const errorTexts: Record<ErrorCode, ErrorText> = {
  ERR_INVALID_CREDENTIALS: {
    title: 'E-mail or password is wrong',
    text: 'Check both and try again.',
  },
  ERR_USER_EXISTS: {
    title: 'This e-mail already has an account',
    text: 'Sign in instead, or use another address.',
  },
  ERR_WEAK_PASSWORD: {
    title: 'The server did not accept this password',
    text: 'Choose one with 8 to 128 characters.',
  },
  ERR_EMAIL_NOT_VERIFIED: {
    title: 'Your e-mail is not confirmed yet',
    text: 'Open the link in the message we sent you, then sign in.',
  },
  ERR_RATE_LIMITED: {
    title: 'Too many tries',
    text: 'Wait a minute and try again.',
  },
  ERR_ACCOUNT_LOCKED: {
    title: 'This account is locked for a while',
    text: 'There were too many wrong tries. Wait a quarter of an hour and sign in again.',
  },
  ERR_SIGN_IN_REJECTED: {
    title: 'The server refused the sign-in',
    text: 'Try again. If it stays so, ask whoever runs the server.',
  },
  ERR_NOT_SUPPORTED: {
    title: 'This server does not offer that',
    text: 'Choose another way.',
  },
  ERR_INVALID_CODE: {
    title: 'The code is not right',
    text: 'Check it and type it again.',
  },
  ERR_SIGN_IN_EXPIRED: {
    title: 'The sign-in took too long',
    text: 'Begin it anew.',
  },
  ERR_SIGN_IN_NOT_FOUND: {
    title: 'This sign-in is not waiting any more',
    text: 'Begin it anew.',
  },
  ERR_SIGN_IN_CANCELLED: {
    title: 'The sign-in was cancelled',
    text: 'You can begin it anew.',
  },
  ERR_CALLBACK_INVALID: {
    title: 'That address does not belong to a sign-in',
    text: 'Nothing was changed.',
  },
  ERR_ACCESS_DENIED: {
    title: 'The sign-in was refused in the browser',
    text: 'Begin it anew if that was a mistake.',
  },
  ERR_ID_TOKEN_INVALID: {
    title: 'The server’s answer cannot be trusted',
    text: 'Nothing was changed. Ask whoever runs the server.',
  },
  ERR_STEP_UP_REQUIRED: {
    title: 'The server wants to know that it is you',
    text: 'Sign in once more in the browser.',
  },
  ERR_SECOND_FACTOR_REQUIRED: {
    title: 'This account asks for a second factor',
    text: 'This app cannot ask for it yet.',
  },
  ERR_NOT_SIGNED_IN: {
    title: 'You are not signed in',
    text: 'Sign in and try again.',
  },
  ERR_SESSION_EXPIRED: {
    title: 'Your session has ended',
    text: 'Sign in again and repeat this. Nothing on this page is lost.',
  },
  ERR_SESSION_LOCKED: {
    title: 'The app is locked',
    text: 'Unlock it and repeat this.',
  },
  ERR_TOO_MANY_CALLS: {
    title: 'That was too often',
    text: 'Wait a minute, then try again.',
  },
  ERR_UNLOCK_REFUSED: {
    title: 'The app stays locked',
    text: 'Nobody confirmed to unlock it.',
  },
  ERR_BROWSER_NOT_OPENED: {
    title: 'Your browser could not be opened',
    text: 'Copy the link and open it yourself.',
  },
  ERR_AWAITING_RESTART: {
    title: 'The app is not ready for the next person',
    text: 'It is still clearing up after the last one. Try again in a moment, or restart it.',
  },
  ERR_REFRESH_UNANSWERED: {
    title: 'The connection broke at the wrong moment',
    text: 'The server may have renewed your session without the app hearing of it. Sign in again and repeat this.',
  },
  ERR_SESSION_CLOSED: {
    title: 'The session was closed',
    text: 'Restart the app and try again.',
  },
  ERR_SUPERSEDED: {
    title: 'Something newer replaced this',
    text: 'A later action won. Try again if you still need to.',
  },
  ERR_NETWORK: {
    title: 'The server cannot be reached',
    text: 'Check your connection and try again.',
  },
  ERR_TIMEOUT: {
    title: 'The server took too long',
    text: 'Try again in a moment.',
  },
  ERR_TLS: {
    title: 'The connection is not secure',
    text: 'The server could not prove who it is, so nothing was sent.',
  },
  ERR_TLS_HOSTNAME: {
    title: 'The certificate is of another server',
    text: 'The certificate of the server is for another address, so nothing was sent.',
  },
  ERR_TLS_EXPIRED: {
    title: 'The certificate of the server is out of date',
    text: 'The certificate of the server is not valid today, so nothing was sent. Check the date of this device.',
  },
  ERR_TLS_UNTRUSTED: {
    title: 'The certificate of the server is not trusted',
    text: 'Nobody this device trusts vouches for the server, so nothing was sent.',
  },
  ERR_INSECURE_URL: {
    title: 'The address is not secure',
    text: 'This app asked for a page without encryption. That is a mistake in the app.',
  },
  ERR_SERVER: {
    title: 'The server has a problem',
    text: 'It answered with an error. Try again in a moment.',
  },
  ERR_UNEXPECTED_RESPONSE: {
    title: 'The server gave an answer we do not understand',
    text: 'Check that the address points to the right server, then try again.',
  },
  ERR_ORIGIN_NOT_ALLOWED: {
    title: 'This address is not allowed',
    text: 'The app sends your session only to its own server.',
  },
  ERR_RESPONSE_TOO_LARGE: {
    title: 'The answer is too large',
    text: 'The app stopped reading it.',
  },
  ERR_ABORTED: {
    title: 'The request was stopped',
    text: 'It may have reached the server before that.',
  },
  ERR_KEYCHAIN_UNAVAILABLE: {
    title: 'No keychain was found',
    text: 'Latchkey keeps the key to your session in the keychain of this computer, and none is running.',
  },
  ERR_KEYCHAIN_LOCKED: {
    title: 'The keychain is locked',
    text: 'Latchkey cannot read the key to your session until the keychain is unlocked.',
  },
  ERR_KEYCHAIN_DENIED: {
    title: 'The keychain refused access',
    text: 'Latchkey was not allowed to read the key to your session.',
  },
  ERR_KEYCHAIN_TIMEOUT: {
    title: 'The keychain did not answer',
    text: 'A prompt may be waiting behind another window, or the keychain has stopped.',
  },
  ERR_KEYCHAIN_AMBIGUOUS: {
    title: 'The keychain holds more than one key',
    text: 'Two entries claim to be the key of this app, and Latchkey does not guess.',
  },
  ERR_KEYCHAIN_FAILED: {
    title: 'The keychain reported an error',
    text: 'Latchkey could not use it to open your session.',
  },
  ERR_KEY_MISSING: {
    title: 'The key to your vault is gone',
    text: 'The sealed file is here, but the keychain no longer holds the key that opens it.',
  },
  ERR_KEY_INVALID: {
    title: 'The key in the keychain does not fit',
    text: 'It is not the key that sealed the vault file.',
  },
  ERR_PROTECTION_MISMATCH: {
    title: 'The vault is protected in another way',
    text: 'It was made with a passphrase, or with the keychain, and this app opens it with the other.',
  },
  ERR_INVALID_PASSPHRASE: {
    title: 'The passphrase does not fit',
    text: 'The vault stays closed, and nothing was changed.',
  },
  ERR_VAULT_ROLLED_BACK: {
    title: 'The vault file is an old copy',
    text: 'Somebody signed in or out since this copy was made, so its session may be spent.',
  },
  ERR_VAULT_TAMPERED: {
    title: 'The vault file was changed from outside',
    text: 'Its contents do not verify, so Latchkey does not trust them.',
  },
  ERR_VAULT_CORRUPT: {
    title: 'The vault file is damaged',
    text: 'It cannot be read to the end.',
  },
  ERR_VAULT_VERSION: {
    title: 'The vault was written by a newer version',
    text: 'This version of the app cannot read it.',
  },
  ERR_VAULT_BUSY: {
    title: 'The vault is in use',
    text: 'Another process of this app holds it.',
  },
  ERR_VAULT_IO: {
    title: 'The vault could not be read or written',
    text: 'The disk may be full, or the app may not use its folder.',
  },
  ERR_VAULT_CLOSED: {
    title: 'The vault is closed',
    text: 'The app has closed it already.',
  },
  ERR_DECRYPTION_FAILED: {
    title: 'A saved value cannot be read',
    text: 'It was saved with a key that is not on this computer, or it was damaged. Sign in again.',
  },
  ERR_IMPORT_SOURCE: {
    title: 'The settings from before could not be taken over',
    text: 'Their file cannot be read or renamed. Check the permissions of the folder of this app.',
  },
  ERR_VAULT_FOREIGN: {
    title: 'This vault belongs to another app',
    text: 'The file in the folder of this app was made under another id.',
  },
  ERR_INVALID_ARGUMENT: {
    title: 'The app made an invalid call',
    text: 'This is a fault of the app. Please report it with the code.',
  },
  ERR_WRONG_PROCESS: {
    title: 'Latchkey was loaded in the wrong place',
    text: 'This is a fault of the app. Please report it with the code.',
  },
  ERR_SENDER_NOT_ALLOWED: {
    title: 'This window may not use the session',
    text: 'The page is not on the list of the app. Close the window and open the app again.',
  },
  ERR_ADDON_NOT_LOADED: {
    title: 'A part of the app is missing',
    text: 'The native part that keeps your session could not be loaded.',
  },
  ERR_SCHEMA_VIOLATION: {
    title: 'A setting is not as it should be',
    text: 'This is a fault of the app. Please report it with the code.',
  },
  ERR_MIGRATION_FAILED: {
    title: 'The settings of the last version could not be taken over',
    text: 'They are kept as they were. Please report it with the code.',
  },
  ERR_NO_BROKER: {
    title: 'The window is not connected to the app',
    text: 'The page could not reach the main process, which keeps your session.',
  },
  ERR_INTERNAL: {
    title: 'Something went wrong inside the app',
    text: 'Try again. If it stays so, please report it with the code.',
  },
};

/** For a failure that carries no code we know. */
export const unknownErrorText: ErrorText = {
  title: 'Something went wrong',
  text: 'Try again in a moment.',
};

export interface Step {
  text: string;
  /** A command to type in a terminal. */
  command?: string;
}

/** What the person can do when the vault does not open, by error code. */
export const unavailableSteps: Partial<Record<ErrorCode, readonly Step[]>> = {
  ERR_KEYCHAIN_UNAVAILABLE: [
    {
      text: 'On Linux, install a secret service, for example GNOME Keyring:',
      command: 'sudo apt install gnome-keyring',
    },
    { text: 'Log out of your desktop and in again, so that it starts with your session.' },
    { text: 'Come back here and press Retry.' },
  ],
  ERR_KEYCHAIN_LOCKED: [
    { text: 'Unlock your login keyring: in “Passwords and Keys”, KWallet or Keychain Access.' },
    { text: 'Press Retry. The app does not need to be restarted.' },
  ],
  ERR_KEYCHAIN_DENIED: [
    { text: 'Press Retry and allow access when your computer asks.' },
    { text: 'If it does not ask, look in the settings of the keychain for a rule against this app.' },
  ],
  ERR_KEYCHAIN_TIMEOUT: [
    { text: 'Look for a password prompt behind this window and answer it.' },
    { text: 'Press Retry. If it happens again, restart your desktop session.' },
  ],
  ERR_KEYCHAIN_AMBIGUOUS: [
    { text: 'Open the password manager of your desktop and search for “Latchkey vault key”.' },
    { text: 'Remove the entry that does not belong to this app. If you cannot tell, restore a backup.' },
    { text: 'Press Retry.' },
  ],
  ERR_KEY_MISSING: [
    { text: 'If you moved to a new computer or reset the keychain, restore the keychain from your backup.' },
    { text: 'Press Retry. The sealed file is kept until you decide.' },
    { text: 'Without the old key, move the vault folder away and sign in again.' },
  ],
  ERR_KEY_INVALID: [
    { text: 'Restore the entry of this app in the keychain from your backup.' },
    { text: 'Press Retry.' },
  ],
  ERR_PROTECTION_MISMATCH: [
    { text: 'Install the version of this app that made the vault, or one that can move it.' },
  ],
  ERR_INVALID_PASSPHRASE: [{ text: 'Press Retry and type the passphrase again.' }],
  ERR_VAULT_ROLLED_BACK: [
    { text: 'If you restored a backup, put the newest vault file back.' },
    { text: 'If there is no newer one, move the vault folder away and sign in again.' },
  ],
  ERR_VAULT_TAMPERED: [
    { text: 'If you copied or restored the file yourself, put the newest copy back.' },
    { text: 'If you did not, find out who did before you go on. The file is kept as it is.' },
  ],
  ERR_VAULT_CORRUPT: [
    { text: 'Check the disk for errors and restore the vault folder from a backup.' },
    { text: 'Press Retry. The file is kept as it is.' },
  ],
  ERR_VAULT_VERSION: [{ text: 'Update the app, then open it again.' }],
  ERR_VAULT_BUSY: [{ text: 'Close other windows of this app that may hang.' }, { text: 'Press Retry.' }],
  ERR_VAULT_IO: [
    { text: 'Check that the disk is not full and that you may write to the folder of the app.' },
    { text: 'Press Retry.' },
  ],
  ERR_VAULT_FOREIGN: [
    { text: 'Move the vault folder of the other app back to its place, then press Retry.' },
  ],
  ERR_ADDON_NOT_LOADED: [{ text: 'Install the app again, then press Retry.' }],
  ERR_NO_BROKER: [{ text: 'Close this window and open the app again.' }],
  ERR_SENDER_NOT_ALLOWED: [{ text: 'Close this window and open the app again.' }],
};

export const defaultUnavailableSteps: readonly Step[] = [
  { text: 'Press Retry.' },
  { text: 'If it stays so, restart the app and report the error code.' },
];
