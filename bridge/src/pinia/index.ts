/** `electron-latchkey/pinia`: the session as a Pinia store. */
import { defineStore } from 'pinia';
import { onScopeDispose } from 'vue';
import { type AuthActions, createAuthStore } from '../renderer/auth-store.js';
import { actionsOf, type Mirror, mirror } from '../vue/mirror.js';

export type { AuthActions } from '../renderer/auth-store.js';
export type { AuthView, PendingCalls } from '../renderer/auth-view.js';

/**
 * The store `auth`: its state is the view, its getters the view's fields, its actions the calls. Call its
 * `initializeAuth()` once, before the app is mounted, so that the first thing painted is the account of who is signed in.
 *
 * The session is decided in main. What is written into the state here changes nothing but what this page shows.
 */
export const useAuthStore = defineStore('auth', (): Mirror & AuthActions => {
  const store = createAuthStore();
  onScopeDispose(() => store.dispose());
  return { ...mirror(store), ...actionsOf(store) };
});
