import type { User as AddonUser, Anomaly, AuthSession, SessionSnapshot } from 'electron-latchkey';
import type { AuthSnapshot, Refresh, User } from '../protocol.js';
import type { Opened } from './addon.js';
import { Departures } from './departures.js';
import { BridgeError, toFailure } from './failure.js';
import { PendingSignIns } from './pending-sign-ins.js';
import { onRenewal } from './renewals.js';

/** Who hears of what happens. */
export interface LifecycleEvents {
  changed(snapshot: AuthSnapshot): void;
  anomaly(anomaly: Anomaly): void;
  /** A renewal of the session at the front has begun or ended. */
  refresh(refresh: Refresh): void;
  /** As `onSignedOut` of the options. */
  signedOut?: () => Promise<void>;
}

/**
 * From "opening" to an open session, or to "unavailable" and, on `retry()`, back; and from one account to another.
 *
 * It numbers what it publishes itself: a session's own revision starts anew each time one is opened.
 */
export class Lifecycle {
  #published: AuthSnapshot = blank('opening', 'start');
  #opening: Promise<Opened> | null = null;
  #open: { opened: Opened; signIns: PendingSignIns; stop: () => void; seen: number } | null = null;
  #switching: Promise<unknown> = Promise.resolve();
  /** The sessions that were at the front before, each until its last refresh has landed. */
  readonly #retiring = new Set<Promise<void>>();
  readonly #departures: Departures;
  /** Why it is unavailable, in full: the main process may see what a page may not. */
  #failure: unknown = null;
  #closed = false;

  constructor(
    private readonly openOnce: () => Promise<Opened>,
    private readonly events: LifecycleEvents,
  ) {
    this.#departures = new Departures(events.signedOut, () => this.#set(this.#published));
  }

  /** Whether a refresh is under way, which closing would wait for. */
  get isRefreshing(): boolean {
    return this.#retiring.size > 0 || (this.#open?.opened.session.isRefreshing() ?? false);
  }

  /** Begins to open; called once, at the start. The outcome is in the snapshots. */
  start(): void {
    this.#begin().catch(() => undefined);
  }

  /** The state at this moment. Takes in a session's change whose event is still under way. */
  snapshot(): AuthSnapshot {
    if (this.#open !== null) this.#adopt(this.#open.opened.session.state());
    return this.#published;
  }

  /** The same, after the sign-ins that are under way were read anew. */
  async snapshotWithSignIns(): Promise<AuthSnapshot> {
    await this.#open?.signIns.read();
    return this.snapshot();
  }

  /** The open vault and session; waits while they open, rejects with the problem while unavailable. */
  async opened(): Promise<Opened> {
    if (this.#closed) throw new BridgeError('ERR_NO_BROKER', 'The app is closing.');
    if (this.#open !== null) return this.#open.opened;
    if (this.#opening !== null) return this.#opening;
    throw this.#failure;
  }

  /** Calls the session at the front. An answer that comes after a switch of accounts is not given. */
  async onSession<T>(call: (session: AuthSession) => Promise<T>): Promise<T> {
    const opened = await this.opened();
    try {
      return await call(opened.session);
    } finally {
      this.expectCurrent(opened);
    }
  }

  /** The same for calls that can sign somebody in: not while the app still resets what it held for somebody else. */
  onReadySession<T>(call: (session: AuthSession) => Promise<T>): Promise<T> {
    return this.onSession((session) => {
      if (this.snapshot().awaitingRestart) throw awaitingRestart();
      return call(session);
    });
  }

  /** Opens again after a failure. Without one it changes nothing. */
  async retry(): Promise<AuthSnapshot> {
    if (this.#closed) throw new BridgeError('ERR_NO_BROKER', 'The app is closing.');
    if (this.#open === null && this.#opening === null) this.#set(blank('opening', 'retry'));
    if (this.#open === null) await (this.#opening ?? this.#begin()).catch(() => undefined); // it is in the snapshot
    return this.snapshot();
  }

  /** Puts the session that `openNext` opens in the place of this one. When it fails, this one stays. */
  switch(openNext: (now: Opened) => Promise<Opened>): Promise<AuthSnapshot> {
    const switched = this.#switching.then(() => this.#switch(openNext));
    this.#switching = switched.catch(() => undefined);
    return switched;
  }

  /** Throws when `opened` is not at the front any more: what was begun for one account is not answered to another. */
  expectCurrent(opened: Opened): void {
    if (this.#closed || this.#open?.opened === opened) return;
    throw new BridgeError(
      'ERR_SUPERSEDED',
      'Another account is at the front now. Do it again if it is still wanted.',
    );
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#opening?.catch(() => undefined);
    await this.#switching;
    const open = this.#open;
    this.#open = null;
    if (open === null) return;
    open.stop();
    await Promise.all([open.opened.session.close(), ...this.#retiring]); // lets a refresh land in the vault
    await open.opened.vault.close();
  }

  #begin(): Promise<Opened> {
    this.#opening = this.openOnce()
      .then(async (opened) => {
        const signIns = await this.#signInsOf(opened);
        this.#opening = null;
        this.#hold(opened, signIns);
        return opened;
      })
      .catch((error: unknown) => {
        this.#opening = null;
        this.#fail(error);
        throw error;
      });
    return this.#opening;
  }

  async #switch(openNext: (now: Opened) => Promise<Opened>): Promise<AuthSnapshot> {
    const before = await this.opened();
    const next = await openNext(before);
    if (next === before) return this.snapshot();
    if (this.#closed) {
      await next.session.close();
      throw new BridgeError('ERR_NO_BROKER', 'The app is closing.');
    }
    const signIns = await this.#signInsOf(next);
    this.#open?.stop();
    this.#retire(before);
    this.#hold(next, signIns);
    return this.#published;
  }

  // Read before the session is at the front, so that its first snapshot has them.
  async #signInsOf(opened: Opened): Promise<PendingSignIns> {
    const signIns = new PendingSignIns(opened.session, () => {
      if (this.#open?.opened === opened) this.#adoptSignIns();
    });
    await signIns.read();
    return signIns;
  }

  #retire({ session }: Opened): void {
    const closing = session.close().finally(() => this.#retiring.delete(closing));
    this.#retiring.add(closing);
  }

  #hold(opened: Opened, signIns: PendingSignIns): void {
    const { session } = opened;
    const stops = [
      session.onChange((snapshot) => {
        // An event that was under way when another account came to the front says nothing any more.
        if (this.#open?.opened !== opened) return;
        this.#adopt(snapshot);
        void signIns.read();
      }),
      session.onAnomaly((anomaly) => this.events.anomaly(anomaly)),
      onRenewal(session, (refresh) => {
        if (this.#open?.opened === opened) this.events.refresh(refresh);
      }),
    ];
    const stop = () => {
      for (const each of stops) each();
    };
    this.#open = { opened, signIns, stop, seen: -1 };
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
    const { account, protection } = this.#open.opened;
    const { signIns } = this.#open;
    if (session.reason === 'signedIn' || session.reason === 'signedOut') signIns.forget();
    this.#set({
      state: session.state,
      reason: session.reason,
      user: session.user === null ? null : copyUser(session.user),
      account,
      expiresAtMs: session.expiresAtMs,
      retryAtMs: session.retryAtMs,
      revision: 0,
      revocationsOwed: session.revocationsOwed,
      awaitingRestart: false,
      problem: null,
      signIns: signIns.list,
      signInProblem: signIns.problem,
      protection,
    });
  }

  // A sign-in over a session, and a step of one that stays pending, change no state.
  #adoptSignIns(): void {
    if (this.#open === null) return;
    const { list: signIns, problem: signInProblem } = this.#open.signIns;
    const { signIns: before, signInProblem: problemBefore } = this.#published;
    if (JSON.stringify([signIns, signInProblem]) === JSON.stringify([before, problemBefore])) return;
    this.#set({ ...this.#published, signIns, signInProblem });
  }

  #set(next: AuthSnapshot): void {
    this.#departures.see(next);
    const awaitingRestart = this.#departures.pending;
    this.#published = { ...next, awaitingRestart, revision: this.#published.revision + 1 };
    if (!this.#closed) this.events.changed(this.#published);
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

function blank(state: 'opening' | 'unavailable', reason: AuthSnapshot['reason']): AuthSnapshot {
  return {
    state,
    reason,
    user: null,
    account: null,
    expiresAtMs: null,
    retryAtMs: null,
    revision: 0,
    revocationsOwed: 0,
    awaitingRestart: false,
    problem: null,
    signIns: [],
    signInProblem: null,
    protection: null,
  };
}

export function awaitingRestart(): BridgeError {
  return new BridgeError(
    'ERR_AWAITING_RESTART',
    'The app is still clearing up after the last person. Try again in a moment, or restart the app.',
  );
}
