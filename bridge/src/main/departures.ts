import type { AuthSnapshot } from '../protocol.js';

/** Runs the app's hook whenever the person who was here has left: one run after the other, none twice for one person. */
export class Departures {
  /** Whose session was here last, as account and user; null when nobody's. */
  #person: string | null = null;
  #pending = 0;
  #runs: Promise<void> = Promise.resolve();

  constructor(
    private readonly hook: (() => Promise<void>) | undefined,
    private readonly done: () => void,
  ) {}

  /** Whether the app still resets what it held for somebody. */
  get pending(): boolean {
    return this.#pending > 0;
  }

  /** Takes in the next snapshot. */
  see({ state, reason, account, user }: AuthSnapshot): void {
    switch (state) {
      case 'restoring':
      case 'active':
      case 'offline':
      case 'locked':
        this.#follow(user === null ? null : JSON.stringify([account, user.id]));
        break;
      case 'signedOut':
        this.#follow(null);
        break;
      case 'expired':
        // A session that the server ended keeps the person's work, so nobody has left. The app's own limit is its wish.
        if (reason === 'lifetime') this.#follow(null);
        break;
    }
  }

  #follow(person: string | null): void {
    const before = this.#person;
    this.#person = person;
    if (before === null || before === person || this.hook === undefined) return;
    this.#pending += 1;
    // A hook that fails leaves its run pending, and its error is reported as an unhandled rejection.
    this.#runs = this.#runs.then(this.hook).then(() => {
      this.#pending -= 1;
      this.done();
    });
  }
}
