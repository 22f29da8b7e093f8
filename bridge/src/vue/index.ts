/** `electron-latchkey/vue`: the session in a Vue app that has no Pinia. */
import { type AuthActions, type AuthStore, createAuthStore } from '../renderer/auth-store.js';
import { type AuthRefs, actionsOf, mirror } from './mirror.js';

export type { AuthActions, AuthStore } from '../renderer/auth-store.js';
export type { AuthView, PendingCalls } from '../renderer/auth-view.js';
export type { AuthRefs } from './mirror.js';

/** The session as refs that only main changes, and what the page can do with it. */
export interface UseAuth extends AuthRefs, AuthActions {}

const used = new WeakMap<AuthStore, UseAuth>();
let storeOfPage: AuthStore | undefined;

/**
 * The session for a component; every one gets the same refs. Call its `initializeAuth()` once, before the app is mounted, so
 * that the first thing painted is the account of who is signed in.
 *
 * `store` defaults to one for the whole page, over `window.auth`.
 */
export function useAuth(store: AuthStore = pageStore()): UseAuth {
  const known = used.get(store);
  if (known !== undefined) return known;
  const { view, ...refs } = mirror(store);
  const made = { ...refs, ...actionsOf(store) };
  used.set(store, made);
  return made;
}

function pageStore(): AuthStore {
  storeOfPage ??= createAuthStore();
  return storeOfPage;
}
