// Compiled by types.test.mjs, never run: `electron-latchkey/renderer`, `/vue` and `/pinia` as a page meets them.
import type { ErrorCode as AddonErrorCode } from 'electron-latchkey';
import { useAuthStore } from 'electron-latchkey/pinia';
import {
  type AuthBroker,
  AuthError,
  type AuthSnapshot,
  type AuthState,
  type AuthView,
  type BridgeErrorCode,
  connectAuth,
  createAuthFetch,
  createAuthStore,
  type ErrorCode,
  type PendingSignIn,
  type Result,
  reverificationOf,
  type SignInRequest,
  type User,
} from 'electron-latchkey/renderer';
import { useAuth } from 'electron-latchkey/vue';
import { type Equal, is, never } from './equal.js';

// The codes of the bridge and of the addon are one union, which is closed.
is<Equal<ErrorCode, AddonErrorCode | BridgeErrorCode>>();
is<Equal<string extends ErrorCode ? true : false, false>>();
/** Every code of the bridge's own has its words: a new one does not compile before it has them. */
const WORDS = {
  ERR_SENDER_NOT_ALLOWED: '',
  ERR_INVALID_ARGUMENT: '',
  ERR_ADDON_NOT_LOADED: '',
  ERR_ABORTED: '',
  ERR_UNLOCK_REFUSED: '',
  ERR_AWAITING_RESTART: '',
  ERR_BROWSER_NOT_OPENED: '',
  ERR_NO_BROKER: '',
  ERR_SCHEMA_VIOLATION: '',
  ERR_MIGRATION_FAILED: '',
  ERR_TOO_MANY_CALLS: '',
  ERR_INTERNAL: '',
} satisfies Record<BridgeErrorCode, string>;
// @ts-expect-error: no such code
const wrong: ErrorCode = 'ERR_NO_SUCH_THING';
function told(error: unknown): ErrorCode | null {
  return error instanceof AuthError ? error.code : null;
}

// Results: what is there is told by `ok`.
function read(result: Result<User>): string {
  if (result.ok) return result.value.id;
  // @ts-expect-error: a failure has no value
  result.value;
  const code: ErrorCode = result.code;
  return `${code} ${result.message}`;
}

// Ways of signing in are told apart by `method`, and each has its own fields.
const requests: SignInRequest[] = [
  { method: 'password', email: 'a@example.com', password: 'p', rememberMe: false },
  { method: 'password', username: 'ada', password: 'p' },
  { method: 'browser', connection: 'google', maxAgeS: 300 },
  { method: 'device' },
  { method: 'code', email: 'a@example.com' },
  { method: 'custom' },
  { method: 'stepUp', level: 'second_factor' },
];
// @ts-expect-error: a password is needed
requests.push({ method: 'password', email: 'a@example.com' });
// @ts-expect-error: tokens never come from a page
requests.push({ method: 'tokens', accessToken: 'a' });
// @ts-expect-error: how the browser comes back is not the page's to say
requests.push({ method: 'browser', redirect: 'loopback' });
// @ts-expect-error: a device shows a code, it takes no address
requests.push({ method: 'device', email: 'a@example.com' });

async function client(): Promise<void> {
  const auth = connectAuth();
  const result = await auth.signIn(requests[0] as SignInRequest);
  if (result.status === 'complete') {
    is<Equal<typeof result.user, User>>();
    // @ts-expect-error: nothing waits
    result.browserOpened;
  } else {
    is<Equal<typeof result.signIn, PendingSignIn>>();
    // @ts-expect-error: the address that the browser was opened with stays in main
    result.signIn.url;
  }
  const snapshot = await auth.snapshot();
  is<Equal<typeof snapshot, AuthSnapshot>>();
  // @ts-expect-error: no token comes to a page
  snapshot.accessToken;
  const stop: () => void = auth.onChange(({ state }) => where(state));
  stop();
  await auth.submitCode('id', { strategy: 'totp', code: '123456', trustDevice: true });
  // @ts-expect-error: which factor it is of must be said
  await auth.submitCode('id', { code: '123456' });
  await auth.refresh({ retryUnanswered: true });
  const standard: typeof fetch = createAuthFetch();
  const needs = reverificationOf(await (await standard('https://api.example.com')).json());
  void needs?.level;
}

/** Every state has its screen: a new one does not compile before it has one. */
function where(state: AuthState): string {
  switch (state) {
    case 'opening':
    case 'unavailable':
    case 'signedOut':
    case 'restoring':
    case 'signingIn':
    case 'active':
    case 'offline':
    case 'expired':
    case 'locked':
      return state;
    default:
      return never(state);
  }
}

// The broker is what a page's test puts in its place: it may be written by hand.
const part: Pick<AuthBroker, 'lock'> = { lock: async () => ({ ok: true, value: null }) };
// @ts-expect-error: calls of the broker never reject, they answer
const other: Pick<AuthBroker, 'lock'> = { lock: async () => null };

// The store that no framework is needed for fits Svelte's contract and React's.
const store = createAuthStore();
const react: [(changed: () => void) => () => void, () => AuthView] = [store.subscribe, store.get];
const svelte: { subscribe(run: (view: AuthView) => void): () => void } = store;
const { isAuthenticated, pending, pendingSignIn } = store.get();
is<Equal<typeof isAuthenticated, boolean>>();
is<Equal<typeof pendingSignIn, PendingSignIn | null>>();
// @ts-expect-error: only main changes it
store.get().isAuthenticated = true;
// @ts-expect-error: no token is in it
store.get().token;

// Vue: refs that are only read. Pinia: the same, unwrapped.
function useBoth(): unknown[] {
  const vue = useAuth();
  is<Equal<(typeof vue.user)['value'], User | null>>();
  const asked: boolean = vue.pending.value.signIn;
  // @ts-expect-error: only main changes it
  vue.state.value = 'active';
  const pinia = useAuthStore();
  is<Equal<typeof pinia.user, User | null>>();
  is<Equal<typeof pinia.state, AuthState>>();
  const renewed: Promise<void> = pinia.refreshSession({ retryUnanswered: true });
  // @ts-expect-error: no action is called so
  pinia.login();
  return [asked, renewed];
}

void [WORDS, wrong, told, read, client, part, other, react, svelte, pending, useBoth];
