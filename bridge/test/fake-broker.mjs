// A main process as a page sees it: holds one snapshot, tells each change, and answers what the test says.

export const ADA = {
  id: 'ada',
  email: 'ada@example.com',
  name: 'Ada Lovelace',
  image: null,
  emailVerified: true,
};

const SIGNED_OUT = {
  state: 'signedOut',
  reason: 'start',
  user: null,
  account: null,
  expiresAtMs: null,
  revocationsOwed: 0,
  retryAtMs: null,
  revision: 1,
  awaitingRestart: false,
  problem: null,
  signIns: [],
  signInProblem: null,
  protection: null,
};

export const ACTIVE = { state: 'active', reason: 'restored', user: ADA };

export function failure(code) {
  return { ok: false, code, message: `The message of ${code}.` };
}

/** A promise and its ends, for tests that look at what is shown in between. */
export function deferred() {
  const parts = {};
  parts.promise = new Promise((resolve, reject) => Object.assign(parts, { resolve, reject }));
  return parts;
}

const CALLS = {
  signIn: () => ({ status: 'complete', user: ADA }),
  signUp: () => ({ status: 'complete', user: ADA }),
  awaitSignIn: () => ({ status: 'complete', user: ADA }),
  submitCode: () => ({ status: 'complete', user: ADA }),
  sendCode: () => ({ status: 'complete', user: ADA }),
  openSignIn: () => null,
  copySignInLink: () => null,
  cancelSignIn: () => null,
  signOut: () => null,
  switchOrganization: (broker) => broker.now,
  sessions: () => [],
  endSession: () => null,
  accounts: () => [],
  switchAccount: (broker) => broker.now,
  anomalies: () => [],
  refreshes: () => [],
  refresh: (broker) => broker.now,
  lock: () => null,
  unlock: () => null,
  retry: (broker) => broker.now,
  snapshot: (broker) => broker.now,
};

export class FakeBroker {
  /** What was called: `[name, ...arguments]`. */
  calls = [];
  /** By the name of a call: what it answers instead, or a function that makes the answer. */
  replies = {};
  #listeners = new Set();

  constructor(start = {}) {
    this.now = { ...SIGNED_OUT, ...start };
    for (const [name, value] of Object.entries(CALLS)) {
      this[name] = async (...args) => {
        this.calls.push([name, ...args]);
        const reply = this.replies[name];
        if (reply === undefined) return { ok: true, value: value(this) };
        return typeof reply === 'function' ? reply(...args) : reply;
      };
    }
  }

  get listenerCount() {
    return this.#listeners.size;
  }

  onChange = (listener) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  onRefresh = (listener) => {
    this.refreshListener = listener;
    return () => {
      this.refreshListener = null;
    };
  };

  /** Takes the next state and tells it, or (`quietly`) leaves its event under way. */
  change(next, { quietly = false } = {}) {
    this.now = { ...this.now, ...next, revision: this.now.revision + 1 };
    if (!quietly) this.tell(this.now);
  }

  tell(snapshot) {
    for (const listener of [...this.#listeners]) listener(structuredClone(snapshot));
  }

  /** How often a call was made. */
  count(name) {
    return this.calls.filter(([called]) => called === name).length;
  }
}
