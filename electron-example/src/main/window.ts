import { join } from 'node:path';
import { BrowserWindow, nativeTheme } from 'electron';
import { type AppConfig, toArgument } from '../shared/config';
import { APP_URL } from './app-scheme';
import type { AppAuth } from './auth';

/** The page's own background (tokens.css), so that nothing flashes before the first paint. */
const BACKGROUND = { light: '#f5f4ef', dark: '#121513' };

export function createWindow(config: AppConfig, auth: AppAuth): void {
  const window = new BrowserWindow({
    width: 960,
    height: 760,
    minWidth: 360,
    minHeight: 480,
    show: false,
    title: 'Latchkey',
    backgroundColor: nativeTheme.shouldUseDarkColors ? BACKGROUND.dark : BACKGROUND.light,
    webPreferences: {
      preload: join(__dirname, '..', 'preload', 'index.cjs'),
      additionalArguments: [toArgument(config)],
      contextIsolation: true,
      sandbox: true,
      nodeIntegration: false,
      webSecurity: true,
      spellcheck: false, // it would fetch dictionaries from the network
    },
  });
  auth.register(window);
  window.once('ready-to-show', () => window.show());
  window.loadURL(APP_URL);
}

/** Brings the app's window to the front; false when there is none. */
export function focusWindow(): boolean {
  const [window] = BrowserWindow.getAllWindows();
  if (window === undefined) return false;
  if (window.isMinimized()) window.restore();
  window.focus();
  return true;
}
