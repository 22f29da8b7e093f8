import { type ComputedRef, computed, effectScope, type ShallowRef, shallowRef } from 'vue';
import type { AuthActions, AuthStore } from '../renderer/auth-store.js';
import type { AuthView } from '../renderer/auth-view.js';

/** The fields of an {@link AuthView}, each a ref that only main changes. */
export interface AuthRefs {
  snapshot: ComputedRef<AuthView['snapshot']>;
  state: ComputedRef<AuthView['state']>;
  user: ComputedRef<AuthView['user']>;
  problem: ComputedRef<AuthView['problem']>;
  pendingSignIn: ComputedRef<AuthView['pendingSignIn']>;
  pending: ComputedRef<AuthView['pending']>;
  isAuthenticated: ComputedRef<AuthView['isAuthenticated']>;
}

export interface Mirror extends AuthRefs {
  view: ShallowRef<AuthView>;
}

/** Refs that follow a store. They live as long as it does, whichever component made them. */
export function mirror(store: AuthStore): Mirror {
  const view = shallowRef(store.get());
  store.subscribe((next) => {
    view.value = next;
  });
  const field = <K extends keyof AuthView>(name: K): ComputedRef<AuthView[K]> =>
    computed(() => view.value[name]);
  const refs = () => ({
    view,
    snapshot: field('snapshot'),
    state: field('state'),
    user: field('user'),
    problem: field('problem'),
    pendingSignIn: field('pendingSignIn'),
    pending: field('pending'),
    isAuthenticated: field('isAuthenticated'),
  });
  return effectScope(true).run(refs) as Mirror;
}

/** What a store can do, without how it is read. */
export function actionsOf(store: AuthStore): AuthActions {
  const { get, subscribe, dispose, ...actions } = store;
  return actions;
}
