import { onScopeDispose, type Ref, ref, watch } from 'vue';

/** Whether `source` has been true for a while: for what should not flash up when it is over at once. */
export function useLasting(source: () => boolean, forMs = 500): Readonly<Ref<boolean>> {
  const lasting = ref(false);
  let timer: ReturnType<typeof setTimeout> | undefined;
  watch(
    source,
    (isTrue) => {
      clearTimeout(timer);
      lasting.value = false;
      if (isTrue) {
        timer = setTimeout(() => {
          lasting.value = true;
        }, forMs);
      }
    },
    { immediate: true },
  );
  onScopeDispose(() => clearTimeout(timer));
  return lasting;
}
