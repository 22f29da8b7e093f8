import { app, session, type WebContents } from 'electron';

/** Pages stay where they are: no navigation, no further windows, no guests, no permissions. For every window at once. */
export function lockDown(): void {
  app.on('web-contents-created', (_event, contents) => confine(contents));
  app.whenReady().then(() => {
    const { defaultSession } = session;
    defaultSession.setPermissionRequestHandler((_contents, _permission, decide) => decide(false));
    defaultSession.setPermissionCheckHandler(() => false);
    defaultSession.setDevicePermissionHandler(() => false);
  });
}

function confine(contents: WebContents): void {
  contents.setWindowOpenHandler(() => ({ action: 'deny' }));
  contents.on('will-navigate', (event) => event.preventDefault());
  contents.on('will-redirect', (event) => event.preventDefault());
  contents.on('will-attach-webview', (event) => event.preventDefault());
}
