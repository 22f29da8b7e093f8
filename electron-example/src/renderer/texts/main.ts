/** The menu; what is not here is named by the system. */
export const menuTexts = {
  file: 'File',
  newWindow: 'New window',
  view: 'View',
} as const;

/** The question that the main process asks before it unlocks. */
export const unlockQuestion = {
  message: 'Unlock Latchkey?',
  detail:
    'A window of this app asks for it. A real app would ask for your fingerprint or your password here.',
  unlock: 'Unlock',
  cancel: 'Cancel',
} as const;
