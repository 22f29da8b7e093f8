import type { SignInRequest } from 'electron-latchkey/renderer';
import { defineStore } from 'pinia';
import { computed, ref, watch } from 'vue';
import { type DescribedError, describeError } from '../errors';
import { useAuthStore } from './auth';

/** What the person chose to sign in with, while nothing waits for them. */
export type SignInForm = 'signIn' | 'signUp' | 'codeRequest';

/** What the sign-in screen asks for now. */
export type SignInStep = SignInForm | 'browser' | 'device' | 'challenge';

const STEP_OF = { browser: 'browser', device: 'device', code: 'challenge' } as const;

/** Where a person is in signing in. What waits for them is main's to say: it is there again after a reload or a restart. */
export const useSignInStore = defineStore('sign-in', () => {
  const auth = useAuthStore();
  const form = ref<SignInForm>('signIn');
  /** Why the last thing that was tried here failed; null once something else is tried. */
  const failure = ref<DescribedError | null>(null);

  const waiting = computed(() => auth.pendingSignIn);
  const step = computed<SignInStep>(() => (waiting.value ? STEP_OF[waiting.value.awaits] : form.value));
  const busy = computed(() => auth.pending.signIn || (auth.state === 'signingIn' && waiting.value === null));

  /** What there is to say: of this page's last try, or of a sign-in that failed while no page waited for it. */
  const problem = computed<DescribedError | null>(
    () => failure.value ?? (auth.snapshot.signInProblem && describeError(auth.snapshot.signInProblem)),
  );

  /** Runs something that can fail in words. Answers whether it did not. */
  async function attempt(work: () => Promise<unknown>): Promise<boolean> {
    failure.value = null;
    try {
      await work();
      return true;
    } catch (error) {
      failure.value = describeError(error);
      return false;
    }
  }

  /** Begins a sign-in. Waits first while the app clears up after the last person, when main would refuse it. */
  async function begin(request: SignInRequest): Promise<void> {
    await cleared();
    const result = await auth.signIn(request);
    if (result.status === 'pending' && result.signIn.awaits === 'browser' && !result.browserOpened)
      failure.value = describeError({ code: 'ERR_BROWSER_NOT_OPENED' });
  }

  async function signUp(account: { name: string; email: string; password: string }): Promise<void> {
    await cleared();
    await auth.signUp(account);
  }

  async function cancel(): Promise<void> {
    const { value } = waiting;
    if (value) await attempt(() => auth.cancelSignIn(value.id));
  }

  function show(next: SignInForm): void {
    form.value = next;
    failure.value = null;
  }

  function cleared(): Promise<void> {
    if (!auth.snapshot.awaitingRestart) return Promise.resolve();
    return new Promise((resolve) => {
      const stop = watch(
        () => auth.snapshot.awaitingRestart,
        (isAwaiting) => {
          if (isAwaiting) return;
          stop();
          resolve();
        },
      );
    });
  }

  return { form, waiting, step, busy, problem, failure, attempt, begin, signUp, cancel, show };
});
