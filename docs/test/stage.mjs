// The process in which one block runs: `stage.mjs FILE SCENE SERVER FOLDER`. Everything is real but Electron.
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import {
  FakeApp,
  FakeClipboard,
  FakeIpcMain,
  FakePowerMonitor,
  FakeShell,
  FakeWindow,
  substitute,
} from '../../bridge/test/fake-electron.mjs';

const [, , file, scene, server, folder] = process.argv;
const { url: serverUrl, email, password } = JSON.parse(server);
const require = createRequire(file);
const PAGE = 'app://my-app/index.html';

class App extends FakeApp {
  isPackaged = false;
  getName = () => 'example';
  getVersion = () => '1.0.0';
  getPath = () => folder;
  getAppPath = () => folder;
  whenReady = async () => undefined;
  relaunch = () => undefined;
  exit = () => undefined;
}

class BrowserWindow extends FakeWindow {
  constructor() {
    super(PAGE);
    Object.assign(this.webContents, { on: () => undefined, setWindowOpenHandler: () => undefined });
  }
  loadFile = async () => undefined;
  loadURL = async () => undefined;
  once = () => undefined;
}

const ipcMain = new FakeIpcMain();
const exposed = {};
/** The window whose page calls when a page's code runs. */
const pageWindow = new BrowserWindow();
const electron = {
  app: new App(),
  BrowserWindow,
  clipboard: new FakeClipboard(),
  contextBridge: { exposeInMainWorld: (key, value) => Object.assign(exposed, { [key]: value }) },
  dialog: { showMessageBox: async () => ({ response: 0 }) },
  ipcMain,
  ipcRenderer: {
    invoke: (channel, ...args) => ipcMain.invoke(channel, pageWindow.event(), ...args),
    on: () => undefined,
    send: () => undefined,
  },
  powerMonitor: new FakePowerMonitor(),
  shell: new FakeShell(),
  systemPreferences: { promptTouchID: async () => undefined },
};
substitute('electron', () => electron);
await writeFile(path.join(folder, 'package.json'), JSON.stringify({ name: 'example' }));

/** What `require` can load comes through it, where the stand-ins are. */
async function load(name, otherwise) {
  try {
    const loaded = require(name);
    return { default: loaded, ...loaded };
  } catch (error) {
    if (error.code === 'ERR_REQUIRE_ESM' || error.code === 'ERR_PACKAGE_PATH_NOT_EXPORTED')
      return otherwise(name);
    throw error;
  }
}

const { createAuth } = require('electron-latchkey/main');
const { Vault } = require('electron-latchkey');

const provider = { type: 'better-auth', baseUrl: `${serverUrl}/api/auth` };
const options = {
  vault: { id: 'com.example.app', path: path.join(folder, 'scene') },
  provider,
  rendererOrigins: ['app://my-app'],
};
const running = [];

async function signedIn() {
  const auth = createAuth(options);
  running.push(auth);
  auth.register(pageWindow);
  const session = await auth.session();
  await session.signIn({ method: 'password', email, password });
  return { auth, session, vault: await auth.vault() };
}

async function mainGlobals(names) {
  const uses = (name) => names.includes(name);
  const scene = uses('auth') || uses('session') ? await signedIn() : {};
  if (uses('vault') && scene.vault === undefined)
    scene.vault = await Vault.open({ id: 'com.example.vault', path: path.join(folder, 'vault') });
  return {
    ...scene,
    app: electron.app,
    dialog: electron.dialog,
    ipcMain,
    systemPreferences: electron.systemPreferences,
    window: new BrowserWindow(),
    createWindow: () => undefined,
    options,
    provider,
    sources: [{ type: 'electron-store', path: path.join(folder, 'config.json') }],
    issuer: 'https://login.example.com',
    clientId: 'desktop',
    passphrase: 'correct horse battery staple',
    accessToken: 'access',
    refreshToken: 'refresh',
    user: { id: 'u1' },
    database: { close: async () => undefined },
    file: { write: () => undefined },
    broker: { token: async () => null },
    verify: async () => ({ id: 'u1' }),
    addNote: async () => undefined,
  };
}

async function pageGlobals() {
  await signedIn();
  require('electron-latchkey/preload').exposeAuth();
  const { connectAuth } = await import('../../bridge/dist/esm/renderer/index.js');
  globalThis.window = globalThis;
  Object.assign(globalThis, exposed);
  return {
    auth: connectAuth(),
    email,
    password,
    code: '123456',
    id: 'none',
    url: `${serverUrl}/api/profile`,
    body: '',
    render: () => undefined,
    show: () => undefined,
    ask: async () => '123456',
  };
}

const GLOBALS = { main: mainGlobals, page: pageGlobals, preload: async () => ({}), server: async () => ({}) };

const { default: run, uses } = await import(pathToFileURL(file));
if (scene === 'main') process.type = 'browser';
const declared = await run(require, load, await GLOBALS[scene](uses));

for (const value of Object.values(declared)) {
  if (typeof value?.isSecondInstance === 'boolean') {
    await value.session(); // what it was given opens
    running.push(value);
  }
}
if (scene === 'preload') assert.ok(Object.keys(exposed).length > 0, 'nothing was exposed');
await Promise.all(running.map((auth) => auth.dispose()));
process.exit(0);
