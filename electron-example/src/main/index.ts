import { app } from 'electron';
import { registerAppScheme, serveApp } from './app-scheme';
import { startAuth } from './auth';
import { apiUrlFromEnvironment } from './environment';
import { lockDown } from './lockdown';
import { installMenu } from './menu';
import { createWindow, focusWindow } from './window';

const apiUrl = apiUrlFromEnvironment();
registerAppScheme();
lockDown();
const auth = startAuth(apiUrl);

// A second start has handed its URL to the first, which shows its window; it only has to end.
if (!auth.isSecondInstance) start();

function start(): void {
  const openWindow = () => createWindow({ apiUrl }, auth);

  app.on('window-all-closed', () => {
    if (process.platform !== 'darwin') app.quit();
  });

  app.whenReady().then(() => {
    installMenu({ openWindow });
    serveApp();
    openWindow();
    app.on('activate', () => focusWindow() || openWindow());
  });
}
