/** What an API that Clerk protects wants proven again. */
export interface Reverification {
  /** What is to be proven, for `signIn({ method: 'stepUp', level })`. */
  level: 'first_factor' | 'second_factor' | 'multi_factor';
  /** For how many minutes such a proof counts; `null` when the API does not say. */
  afterMinutes: number | null;
}

const LEVELS: readonly unknown[] = ['first_factor', 'second_factor', 'multi_factor'];

/**
 * Reads the body of a 403: what Clerk's helpers on a server (`reverificationErrorResponse`) say when they want the person to
 * prove again who they are. `null` for any other body.
 */
export function reverificationOf(body: unknown): Reverification | null {
  const error = own(body, 'clerk_error');
  if (own(error, 'reason') !== 'reverification-error') return null;
  const asked = own(own(error, 'metadata'), 'reverification');
  // A name of Clerk's for a level and a time (`strict`, `lax`) says neither.
  const level = own(asked, 'level');
  const afterMinutes = own(asked, 'afterMinutes');
  return {
    level: LEVELS.includes(level) ? (level as Reverification['level']) : 'first_factor',
    afterMinutes: typeof afterMinutes === 'number' ? afterMinutes : null,
  };
}

function own(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined;
  return (value as Record<string, unknown>)[name];
}
