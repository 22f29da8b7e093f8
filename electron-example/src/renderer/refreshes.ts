import type { Refresh } from 'electron-latchkey/renderer';
import { onActivated, onScopeDispose, type ShallowRef, shallowRef, watch } from 'vue';
import { type DescribedError, describeError } from './errors';
import { useAuthStore } from './stores/auth';

/** Often enough to see callers come, and no load. */
const ASK_EVERY_MS = 200;

/** As many as main keeps. */
const KEPT = 50;

/** The refreshes of this run of the app, oldest first, as they happen. */
export function useRefreshes(): {
  refreshes: ShallowRef<readonly Refresh[]>;
  failure: ShallowRef<DescribedError | null>;
} {
  const auth = useAuthStore();
  const refreshes = shallowRef<readonly Refresh[]>([]);
  const failure = shallowRef<DescribedError | null>(null);

  const take = (news: readonly Refresh[]) => {
    refreshes.value = merged(refreshes.value, news);
  };

  async function load(): Promise<void> {
    try {
      take(await auth.refreshes());
      failure.value = null;
    } catch (error) {
      failure.value = describeError(error);
    }
  }

  // Listening comes first, so that none falls between the list and the events.
  onScopeDispose(auth.onRefresh((refresh) => take([refresh])));
  onActivated(load);
  watch(
    () => auth.snapshot.account,
    () => {
      refreshes.value = [];
      return load();
    },
  );

  // An event tells of a refresh's beginning and end. Who has come to wait in between is asked for while it runs.
  let asking: ReturnType<typeof setInterval> | undefined;
  watch(
    () => refreshes.value.some(({ endedAtMs }) => endedAtMs === null),
    (isRunning) => {
      clearInterval(asking);
      if (isRunning) asking = setInterval(() => auth.refreshes().then(take, () => undefined), ASK_EVERY_MS);
    },
  );
  onScopeDispose(() => clearInterval(asking));
  return { refreshes, failure };
}

/** Both lists as one, by number. Of two that tell of the same refresh, the one that knows more counts. */
export function merged(known: readonly Refresh[], news: readonly Refresh[]): readonly Refresh[] {
  const byNumber = new Map(known.map((refresh) => [refresh.number, refresh]));
  for (const refresh of news) {
    const before = byNumber.get(refresh.number);
    if (before === undefined || before.endedAtMs === null) byNumber.set(refresh.number, refresh);
  }
  return [...byNumber.values()].sort((a, b) => a.number - b.number).slice(-KEPT);
}

/** From when to when the timeline reaches: a minute, or up to five to show what has happened. */
export function spanOf(refreshes: readonly Refresh[], nowMs: number): { fromMs: number; minutes: number } {
  const MINUTE = 60_000;
  const MOST = 5;
  const shown = refreshes.filter(({ startedAtMs }) => startedAtMs > nowMs - MOST * MINUTE);
  const oldestMs = shown[0]?.startedAtMs ?? nowMs;
  const minutes = Math.min(MOST, Math.max(1, Math.ceil((nowMs - oldestMs) / MINUTE)));
  return { fromMs: nowMs - minutes * MINUTE, minutes };
}

/** Where on a line of 100 parts a moment lies; null when it lies before its beginning. */
export function placeOf(atMs: number, fromMs: number, nowMs: number): number | null {
  if (atMs < fromMs) return null;
  return Math.min(100, ((atMs - fromMs) / (nowMs - fromMs)) * 100);
}

/** What is left of a token's life, from 0 to 1. */
export function lifeLeft(beganAtMs: number, expiresAtMs: number, nowMs: number): number {
  if (expiresAtMs <= beganAtMs) return 0;
  return Math.min(1, Math.max(0, (expiresAtMs - nowMs) / (expiresAtMs - beganAtMs)));
}

/** Since when the token that ends at `expiresAtMs` is held, as far as the refreshes tell. */
export function heldSince(refreshes: readonly Refresh[], expiresAtMs: number): number | null {
  const first = refreshes.find((each) => each.tokenExpiresAtMs === expiresAtMs && each.endedAtMs !== null);
  return first?.endedAtMs ?? null;
}
