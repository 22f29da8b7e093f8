import { app } from 'electron';
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

  app.whenReady().then(() => {
    installMenu();
    serveApp();
    openWindow();
    app.on('activate', () => focusWindow() || openWindow());
  });
}
