import { BridgeError } from './failure.js';
import type { Lifecycle } from './lifecycle.js';

/** Locks and unlocks the session at the front. */
export class Locks {
  /** Counts the calls of {@link lock}, so that one made while the person is asked wins over the answer. */
  #locks = 0;
  #asking: Promise<void> | null = null;

  constructor(
    private readonly lifecycle: Lifecycle,
    private readonly confirm: (() => Promise<boolean>) | undefined,
  ) {}

  async lock(): Promise<void> {
    this.#locks += 1;
    const { session } = await this.lifecycle.opened();
    await session.lock();
    this.lifecycle.snapshot();
  }

  async unlock(): Promise<void> {
    const { session } = await this.lifecycle.opened();
    await session.unlock();
    this.lifecycle.snapshot();
  }

  /** Unlocks after the app has asked the person. Requests that come meanwhile share the one question. */
  request(): Promise<void> {
    this.#asking ??= this.#ask().finally(() => {
      this.#asking = null;
    });
    return this.#asking;
  }

  async #ask(): Promise<void> {
    const asked = await this.lifecycle.opened();
    if (this.lifecycle.snapshot().state !== 'locked') return;
    const locks = this.#locks;
    if (!(await this.#confirmed())) {
      throw new BridgeError('ERR_UNLOCK_REFUSED', 'The session stays locked: nobody confirmed to unlock it.');
    }
    this.lifecycle.expectCurrent(asked);
    if (locks !== this.#locks) {
      throw new BridgeError('ERR_SUPERSEDED', 'The session was locked again meanwhile. Unlock it once more.');
    }
    await this.unlock();
  }

  // The system's prompts reject when the person cancels.
  async #confirmed(): Promise<boolean> {
    try {
      return (await this.confirm?.()) === true;
    } catch {
      return false;
    }
  }
}
