import { computed, onActivated, type Ref, ref, type ShallowRef, shallowRef } from 'vue';
import { type DescribedError, describeError } from './errors';

export interface Loaded<T> {
  /** Null before the first answer; kept while it is asked for again, and when that fails. */
  value: ShallowRef<T | null>;
  failure: ShallowRef<DescribedError | null>;
  loading: Ref<boolean>;
  /** Whether there is nothing to show yet, and the place has to be kept. */
  first: Ref<boolean>;
  reload: () => Promise<void>;
}

/** Something that main or the server is asked for whenever its section is shown. Never rejects. */
export function useLoaded<T>(load: () => Promise<T>): Loaded<T> {
  const value = shallowRef<T | null>(null);
  const failure = shallowRef<DescribedError | null>(null);
  const loading = ref(false);
  let newest = 0;

  async function reload(): Promise<void> {
    newest += 1;
    const number = newest;
    loading.value = true;
    try {
      const loaded = await load();
      if (number === newest) {
        value.value = loaded;
        failure.value = null;
      }
    } catch (error) {
      if (number === newest) failure.value = describeError(error);
    } finally {
      if (number === newest) loading.value = false;
    }
  }

  onActivated(reload);
  return { value, failure, loading, first: computed(() => value.value === null && !failure.value), reload };
}
