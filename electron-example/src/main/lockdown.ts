import { app, session, type WebContents } from 'electron';

/** Text onto the clipboard, after a press of the person's: without it nobody could copy a backup code. */
const ALLOWED = new Set(['clipboard-sanitized-write']);

/** Pages stay where they are: no navigation, no further windows, no guests, no permissions but one. For every window at once. */
export function lockDown(): void {
  app.on('web-contents-created', (_event, contents) => confine(contents));
  app.whenReady().then(() => {
    const { defaultSession } = session;
    defaultSession.setPermissionRequestHandler((_contents, permission, decide) =>
      decide(ALLOWED.has(permission)),
    );
    defaultSession.setPermissionCheckHandler((_contents, permission) => ALLOWED.has(permission));
    defaultSession.setDevicePermissionHandler(() => false);
  });
}

function confine(contents: WebContents): void {
  contents.setWindowOpenHandler(() => ({ action: 'deny' }));
  contents.on('will-navigate', (event) => event.preventDefault());
  contents.on('will-redirect', (event) => event.preventDefault());
  contents.on('will-attach-webview', (event) => event.preventDefault());
}
