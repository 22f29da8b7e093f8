import type { BrowserWindow, WebContents } from 'electron';
import type { AllowedPages } from './allowed-pages.js';
import { showsAllowedPage } from './sender.js';

/** The windows that the app said may hold the broker. */
export interface WindowRegistry {
  add(window: BrowserWindow): void;
  has(contents: WebContents): boolean;
  clear(): void;
  /** Shows the window that was added last and puts it before all others, as far as the system allows. */
  focus(): void;
  /** Sends to each window that shows an allowed page at this moment, and to no other. */
  broadcast(channel: string, value: unknown): void;
}

export function createWindowRegistry(pages: AllowedPages): WindowRegistry {
  const registered = new Map<WebContents, BrowserWindow>();

  return {
    add(window) {
      const { webContents } = window;
      if (registered.has(webContents)) return;
      registered.set(webContents, window);
      webContents.once('destroyed', () => registered.delete(webContents));
    },
    has: (contents) => registered.has(contents),
    clear: () => registered.clear(),
    focus() {
      const window = [...registered.values()].at(-1);
      if (window === undefined || window.isDestroyed()) return;
      if (window.isMinimized()) window.restore();
      window.show();
      window.focus();
    },
    broadcast(channel, value) {
      for (const contents of registered.keys()) {
        if (contents.isDestroyed()) continue;
        if (showsAllowedPage(contents.mainFrame, pages)) contents.send(channel, value);
      }
    },
  };
}
