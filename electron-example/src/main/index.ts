import { app } from 'electron';
import type { Auth } from 'electron-latchkey/main';
import { registerAppScheme, serveApp } from './app-scheme';
import { startAuth } from './auth';
import { apiUrlFromEnvironment } from './environment';
import { lockDown } from './lockdown';
import { installMenu } from './menu';
import { createWindow, focusWindow } from './window';

// A second start of the app shows the window of the first.
if (app.requestSingleInstanceLock()) {
  start();
} else {
  app.quit();
}

function start(): void {
  const apiUrl = apiUrlFromEnvironment();
  registerAppScheme();
  lockDown();
  const auth = startAuth(apiUrl);
  const openWindow = () => createWindow({ apiUrl }, auth);

  app.on('second-instance', focusWindow);
  app.on('window-all-closed', () => {
    if (process.platform !== 'darwin') app.quit();
  });
  disposeBeforeQuitting(auth);

  app.whenReady().then(() => {
    installMenu();
    serveApp();
    openWindow();
    app.on('activate', () => focusWindow() || openWindow());
  });
}

// A renewal that is under way may end first: an answer that finds nobody leaves a token that may be spent.
function disposeBeforeQuitting(auth: Auth): void {
  let disposed = false;
  app.on('will-quit', async (event) => {
    if (disposed) return;
    event.preventDefault();
    await auth.dispose().catch(() => undefined); // nothing is lost: every change was on disk before it was told
    disposed = true;
    app.quit();
  });
}
