import { TooManyCalls } from './call-limits.js';

/** A page that loads many things at once has some dozens of requests under way; browsers queue from 6 to a server. */
const MOST_CALLS = 256;
/** What these may hold in memory: four bodies of the largest size. */
const MOST_BYTES = 64 * 1024 * 1024;

interface Load {
  calls: number;
  bytes: number;
}

/** What each page has under way, bounded, so that one page cannot use up main's memory. */
export class CallsUnderWay {
  readonly #loads = new WeakMap<object, Load>();

  /** Runs a call. Rejects with `ERR_TOO_MANY_CALLS`, without running it, when the sender has too many under way. */
  run<T>(sender: object, call: () => Promise<T>): Promise<T> {
    return this.#during(sender, { calls: 1, bytes: 0 }, call);
  }

  /** Runs the part of a call that holds so many bytes. */
  holding<T>(sender: object, bytes: number, call: () => Promise<T>): Promise<T> {
    return this.#during(sender, { calls: 0, bytes }, call);
  }

  async #during<T>(sender: object, more: Load, call: () => Promise<T>): Promise<T> {
    const load = this.#loads.get(sender) ?? { calls: 0, bytes: 0 };
    this.#loads.set(sender, load);
    if (load.calls + more.calls > MOST_CALLS || load.bytes + more.bytes > MOST_BYTES) {
      throw new TooManyCalls('Wait until some of what is under way has ended.');
    }
    load.calls += more.calls;
    load.bytes += more.bytes;
    try {
      return await call();
    } finally {
      load.calls -= more.calls;
      load.bytes -= more.bytes;
    }
  }
}
