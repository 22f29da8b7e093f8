import { AuthError } from 'electron-latchkey/renderer';
import { defineStore } from 'pinia';
import { computed, ref, shallowRef } from 'vue';
import type { ProviderId, ProviderInfo, ProviderList } from '../../shared/providers';

/** What a page shows before main has answered, or when it does not: nothing that a provider might not have. */
const UNKNOWN: ProviderInfo = {
  id: 'better-auth',
  ways: [],
  connections: [],
  trustsDevices: false,
  apiUrl: null,
};

/** The providers that main was set up with, and the one that is in use. */
export const useProvidersStore = defineStore('providers', () => {
  const list = shallowRef<ProviderList | null>(null);
  const switching = ref(false);

  const all = computed(() => list.value?.all ?? []);
  const current = computed(() => all.value.find(({ id }) => id === list.value?.chosen) ?? UNKNOWN);

  /** Asks main, once. Never rejects: without an answer no way of signing in is offered. */
  async function load(): Promise<void> {
    const answer = await window.latchkeyExample.providers().catch(() => null);
    if (answer?.ok) list.value = answer.value;
  }

  /** Goes on with another one. This page is loaded anew then; until that it is `switching`. */
  async function choose(id: ProviderId): Promise<void> {
    switching.value = true;
    const answer = await window.latchkeyExample.chooseProvider(id);
    if (answer.ok) return;
    switching.value = false;
    throw new AuthError(answer);
  }

  /** Whether it is the server of this example, with an account to look around with. */
  const isDemo = computed(() => current.value.id === 'better-auth');

  return { all, current, isDemo, switching, load, choose };
});
