import { app, Menu, type MenuItemConstructorOptions } from 'electron';
import { menuTexts } from '../renderer/texts/main';

/** The usual menu without "Reload" and, in a packaged app, without the developer tools. */
export function installMenu({ openWindow }: { openWindow(): void }): void {
  const file: MenuItemConstructorOptions[] = [
    { id: 'new-window', label: menuTexts.newWindow, accelerator: 'CmdOrCtrl+N', click: () => openWindow() },
    { type: 'separator' },
    process.platform === 'darwin' ? { role: 'close' } : { role: 'quit' },
  ];

  const view: MenuItemConstructorOptions[] = [
    { role: 'resetZoom' },
    { role: 'zoomIn' },
    { role: 'zoomOut' },
    { type: 'separator' },
    { role: 'togglefullscreen' },
  ];
  if (!app.isPackaged) view.push({ type: 'separator' }, { role: 'toggleDevTools' });

  const menus: MenuItemConstructorOptions[] = [
    { label: menuTexts.file, submenu: file },
    { role: 'editMenu' },
    { label: menuTexts.view, submenu: view },
    { role: 'windowMenu' },
  ];
  if (process.platform === 'darwin') menus.unshift({ role: 'appMenu' });
  Menu.setApplicationMenu(Menu.buildFromTemplate(menus));
}
