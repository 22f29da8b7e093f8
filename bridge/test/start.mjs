// Loads the built bridge with the stand-ins in place.
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { setImmediate } from 'node:timers/promises';
import {
  FakeAddon,
  FakeApp,
  FakeClipboard,
  FakeIpcMain,
  FakePowerMonitor,
  FakeShell,
  FakeWindow,
  substitute,
} from './fake-electron.mjs';

const require = createRequire(import.meta.url);

export const APP = 'app://latchkey-example';
export const PAGE = `${APP}/index.html`;
export const { CHANNELS } = require('../dist/cjs/protocol.js');
const { changed, refreshed, ...calls } = CHANNELS;
/** The channels on which a page calls: `[name, channel]`. The others are main's own. */
export const CALL_CHANNELS = Object.entries(calls);
export const { createAuth } = require('../dist/cjs/main/index.js');

/** A broker in main with one registered window at an allowed page. */
export function startAuth({
  addon = new FakeAddon(),
  app = new FakeApp(),
  rendererOrigins = [APP],
  ...options
} = {}) {
  const ipcMain = new FakeIpcMain();
  const powerMonitor = new FakePowerMonitor();
  const shell = new FakeShell();
  const clipboard = new FakeClipboard();
  substitute('electron', () => ({ app, clipboard, ipcMain, powerMonitor, shell }));
  substitute('electron-latchkey', () => addon);
  const auth = createAuth({
    vault: { id: 'com.example.test' },
    provider: { type: 'better-auth', baseUrl: 'http://127.0.0.1:4711/api/auth' },
    rendererOrigins,
    ...options,
  });
  const window = new FakeWindow(PAGE);
  auth.register(window);
  return {
    addon,
    app,
    auth,
    clipboard,
    ipcMain,
    powerMonitor,
    shell,
    window,
    /** A call from the registered window's main frame. */
    call: (channel, ...args) => ipcMain.invoke(channel, window.event(), ...args),
  };
}

/** The same, with vault and session open. */
export async function startOpenAuth(options) {
  const started = startAuth(options);
  await started.auth.session();
  return started;
}

/** Lets everything that is already settled run. */
export async function settle() {
  await setImmediate();
}

/** Runs `action` and answers the error that it leaves uncaught, which the test runner would take for its own. */
export async function uncaughtDuring(action) {
  const listeners = process.listeners('uncaughtException');
  process.removeAllListeners('uncaughtException');
  try {
    const uncaught = once(process, 'uncaughtException');
    action();
    const [error] = await uncaught;
    return error;
  } finally {
    for (const listener of listeners) process.on('uncaughtException', listener);
  }
}
