const { app, BrowserWindow } = require('electron');
const { tell, useSession } = require('./session.cjs');

// As wrong as a window can be made: its page has Node, and so can load the addon.
const NODE_IN_THE_PAGE = { nodeIntegration: true, contextIsolation: false, sandbox: false };

const IN_THE_PAGE = `require('electron-latchkey').Vault.open({ id: 'x.y', path: '.' })
  .then(() => 'opened', ({ name, code }) => ({ name, code }))`;

async function inPage() {
  const window = new BrowserWindow({ show: false, webPreferences: NODE_IN_THE_PAGE });
  await window.loadFile('page.html');
  return window.webContents.executeJavaScript(IN_THE_PAGE);
}

app.on('window-all-closed', () => {}); // it ends when it has told
app
  .whenReady()
  .then(async () => {
    const bridge = require('electron-latchkey/main');
    tell({ ...(await useSession()), createAuth: typeof bridge.createAuth, page: await inPage() });
  })
  .catch((error) => tell({ failed: String(error?.stack ?? error) }))
  .finally(() => app.exit());
