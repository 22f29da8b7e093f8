import type { User as AddonUser, SessionSnapshot } from 'electron-latchkey';
import type { AuthSnapshot, User } from '../protocol.js';
import type { Opened } from './addon.js';
import { BridgeError, toFailure } from './failure.js';

/**
 * From "opening" to an open session, or to "unavailable" and, on `retry()`, back.
 *
 * It numbers what it publishes itself: a session's own revision starts anew each time one is opened.
 */
export class Lifecycle {
  #published: AuthSnapshot = blank('opening', 'start');
  #opening: Promise<Opened> | null = null;
  #open: (Opened & { stop: () => void; seen: number }) | null = null;
  /** Why it is unavailable, in full: the main process may see what a page may not. */
  #failure: unknown = null;
  #closed = false;

  constructor(
    private readonly openOnce: () => Promise<Opened>,
    private readonly publish: (snapshot: AuthSnapshot) => void,
  ) {}

  /** Begins to open; called once, at the start. The outcome is in the snapshots. */
  start(): void {
    this.#begin().catch(() => undefined);
  }

  /** The state at this moment. Takes in a session's change whose event is still under way. */
  snapshot(): AuthSnapshot {
    if (this.#open !== null) this.#adopt(this.#open.session.state());
    return this.#published;
  }

  /** The open vault and session; waits while they open, rejects with the problem while unavailable. */
  async opened(): Promise<Opened> {
    if (this.#closed) throw new BridgeError('ERR_NO_BROKER', 'The app is closing.');
    if (this.#open !== null) return this.#open;
    if (this.#opening !== null) return this.#opening;
    throw this.#failure;
  }

  /** Opens again after a failure. Without one it changes nothing. */
  async retry(): Promise<AuthSnapshot> {
    if (this.#closed) throw new BridgeError('ERR_NO_BROKER', 'The app is closing.');
    if (this.#open === null && this.#opening === null) this.#set(blank('opening', 'retry'));
    if (this.#open === null) await (this.#opening ?? this.#begin()).catch(() => undefined); // it is in the snapshot
    return this.snapshot();
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#opening?.catch(() => undefined);
    const open = this.#open;
    this.#open = null;
    if (open === null) return;
    open.stop();
    await open.session.close();
    await open.vault.close();
  }

  #begin(): Promise<Opened> {
    this.#opening = this.openOnce()
      .then((opened) => {
        this.#opening = null;
        this.#hold(opened);
        return opened;
      })
      .catch((error: unknown) => {
        this.#opening = null;
        this.#fail(error);
        throw error;
      });
    return this.#opening;
  }

  #hold(opened: Opened): void {
    const { session } = opened;
    const stop = session.onChange((snapshot) => this.#adopt(snapshot));
    this.#open = { ...opened, stop, seen: -1 };
    this.#adopt(session.state());
  }

  #fail(error: unknown): void {
    this.#failure = error;
    const { code, message } = toFailure(error);
    this.#set({ ...blank('unavailable', 'vault'), problem: { code, message } });
  }

  // Events come through a queue: one may be older than what state() has already told.
  #adopt(session: SessionSnapshot): void {
    if (this.#open === null || session.revision <= this.#open.seen) return;
    this.#open.seen = session.revision;
    this.#set({
      state: session.state,
      reason: session.reason,
      user: session.user === null ? null : copyUser(session.user),
      expiresAtMs: session.expiresAtMs,
      retryAtMs: session.retryAtMs,
      revision: 0,
      problem: null,
      protection: this.#open.protection,
    });
  }

  #set(next: AuthSnapshot): void {
    this.#published = { ...next, revision: this.#published.revision + 1 };
    if (!this.#closed) this.publish(this.#published);
  }
}

/** Field by field, so that nothing crosses to a page but what the protocol names. */
export function copyUser({ id, email, name, image, emailVerified }: AddonUser): User {
  return {
    id,
    email: email ?? null,
    name: name ?? null,
    image: image ?? null,
    emailVerified: emailVerified ?? null,
  };
}

function blank(state: 'opening' | 'unavailable', reason: string): AuthSnapshot {
  return {
    state,
    reason,
    user: null,
    expiresAtMs: null,
    retryAtMs: null,
    revision: 0,
    problem: null,
    protection: null,
  };
}
