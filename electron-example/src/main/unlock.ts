import { BrowserWindow, dialog, type MessageBoxOptions } from 'electron';
import { unlockQuestion } from '../renderer/texts/main';

/**
 * Asks whoever sits at the computer, in a dialog that no page can press.
 *
 * It stands for what an app would use: `systemPreferences.promptTouchID`, or a password of its own.
 */
export async function confirmUnlock(): Promise<boolean> {
  const options: MessageBoxOptions = {
    type: 'question',
    message: unlockQuestion.message,
    detail: unlockQuestion.detail,
    buttons: [unlockQuestion.unlock, unlockQuestion.cancel],
    defaultId: 0,
    cancelId: 1,
  };
  const window = BrowserWindow.getFocusedWindow() ?? BrowserWindow.getAllWindows()[0];
  if (window === undefined) return false;
  const { response } = await dialog.showMessageBox(window, options);
  return response === 0;
}
