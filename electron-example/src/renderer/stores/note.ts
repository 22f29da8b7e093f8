import { defineStore } from 'pinia';
import { computed, reactive, ref } from 'vue';

/**
 * What the person is writing. It lives outside the account page, so it survives an expired session. Each person has a note
 * of their own: another account at the front shows another, and whoever signs out takes theirs along.
 */
export const useNoteStore = defineStore('note', () => {
  const notes = reactive(new Map<string, string>());
  const ownerId = ref<string | null>(null);

  const text = computed({
    get: () => (ownerId.value === null ? '' : (notes.get(ownerId.value) ?? '')),
    set: (written) => {
      if (ownerId.value !== null) notes.set(ownerId.value, written);
    },
  });

  function openFor(userId: string): void {
    ownerId.value = userId;
  }

  /** Puts the note aside, for an account that is still signed in. */
  function close(): void {
    ownerId.value = null;
  }

  /** Throws away the note of whoever has left. */
  function clear(): void {
    if (ownerId.value !== null) notes.delete(ownerId.value);
    ownerId.value = null;
  }

  return { text, openFor, close, clear };
});
