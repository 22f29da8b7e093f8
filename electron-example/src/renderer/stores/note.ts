import { defineStore } from 'pinia';
import { ref } from 'vue';

/**
 * What the person is writing. It lives outside the account page, so it survives an expired session,
 * and it belongs to one person, so the next one to sign in here does not see it.
 */
export const useNoteStore = defineStore('note', () => {
  const text = ref('');
  let ownerId: string | null = null;

  function openFor(userId: string): void {
    if (ownerId !== null && ownerId !== userId) text.value = '';
    ownerId = userId;
  }

  function clear(): void {
    text.value = '';
    ownerId = null;
  }

  return { text, openFor, clear };
});
