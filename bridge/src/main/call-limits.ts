import { BridgeError } from './failure.js';

/** How often a kind of call may be made in a minute: by one window, and by all of them together. */
export interface Limit {
  perWindow: number;
  perApp: number;
}

/**
 * Calls that somebody who is not signed in can make, or that make others work. Each is far above what people do and far
 * below what a script in a loop does. Servers have limits of their own; these hold before anything is sent.
 */
export const LIMITS = {
  /** A sign-in begins, or a password or a code is tried. 10 are more than anybody types in a minute, and no way to guess. */
  try: { perWindow: 10, perApp: 30 },
  /** A code goes to somebody's mailbox or telephone, which costs money and patience. */
  send: { perWindow: 5, perApp: 10 },
  /** The browser opens, or the clipboard changes. */
  open: { perWindow: 20, perApp: 40 },
  /** Waits for a sign-in: a page asks again after each of its reloads. */
  wait: { perWindow: 60, perApp: 180 },
  /** The person is asked to unlock: more often would train them to agree. */
  unlock: { perWindow: 10, perApp: 20 },
  /** The vault is opened, which asks the keychain, and it the person. */
  retry: { perWindow: 20, perApp: 40 },
  /** The server is asked for a new token, or in its stead whether the session stands. */
  refresh: { perWindow: 60, perApp: 120 },
  /** Another account or organization comes to the front: a session is opened for it. */
  switch: { perWindow: 30, perApp: 60 },
  /** The server is asked about other sessions of the person, or to end one. */
  sessions: { perWindow: 60, perApp: 120 },
  /** What the recipe surface reads and writes. A write syncs the disk. */
  store: { perWindow: 240, perApp: 480 },
} as const satisfies Record<string, Limit>;

export type LimitName = keyof typeof LIMITS;

const MINUTE_MS = 60_000;

/** Lets so many through in a minute, all at once if it must be: the allowance comes back bit by bit. */
class TokenBucket {
  #tokens: number;
  #filledAtMs: number;

  constructor(
    private readonly perMinute: number,
    nowMs: number,
  ) {
    this.#tokens = perMinute;
    this.#filledAtMs = nowMs;
  }

  /** In how many milliseconds one more is let through; 0 is now. */
  waitMs(nowMs: number): number {
    const regained = ((nowMs - this.#filledAtMs) / MINUTE_MS) * this.perMinute;
    this.#tokens = Math.min(this.perMinute, this.#tokens + regained);
    this.#filledAtMs = nowMs;
    return this.#tokens >= 1 ? 0 : ((1 - this.#tokens) / this.perMinute) * MINUTE_MS;
  }

  take(): void {
    this.#tokens -= 1;
  }
}

/** Counts the calls of windows against {@link LIMITS}. */
export class CallLimits {
  readonly #ofApp = new Map<LimitName, TokenBucket>();
  readonly #ofWindows = new WeakMap<object, Map<LimitName, TokenBucket>>();

  /** @param now milliseconds of a clock that never goes back */
  constructor(private readonly now: () => number = () => performance.now()) {}

  /** Counts one call. Throws `ERR_TOO_MANY_CALLS`, and counts nothing, when it is one too many. */
  count(sender: object, name: LimitName): void {
    const nowMs = this.now();
    const ofWindow = this.#ofWindows.get(sender) ?? new Map<LimitName, TokenBucket>();
    this.#ofWindows.set(sender, ofWindow);
    const buckets = [
      bucket(ofWindow, name, LIMITS[name].perWindow, nowMs),
      bucket(this.#ofApp, name, LIMITS[name].perApp, nowMs),
    ];
    const waitMs = Math.max(...buckets.map((each) => each.waitMs(nowMs)));
    if (waitMs > 0) throw new TooManyCalls(waitIn(waitMs));
    for (const each of buckets) each.take();
  }
}

/** A call that is one too many, of whichever kind. */
export class TooManyCalls extends BridgeError {
  constructor(advice: string) {
    super('ERR_TOO_MANY_CALLS', `That was tried too often. ${advice}`);
  }
}

function bucket(
  buckets: Map<LimitName, TokenBucket>,
  name: LimitName,
  perMinute: number,
  nowMs: number,
): TokenBucket {
  const known = buckets.get(name) ?? new TokenBucket(perMinute, nowMs);
  buckets.set(name, known);
  return known;
}

function waitIn(waitMs: number): string {
  const seconds = Math.ceil(waitMs / 1000);
  return `Wait ${seconds} ${seconds === 1 ? 'second' : 'seconds'}.`;
}
