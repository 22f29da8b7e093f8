import type { PendingSignIn as AddonPendingSignIn, AuthSession } from 'electron-latchkey';
import type { PendingSignIn, SignInProblem } from '../protocol.js';
import { toFailure } from './failure.js';

/** Endings that somebody wished for, or that are not the sign-in's. */
const NO_PROBLEM = new Set([
  'ERR_SIGN_IN_CANCELLED',
  'ERR_SIGN_IN_NOT_FOUND',
  'ERR_SESSION_CLOSED',
  'ERR_SUPERSEDED',
]);

/**
 * The sign-ins of a session that are under way. It waits for each, so that their end is told also when no page waits: a
 * browser may come back to an app that was started for it.
 */
export class PendingSignIns {
  #list: PendingSignIn[] = [];
  #problem: SignInProblem | null = null;
  #reads = 0;
  readonly #awaited = new Set<string>();

  constructor(
    private readonly session: AuthSession,
    private readonly changed: () => void,
  ) {}

  /** As they were read last. */
  get list(): PendingSignIn[] {
    return this.#list;
  }

  /** Why the last one failed, until the next begins. */
  get problem(): SignInProblem | null {
    return this.#problem;
  }

  /** Reads them anew from the vault, and tells what has changed. Never rejects: what cannot be read stays as it was. */
  async read(): Promise<void> {
    this.#reads += 1;
    const read = this.#reads;
    const signIns = await this.session.pendingSignIns().catch(() => null);
    if (signIns === null || read !== this.#reads) return; // a later reading knows better
    this.#list = signIns.map(copyPending);
    for (const { id } of signIns) this.#await(id);
    this.changed();
  }

  /** Somebody has come or gone. Every other sign-in is over then, and what failed before is of no interest any more. */
  forget(): void {
    this.#list = [];
    this.#problem = null;
  }

  #await(id: string): void {
    if (this.#awaited.has(id)) return;
    this.#awaited.add(id);
    this.#problem = null;
    this.session
      .waitForSignIn(id)
      .catch((error: unknown) => {
        const { code, message } = toFailure(error);
        if (!NO_PROBLEM.has(code)) this.#problem = { id, code, message };
      })
      .finally(() => {
        this.#awaited.delete(id);
        void this.read();
      });
  }
}

/** Field by field: the address that the browser was opened with stays here. */
export function copyPending(signIn: AddonPendingSignIn): PendingSignIn {
  const { id, awaits, expiresAtMs, userCode, verificationUri, verificationUriComplete, factors } = signIn;
  return {
    id,
    awaits,
    expiresAtMs,
    userCode: userCode ?? null,
    verificationUri: verificationUri ?? null,
    verificationUriComplete: verificationUriComplete ?? null,
    factors: (factors ?? []).map(({ strategy, hint, sent, first }) => ({
      strategy,
      hint: hint ?? null,
      sent,
      first,
    })),
  };
}
