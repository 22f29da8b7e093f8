import {
  type AuthClient,
  AuthError,
  type AuthSnapshot,
  connectAuth,
  type RefreshOptions,
  type User,
} from 'electron-latchkey/renderer';
import { defineStore } from 'pinia';
import { computed, ref, shallowRef } from 'vue';
import { codeOf, isErrorCode } from '../errors';
import { nextScreen, type Screen } from '../screen';

const BEFORE_FIRST_SNAPSHOT: AuthSnapshot = {
  state: 'opening',
  reason: 'start',
  user: null,
  account: null,
  expiresAtMs: null,
  retryAtMs: null,
  revision: -1,
  awaitingRestart: false,
  problem: null,
  signIns: [],
  signInProblem: null,
  protection: null,
};

/**
 * The session as this window shows it. All of it is decided in the main process; the store mirrors its
 * snapshots and never guesses ahead of them. No token is ever here.
 */
export const useAuthStore = defineStore('auth', () => {
  const snapshot = shallowRef<AuthSnapshot>(BEFORE_FIRST_SNAPSHOT);
  const screen = ref<Screen>('splash');
  /** Who the page belongs to while a sign-in over it runs, when the snapshot names nobody. */
  const keptUser = shallowRef<User | null>(null);

  const signInPending = ref(false);
  const refreshPending = ref(false);
  const signOutPending = ref(false);
  const lockPending = ref(false);
  const unlockPending = ref(false);
  const retryPending = ref(false);

  const state = computed(() => snapshot.value.state);
  const problem = shallowRef<AuthSnapshot['problem']>(null);
  const user = computed(() => snapshot.value.user ?? (state.value === 'signingIn' ? keptUser.value : null));

  /** The sign-in in the browser that is under way, also one from before a reload or a restart. */
  const browserSignIn = computed(
    () => snapshot.value.signIns.find(({ awaits }) => awaits === 'browser') ?? null,
  );

  let client: AuthClient | undefined;
  let starting: Promise<void> | undefined;

  /** Connects to the main process and takes the first snapshot. Never rejects: a failure becomes `unavailable`. */
  function initializeAuth(): Promise<void> {
    starting ??= start();
    return starting;
  }

  async function start(): Promise<void> {
    try {
      client = connectAuth();
      // Listening comes first, so that no change falls between the snapshot and the subscription.
      client.onChange(apply);
      apply(await client.snapshot());
    } catch (error) {
      showBroken(error);
    }
  }

  /** Throws an AuthError with a code when the sign-in did not succeed. */
  async function signIn(email: string, password: string): Promise<void> {
    await whilePending(signInPending, async () => {
      const result = await connected().signIn({ method: 'password', email: email.trim(), password });
      await catchUp();
      if (result.status === 'pending') await giveUp(result.signIn.id);
    });
  }

  /** This app has no page yet to ask for a second factor. */
  async function giveUp(id: string): Promise<never> {
    await connected().cancelSignIn(id);
    await catchUp();
    throw new AuthError({
      code: 'ERR_SECOND_FACTOR_REQUIRED',
      message: 'This account asks for a second factor.',
    });
  }

  /** Sends the person to the browser. What comes of it is in the snapshots: the account, or `signInProblem`. */
  async function signInWithBrowser(): Promise<void> {
    await connected().signIn({ method: 'browser' });
    await catchUp();
  }

  async function openBrowserAgain(): Promise<void> {
    if (browserSignIn.value) await connected().openSignIn(browserSignIn.value.id);
  }

  async function copySignInLink(): Promise<void> {
    if (browserSignIn.value) await connected().copySignInLink(browserSignIn.value.id);
  }

  async function cancelBrowserSignIn(): Promise<void> {
    if (browserSignIn.value) await connected().cancelSignIn(browserSignIn.value.id);
    await catchUp();
  }

  /** Takes the address that the person copied in the browser, because it did not find back by itself. */
  async function submitCallback(pasted: string): Promise<void> {
    if (!browserSignIn.value) return;
    await connected().submitCode(browserSignIn.value.id, { strategy: 'callback', code: pasted });
    await catchUp();
  }

  /** Creates the account and signs in. Throws an AuthError with a code when it did not succeed. */
  async function signUp(name: string, email: string, password: string): Promise<void> {
    await whilePending(signInPending, async () => {
      await connected().signUp({ name: name.trim(), email: email.trim(), password });
      await catchUp();
    });
  }

  /**
   * Asks the provider now. Resolves in every state the answer can lead to, offline and expired included;
   * throws an AuthError only when the question itself could not be put. `retryUnanswered` is the person's own wish, see
   * UnansweredNotice.
   */
  async function refreshSession(options?: RefreshOptions): Promise<void> {
    await whilePending(refreshPending, async () => apply(await connected().refresh(options)));
  }

  /**
   * To be called when an API answered that the session is over. One 401 is not proof, so the provider is asked;
   * only its word turns the page to `expired`, and even then the person's work stays.
   */
  async function handleAuthExpired(): Promise<void> {
    if (state.value === 'expired' || state.value === 'signedOut') return;
    try {
      await refreshSession();
    } catch (error) {
      // The state did not change: the caller shows its own failure, and the next call asks again.
      if (codeOf(error) === null) throw error;
    }
  }

  /** Forgets the session here at once; the server is told if it can be reached. */
  async function signOut(): Promise<void> {
    await whilePending(signOutPending, async () => {
      await connected().signOut();
      await catchUp();
    });
  }

  /** Locks the session for every window, until somebody unlocks it. */
  async function lock(): Promise<void> {
    await whilePending(lockPending, async () => {
      await connected().lock();
      await catchUp();
    });
  }

  /** Asks the main process to unlock, which asks the person. Throws an AuthError with a code when it stays locked. */
  async function unlock(): Promise<void> {
    await whilePending(unlockPending, async () => {
      await connected().unlock();
      await catchUp();
    });
  }

  /** Opens the vault once more after it was unavailable. The result is in `state`; it never rejects. */
  async function retryOpening(): Promise<void> {
    await whilePending(retryPending, async () => {
      try {
        if (client) apply(await client.retry());
        else await start();
      } catch (error) {
        showBroken(error);
      }
    });
  }

  function apply(next: AuthSnapshot): void {
    // Answers and events travel separately, so an older one can arrive last.
    if (next.revision < snapshot.value.revision) return;
    snapshot.value = next;
    if (next.user) keptUser.value = next.user;
    if (next.state === 'signedOut') keptUser.value = null;
    if (next.problem) problem.value = next.problem;
    else if (next.state !== 'opening') problem.value = null;
    screen.value = nextScreen(screen.value, next, retryPending.value);
  }

  /** The answer of a call may overtake the event it caused. */
  async function catchUp(): Promise<void> {
    apply(await connected().snapshot());
  }

  function connected(): AuthClient {
    if (!client) throw new TypeError('initializeAuth() must finish before the store is used.');
    return client;
  }

  /** The bridge itself does not answer: no preload, or this window is not let in. */
  function showBroken(error: unknown): void {
    const message = error instanceof Error ? error.message : String(error);
    const known = codeOf(error) ?? '';
    const code = isErrorCode(known) ? known : 'ERR_INTERNAL';
    apply({
      ...snapshot.value,
      state: 'unavailable',
      reason: 'start',
      user: null,
      problem: { code, message },
    });
  }

  return {
    snapshot,
    state,
    screen,
    user,
    problem,
    browserSignIn,
    signInPending,
    refreshPending,
    signOutPending,
    lockPending,
    unlockPending,
    retryPending,
    initializeAuth,
    signIn,
    signInWithBrowser,
    openBrowserAgain,
    copySignInLink,
    cancelBrowserSignIn,
    submitCallback,
    signUp,
    refreshSession,
    handleAuthExpired,
    signOut,
    lock,
    unlock,
    retryOpening,
  };
});

async function whilePending(flag: { value: boolean }, work: () => Promise<void>): Promise<void> {
  flag.value = true;
  try {
    await work();
  } finally {
    flag.value = false;
  }
}
