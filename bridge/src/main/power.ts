import type { App, PowerMonitor } from 'electron';
import type { AuthSnapshot } from '../protocol.js';
import type { AuthPolicy } from './options.js';

/** How many times within the idle timeout the system is asked: the session locks late by one part at most. */
const LOOKS_PER_TIMEOUT = 10;
/** The system tells idle time in whole seconds, so there is no use in asking more often. */
const SHORTEST_INTERVAL_MS = 1000;
const LONGEST_INTERVAL_MS = 30_000;

/** What the watch does to the session. */
export interface PowerActions {
  lock(): void;
  /** Somebody uses the computer. */
  touch(): void;
  /** Takes in what the session has come to; a limit that has passed takes effect with it. */
  look(): void;
}

/**
 * Feeds the policy with what the system knows: the screen locks, the computer sleeps, somebody is at it.
 *
 * Waking up renews nothing by itself: the addon judges a token when it is used. The idle time is asked for only while an
 * idle timeout is set and there is an unlocked session.
 */
export class PowerWatch {
  readonly #listeners: [event: string, listener: () => void][] = [];
  #timer: NodeJS.Timeout | null = null;
  #lookedAtMs = 0;

  constructor(
    private readonly app: App,
    private readonly powerMonitor: PowerMonitor,
    private readonly policy: AuthPolicy,
    private readonly actions: PowerActions,
  ) {
    if (policy.lockOnScreenLock) this.#on('lock-screen', () => actions.lock());
    if (policy.lockOnSuspend) this.#on('suspend', () => actions.lock());
    this.#on('resume', () => this.#lookAround());
    // macOS, when somebody comes back to this login session.
    if (policy.idleTimeoutMs !== undefined) this.#on('user-did-become-active', () => this.#lookAround());
  }

  follow({ state }: Pick<AuthSnapshot, 'state'>): void {
    const { idleTimeoutMs } = this.policy;
    const needed = state === 'restoring' || state === 'active' || state === 'offline';
    if (idleTimeoutMs === undefined || needed === (this.#timer !== null)) return;
    if (needed) {
      this.#lookedAtMs = Date.now();
      this.#timer = setInterval(() => this.#lookAround(), intervalFor(idleTimeoutMs)).unref();
    } else {
      this.#rest();
    }
  }

  stop(): void {
    this.#rest();
    for (const [event, listener] of this.#listeners.splice(0)) {
      (this.powerMonitor as NodeJS.EventEmitter).removeListener(event, listener);
    }
  }

  #lookAround(): void {
    // First, what the session has come to while the computer slept: whoever woke it must not count as having been there.
    this.actions.look();
    if (this.#timer === null || !this.app.isReady()) return;
    const now = Date.now();
    const sinceLastMs = now - this.#lookedAtMs;
    this.#lookedAtMs = now;
    if (this.powerMonitor.getSystemIdleTime() * 1000 <= sinceLastMs) this.actions.touch();
  }

  #rest(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
  }

  // Electron types each event apart.
  #on(event: string, listener: () => void): void {
    (this.powerMonitor as NodeJS.EventEmitter).on(event, listener);
    this.#listeners.push([event, listener]);
  }
}

function intervalFor(idleTimeoutMs: number): number {
  return Math.min(LONGEST_INTERVAL_MS, Math.max(SHORTEST_INTERVAL_MS, idleTimeoutMs / LOOKS_PER_TIMEOUT));
}
