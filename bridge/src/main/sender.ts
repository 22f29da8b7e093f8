import type { IpcMainInvokeEvent, WebContents, WebFrameMain } from 'electron';
import { originOf } from './options.js';
import type { WindowRegistry } from './windows.js';

export type SenderCheck = (event: IpcMainInvokeEvent) => boolean;

/**
 * Who may call: the main frame of a registered window, while it shows a page of an allowed origin.
 *
 * A window alone is not enough, because a subframe or a page that it was navigated to shares its `webContents`.
 */
export function createSenderCheck(windows: WindowRegistry, origins: ReadonlySet<string>): SenderCheck {
  return (event) => {
    const { sender } = event;
    if (!windows.has(sender)) return false;
    const frame = frameOf(event);
    return frame !== null && isMainFrame(frame, sender) && showsAllowedPage(frame, origins);
  };
}

/** True while the frame shows a page of one of `origins`. A frame that is gone shows none. */
export function showsAllowedPage(frame: WebFrameMain, origins: ReadonlySet<string>): boolean {
  try {
    const origin = originOf(frame.url);
    if (origin === null || !origins.has(origin)) return false;
    // A sandboxed document keeps its URL and loses its origin. Electron before 22 does not tell.
    return frame.origin === undefined || origins.has(frame.origin);
  } catch {
    return false;
  }
}

// Newer Electron gives null for a frame that navigated or closed since it sent; older ones throw on first use.
function frameOf(event: IpcMainInvokeEvent): WebFrameMain | null {
  try {
    return event.senderFrame ?? null;
  } catch {
    return null;
  }
}

function isMainFrame(frame: WebFrameMain, sender: WebContents): boolean {
  try {
    return frame.parent === null && frame.frameTreeNodeId === sender.mainFrame.frameTreeNodeId;
  } catch {
    return false;
  }
}
