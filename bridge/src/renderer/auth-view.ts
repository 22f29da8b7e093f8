import type { AuthSnapshot, AuthState, PendingSignIn, Problem, User } from '../protocol.js';

/** The session as a page shows it. A new object at each change, and the same one in between. */
export interface AuthView {
  /** What main said last. */
  readonly snapshot: AuthSnapshot;
  readonly state: AuthState;
  /** Whose page it is: the snapshot's user, kept while somebody signs in again over an expired page. */
  readonly user: User | null;
  /** Why the vault could not be opened; kept while it is opened once more. */
  readonly problem: Problem | null;
  /** The newest of the sign-ins that are under way, also of one from before a reload or a restart. */
  readonly pendingSignIn: PendingSignIn | null;
  readonly pending: PendingCalls;
  /**
   * Whether somebody is signed in, as far as is known here: `active`, `offline`, `locked`, or `restoring` with a user.
   * False while `expired`, where {@link AuthView.user} still says whose work is on the page.
   */
  readonly isAuthenticated: boolean;
}

/** Which calls of this page are under way. */
export interface PendingCalls {
  /** Signing in or up, and handing in a code. */
  readonly signIn: boolean;
  readonly refresh: boolean;
  readonly signOut: boolean;
  readonly lock: boolean;
  readonly unlock: boolean;
  readonly retry: boolean;
  /** Switching the account or the organization. */
  readonly switch: boolean;
}

const NOTHING_PENDING: PendingCalls = {
  signIn: false,
  refresh: false,
  signOut: false,
  lock: false,
  unlock: false,
  retry: false,
  switch: false,
};

/** Before main has answered: neither a sign-in form nor an account may be shown yet. */
const BEFORE_FIRST_SNAPSHOT: AuthSnapshot = {
  state: 'opening',
  reason: 'start',
  user: null,
  account: null,
  expiresAtMs: null,
  revocationsOwed: 0,
  retryAtMs: null,
  revision: -1,
  awaitingRestart: false,
  problem: null,
  signIns: [],
  signInProblem: null,
  protection: null,
};

export const FIRST_VIEW: AuthView = {
  snapshot: BEFORE_FIRST_SNAPSHOT,
  state: 'opening',
  user: null,
  problem: null,
  pendingSignIn: null,
  pending: NOTHING_PENDING,
  isAuthenticated: false,
};

/** The view after a snapshot. One that is older than what is shown changes nothing. */
export function viewAfter(view: AuthView, next: AuthSnapshot): AuthView {
  // Answers and events travel separately, so an older one can arrive last; and each snapshot comes both ways.
  const { revision } = view.snapshot;
  if (next.revision < revision || (next.revision === revision && isSame(next, view.snapshot))) return view;
  const { state } = next;
  return {
    snapshot: next,
    state,
    user: next.user ?? (state === 'signingIn' ? view.user : null),
    problem: next.problem ?? (state === 'opening' ? view.problem : null),
    pendingSignIn: next.signIns.at(-1) ?? null,
    pending: view.pending,
    isAuthenticated: isAuthenticated(next),
  };
}

/** The view while a call is under way, or is so no more. */
export function viewWhile(view: AuthView, call: keyof PendingCalls, isPending: boolean): AuthView {
  if (view.pending[call] === isPending) return view;
  return { ...view, pending: { ...view.pending, [call]: isPending } };
}

function isAuthenticated({ state, user }: AuthSnapshot): boolean {
  return (
    state === 'active' ||
    state === 'offline' ||
    state === 'locked' ||
    (state === 'restoring' && user !== null)
  );
}

function isSame(one: AuthSnapshot, other: AuthSnapshot): boolean {
  return one === other || JSON.stringify(one) === JSON.stringify(other);
}
