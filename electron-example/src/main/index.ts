import { app } from 'electron';
import { registerAppScheme, serveApp } from './app-scheme';
import { reportFindings } from './audit';
import { startAuth } from './auth';
import { readSettings } from './environment';
import { lockDown } from './lockdown';
import { installMenu } from './menu';
import { createWindow, focusWindow } from './window';

const settings = readSettings(process.env);
registerAppScheme();
lockDown();
const auth = startAuth(settings);

// A second start has handed its URL to the first, which shows its window; it only has to end.
if (!auth.isSecondInstance) start();

function start(): void {
  const openWindow = () => createWindow({ apiUrl: settings.apiUrl }, auth);

  app.on('window-all-closed', () => {
    if (process.platform !== 'darwin') app.quit();
  });

  app.whenReady().then(() => {
    installMenu({ openWindow });
    serveApp();
    openWindow();
    app.on('activate', () => focusWindow() || openWindow());
    reportFindings().catch(console.error);
  });
}
