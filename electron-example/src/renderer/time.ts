import { onScopeDispose, type Ref, ref } from 'vue';

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** The person's own English where they have one; the interface is English, so dates must not mix languages. */
export function englishLocale(preferred: readonly string[] = navigator.languages ?? []): string {
  return preferred.find((tag) => /^en(-|$)/i.test(tag)) ?? 'en';
}

export function absoluteTime(atMs: number, locale = englishLocale(), timeZone?: string): string {
  return new Intl.DateTimeFormat(locale, { dateStyle: 'medium', timeStyle: 'short', timeZone }).format(atMs);
}

export function clockTime(atMs: number, locale = englishLocale(), timeZone?: string): string {
  return new Intl.DateTimeFormat(locale, { timeStyle: 'medium', timeZone }).format(atMs);
}

/** "in 6 days", "in 45 seconds", "2 hours ago". */
export function relativeTime(atMs: number, nowMs: number, locale = englishLocale()): string {
  const format = new Intl.RelativeTimeFormat(locale, { numeric: 'auto' });
  const distance = atMs - nowMs;
  const size = Math.abs(distance);
  if (size < MINUTE) return format.format(Math.round(distance / SECOND), 'second');
  if (size < HOUR) return format.format(Math.round(distance / MINUTE), 'minute');
  if (size < DAY) return format.format(Math.round(distance / HOUR), 'hour');
  return format.format(Math.round(distance / DAY), 'day');
}

/** The current time, renewed each second for as long as the component lives. */
export function useNow(everyMs = SECOND): Readonly<Ref<number>> {
  const now = ref(Date.now());
  const timer = setInterval(() => {
    now.value = Date.now();
  }, everyMs);
  onScopeDispose(() => clearInterval(timer));
  return now;
}
