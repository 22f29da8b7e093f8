// Stand-ins for Electron's main process and for the addon: enough of each for the bridge, and under the test's control.
// They prove the bridge's own rules; that Electron behaves as they do is shown by the end-to-end tests.
import { EventEmitter } from 'node:events';
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);
const Module = require('node:module');

const substitutes = new Map();
const load = Module._load;
Module._load = function (request, ...rest) {
  const substitute = substitutes.get(request);
  return substitute === undefined ? load.call(this, request, ...rest) : substitute();
};

/** Makes `require(name)` answer what `make` returns or throws. */
export function substitute(name, make) {
  substitutes.set(name, make);
}

/** A fake `ipcMain`: remembers handlers; `invoke` calls one as Electron would, through structured clone both ways. */
export class FakeIpcMain {
  handlers = new Map();

  handle(channel, handler) {
    if (this.handlers.has(channel)) throw new Error(`a second handler for ${channel}`);
    this.handlers.set(channel, handler);
  }

  removeHandler(channel) {
    this.handlers.delete(channel);
  }

  async invoke(channel, event, ...args) {
    const handler = this.handlers.get(channel);
    if (handler === undefined) throw new Error(`No handler registered for '${channel}'`);
    return structuredClone(await handler(event, ...structuredClone(args)));
  }
}

let nextFrameTreeNodeId = 1;

/** A fake window with one page; `webContents.sent` holds what was sent to it. */
export class FakeWindow {
  webContents;

  /** What was done to the window itself. */
  did = [];
  minimized = false;

  constructor(url) {
    const contents = {
      sent: [],
      destroyed: false,
      whenDestroyed: [],
      whenNavigated: [],
      mainFrame: frame(url, null),
      isDestroyed: () => contents.destroyed,
      getURL: () => url,
      on: (name, listener) => name === 'did-navigate' && contents.whenNavigated.push(listener),
      once: (name, listener) => name === 'destroyed' && contents.whenDestroyed.push(listener),
      send(channel, ...args) {
        if (contents.destroyed) throw new TypeError('Object has been destroyed');
        contents.sent.push([channel, ...structuredClone(args)]);
      },
    };
    this.webContents = contents;
  }

  navigate(url) {
    this.rename(url);
    for (const listener of this.webContents.whenNavigated) listener({}, url);
  }

  /** As `history.pushState` does, by which the same document goes on. */
  rename(url) {
    this.webContents.mainFrame.url = url;
  }

  isDestroyed() {
    return this.webContents.destroyed;
  }

  isMinimized() {
    return this.minimized;
  }

  restore() {
    this.did.push('restore');
  }

  show() {
    this.did.push('show');
  }

  focus() {
    this.did.push('focus');
  }

  destroy() {
    this.webContents.destroyed = true;
    for (const listener of this.webContents.whenDestroyed) listener();
  }

  /** What a handler gets when this window's main frame, or `senderFrame`, calls. */
  event(senderFrame = this.webContents.mainFrame) {
    return { sender: this.webContents, senderFrame };
  }

  subframe(url) {
    return frame(url, this.webContents.mainFrame);
  }
}

export function frame(url, parent) {
  return { url, parent, frameTreeNodeId: nextFrameTreeNodeId++ };
}

/** What a frame of old Electron does once its page is gone. */
export function disposedFrame() {
  return new Proxy(
    {},
    {
      get() {
        throw new Error('Render frame was disposed before WebFrameMain could be accessed');
      },
    },
  );
}

export function latchkeyError(code, message = `message of ${code}`) {
  return Object.assign(new Error(message), { name: 'LatchkeyError', code });
}

export const USER = { id: 'u1', email: 'ada@example.com', name: 'Ada', image: null, emailVerified: true };

export function sessionSnapshot(fields) {
  return {
    state: 'signedOut',
    reason: 'start',
    user: null,
    expiresAtMs: null,
    revocationsOwed: 0,
    retryAtMs: null,
    revision: 1,
    ...fields,
  };
}

/** A fake AuthSession: answers from `replies`, remembers calls, and says what `emit` is told to. */
export class FakeSession {
  calls = [];
  closed = false;
  refreshing = false;
  /** When closing is done: a refresh may have to land first. */
  closing = Promise.resolve();
  replies = {};
  #state = sessionSnapshot();
  #listeners = new Set();
  #anomalyListeners = new Set();
  reported = [];
  touches = 0;
  enforcePolicy = () => undefined;

  state() {
    this.enforcePolicy();
    return this.#state;
  }

  onChange(listener) {
    this.#listeners.add(listener);
    /** For an event that is still under way when its listener is removed. */
    this.deliverLate = listener;
    return () => this.#listeners.delete(listener);
  }

  /** Changes the state at once and tells the listeners, or (`quietly`) leaves their event in the queue. */
  change(fields, { quietly = false } = {}) {
    this.#state = sessionSnapshot({ ...this.#state, ...fields, revision: this.#state.revision + 1 });
    if (!quietly) this.deliver(this.#state);
  }

  deliver(snapshot) {
    for (const listener of this.#listeners) listener(snapshot);
  }

  get listenerCount() {
    return this.#listeners.size;
  }

  onAnomaly(listener) {
    this.#anomalyListeners.add(listener);
    return () => this.#anomalyListeners.delete(listener);
  }

  /** The renewals so far, as `refreshes()` answers them. */
  renewals = [];
  #refreshListeners = new Set();

  refreshes() {
    return this.renewals;
  }

  onRefresh(listener) {
    this.#refreshListeners.add(listener);
    /** For an event that is still under way when its listener is removed. */
    this.tellRefreshLate = listener;
    return () => this.#refreshListeners.delete(listener);
  }

  tellRefresh(refresh) {
    for (const listener of this.#refreshListeners) listener(refresh);
  }

  get refreshListenerCount() {
    return this.#refreshListeners.size;
  }

  tellAnomaly(anomaly) {
    for (const listener of this.#anomalyListeners) listener(anomaly);
  }

  get anomalyListenerCount() {
    return this.#anomalyListeners.size;
  }

  reportAnomaly(kind) {
    this.reported.push(kind);
  }

  touch() {
    this.touches += 1;
  }

  lock = async () => {
    this.calls.push(['lock']);
    if (this.#state.state === 'active') this.change({ state: 'locked', reason: 'locked' });
  };
  unlock = async () => {
    this.calls.push(['unlock']);
    if (this.#state.state === 'locked') this.change({ state: 'active', reason: 'unlocked' });
  };
  signIn = (...args) => this.#answer('signIn', args, { status: 'complete', user: USER });
  signUp = (...args) => this.#answer('signUp', args, { status: 'complete', user: USER });
  signOut = (...args) => this.#answer('signOut', args, { browserUrl: null });
  submitCode = (...args) => this.#answer('submitCode', args, { status: 'complete', user: USER });
  sendCode = (...args) => this.#answer('sendCode', args, { status: 'complete', user: USER });
  cancelSignIn = (...args) => this.#answer('cancelSignIn', args, undefined);
  switchOrganization = (...args) => this.#answer('switchOrganization', args, this.#state);
  sessions = (...args) => this.#answer('sessions', args, []);
  endSession = (...args) => this.#answer('endSession', args, undefined);
  handleCallback = (...args) =>
    this.#answer('handleCallback', args, { id: 'any', result: { status: 'complete', user: USER } });

  /** The sign-ins that are under way: `{ id, awaits, … }`, each with its end, which `end` brings about. */
  signIns = [];
  #ends = new Map();

  async pendingSignIns() {
    return this.signIns;
  }

  waitForSignIn(id) {
    if (!this.signIns.some((each) => each.id === id))
      return Promise.reject(latchkeyError('ERR_SIGN_IN_NOT_FOUND'));
    return new Promise((resolve, reject) => {
      this.#ends.set(id, [...(this.#ends.get(id) ?? []), { resolve, reject }]);
    });
  }

  /** Ends a sign-in: it completes, or fails with this error. */
  end(id, error = null) {
    this.signIns = this.signIns.filter((each) => each.id !== id);
    for (const { resolve, reject } of this.#ends.get(id) ?? []) {
      if (error === null) resolve(USER);
      else reject(error);
    }
  }

  refresh = (...args) => this.#answer('refresh', args, this.#state);
  /** Answers from `replies.fetch`; one that is cancelled fails as the addon's does. */
  exchange = (...args) => {
    let cancel;
    const cancelled = new Promise((_resolve, reject) => {
      cancel = () => reject(latchkeyError('ERR_ABORTED'));
    });
    cancelled.catch(() => undefined);
    return { response: () => Promise.race([this.#answer('fetch', args, undefined), cancelled]), cancel };
  };

  accessToken() {
    throw new Error('the bridge must never ask for the token');
  }

  isRefreshing() {
    return this.refreshing;
  }

  close() {
    this.closed = true;
    return this.closing;
  }

  async #answer(name, args, otherwise) {
    this.calls.push([name, ...args]);
    const reply = name in this.replies ? this.replies[name] : otherwise;
    return typeof reply === 'function' ? reply(...args) : reply;
  }
}

export class FakeVault {
  closed = false;
  entries = new Map();

  get = async (key) => this.entries.get(key) ?? null;
  set = async (key, value) => void this.entries.set(key, value);
  delete = async (key) => this.entries.delete(key);
  write = async (changes) => {
    for (const { key, value } of changes) {
      if (value === null) this.entries.delete(key);
      else this.entries.set(key, value);
    }
  };

  protection() {
    return { backend: 'secret-service', description: 'a fake', path: '/vault', secret: 'must not cross' };
  }

  expectOpen() {
    if (this.closed) throw latchkeyError('ERR_VAULT_CLOSED');
  }

  async close() {
    this.closed = true;
  }
}

/** A fake `app`. `lockTaken`: another process of the app has the single-instance lock. */
export class FakeApp extends EventEmitter {
  quits = 0;
  registered = [];
  lockTaken = false;
  lockHeld = false;

  isReady() {
    return true;
  }

  quit() {
    this.quits += 1;
  }

  hasSingleInstanceLock() {
    return this.lockHeld;
  }

  requestSingleInstanceLock() {
    this.lockHeld = !this.lockTaken;
    return this.lockHeld;
  }

  setAsDefaultProtocolClient(...args) {
    this.registered.push(args);
    return true;
  }

  getAppPath() {
    return '/path/of/the/app';
  }
}

/** A fake `shell`; `opened` is what the system's browser was sent to. */
export class FakeShell {
  opened = [];
  openExternal = async (url) => {
    this.opened.push(url);
  };
}

/** A fake `clipboard`. */
export class FakeClipboard {
  text = '';

  writeText(text) {
    this.text = text;
  }
}

/** A fake `powerMonitor`; `idleSeconds` is what the system tells. */
export class FakePowerMonitor extends EventEmitter {
  idleSeconds = 0;
  questions = 0;

  getSystemIdleTime() {
    this.questions += 1;
    return this.idleSeconds;
  }
}

/**
 * A fake addon. `openVault`, `openSession` and `activate` can be set to fail or to wait; `front` is the active account,
 * and every name in `names` has a session.
 */
export class FakeAddon {
  vaults = [];
  sessions = [];
  names = [];
  front = null;
  activate = async () => undefined;
  openVault = async () => undefined;
  openSession = async () => undefined;

  constructor() {
    const addon = this;
    this.Vault = {
      async open(options) {
        addon.vaultOptions = options;
        await addon.openVault();
        addon.vaults.push(new FakeVault());
        return addon.vaults.at(-1);
      },
    };
    this.AuthSession = {
      async open(options) {
        addon.sessionOptions = options;
        await addon.openSession(options);
        addon.sessions.push(new FakeSession());
        return addon.sessions.at(-1);
      },
      async accounts(vault) {
        vault.expectOpen();
        return addon.names.map((name) => ({
          name,
          user: USER,
          signedIn: true,
          active: name === addon.front,
        }));
      },
      async activate(vault, name) {
        vault.expectOpen();
        await addon.activate(name);
        addon.front = name;
      },
      async audit(vault) {
        vault.expectOpen();
        return [{ kind: 'unknownSender', atMs: 1, count: 2 }];
      },
    };
  }

  get session() {
    return this.sessions.at(-1);
  }
}
