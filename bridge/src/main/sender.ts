import type { IpcMainInvokeEvent, WebContents, WebFrameMain } from 'electron';
import type { WindowRegistry } from './windows.js';

export type SenderCheck = (event: IpcMainInvokeEvent) => boolean;

/**
 * Who may call: the main frame of a registered window, while it shows a page of an allowed origin.
 *
 * A window alone is not enough, because a subframe or a page that it was navigated to shares its `webContents`.
 */
export function createSenderCheck(windows: WindowRegistry): SenderCheck {
  return (event) => {
    const { sender } = event;
    if (!windows.has(sender)) return false;
    const frame = frameOf(event);
    return frame !== null && isMainFrame(frame, sender) && windows.showsAllowedPage(sender, frame);
  };
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
