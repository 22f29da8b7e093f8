import type { BrowserWindow, WebContents, WebFrameMain } from 'electron';
import type { AllowedPages } from './allowed-pages.js';

/** The windows that the app said may hold the broker. */
export interface WindowRegistry {
  add(window: BrowserWindow): void;
  has(contents: WebContents): boolean;
  /** Whether this main frame shows an allowed page at this moment. One that is gone shows none. */
  showsAllowedPage(contents: WebContents, frame: WebFrameMain): boolean;
  clear(): void;
  /** Shows the window that was added last and puts it before all others, as far as the system allows. */
  focus(): void;
  /** Sends to each window that shows an allowed page at this moment, and to no other. */
  broadcast(channel: string, value: unknown): void;
}

export function createWindowRegistry(pages: AllowedPages): WindowRegistry {
  const registered = new Map<WebContents, BrowserWindow>();
  /** What was loaded. A page from disk can give itself the address of any other (`history.pushState`). */
  const loaded = new WeakMap<WebContents, string>();

  function showsAllowedPage(contents: WebContents, frame: WebFrameMain): boolean {
    try {
      if (!pages.has(frame.url, frame.origin)) return false;
      const url = loaded.get(contents);
      return !url || pages.has(url, undefined);
    } catch {
      return false;
    }
  }

  return {
    add(window) {
      const { webContents } = window;
      if (registered.has(webContents)) return;
      registered.set(webContents, window);
      loaded.set(webContents, webContents.getURL());
      webContents.on('did-navigate', (_event, url) => loaded.set(webContents, url));
      webContents.once('destroyed', () => registered.delete(webContents));
    },
    has: (contents) => registered.has(contents),
    showsAllowedPage,
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
        if (showsAllowedPage(contents, contents.mainFrame)) contents.send(channel, value);
      }
    },
  };
}
