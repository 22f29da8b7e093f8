import { defineStore } from 'pinia';
import { ref, watch } from 'vue';
import { nextScreen, type Screen } from '../screen';
import { useAuthStore } from './auth';

/** Which screen is shown. */
export const useScreenStore = defineStore('screen', () => {
  const auth = useAuthStore();
  const screen = ref<Screen>('splash');
  // At once and for each snapshot: which screen is next depends on the one before, so none may be left out.
  watch(
    () => auth.snapshot,
    (snapshot) => {
      screen.value = nextScreen(screen.value, snapshot, auth.pending.retry);
    },
    { immediate: true, flush: 'sync' },
  );
  return { screen };
});
