// The recipe's main process. The page makes the calls that the test gives, and what they answer goes into a file.
const { app, BrowserWindow, ipcMain } = require('electron');
const { writeFileSync } = require('node:fs');
const path = require('node:path');

const { RECIPE_SERVICE, RECIPE_SEALED, RECIPE_CALLS, RECIPE_OUT } = process.env;

const answer = { isReady: app.isReady() };
try {
  if (RECIPE_SEALED) answer.report = require('./import.cjs').report;
  const secureStorage = require(`./${RECIPE_SERVICE}`);
  // Electron's own is not to be used before ready; Latchkey's is.
  if (RECIPE_SERVICE.includes('moved')) answer.beforeReady = secureStorage.isAvailable();
  for (const [method, run] of Object.entries(secureStorage)) {
    ipcMain.handle(`secure-storage:${method}`, (_event, ...args) => {
      try {
        return { success: true, data: run(...args) };
      } catch (error) {
        return { success: false, error: error.message };
      }
    });
  }
} catch (error) {
  answer.failed = `${error.code} ${error.message}`;
}

app.whenReady().then(async () => {
  const window = new BrowserWindow({
    show: false,
    webPreferences: { preload: path.join(__dirname, 'preload.cjs') },
  });
  await window.loadURL('data:text/html,recipe');
  const calls = `(async () => {
    const answers = [];
    for (const [method, ...args] of ${RECIPE_CALLS}) answers.push(await window.secureStorage[method](...args));
    return answers;
  })()`;
  answer.answers = await window.webContents.executeJavaScript(calls).catch((error) => String(error));
  writeFileSync(RECIPE_OUT, JSON.stringify(answer));
  app.quit();
});
