import type { PageCalls, PageTokenProvision } from '../page-protocol.js';
import { AuthError } from './auth-error.js';

/**
 * Has every call to main carry a fresh token of the page's own session, and main's session follow it.
 *
 * `getToken` resolves to `null` when nobody is signed in, which signs main out: call this once the page's library knows.
 * When it rejects, main goes on with the token it has.
 */
export function providePageToken(
  getToken: () => Promise<string | null>,
  calls: PageCalls = callsOfWindow(),
): PageTokenProvision {
  return calls.provideToken(getToken);
}

/**
 * Calls what main answers under `name`, with the page's token.
 *
 * @throws {@link AuthError} when main refuses, does not answer, or fails.
 */
export async function callMain(
  name: string,
  input?: unknown,
  calls: PageCalls = callsOfWindow(),
): Promise<unknown> {
  const answer = await calls.call(name, input);
  if (answer.ok) return answer.value;
  throw new AuthError(answer);
}

function callsOfWindow(): PageCalls {
  const { pageCalls } = globalThis as { pageCalls?: PageCalls };
  if (pageCalls === undefined) {
    throw new AuthError({
      code: 'ERR_NO_BROKER',
      message:
        'window.pageCalls is missing: call exposePageCalls() of electron-latchkey/preload in the preload script.',
    });
  }
  return pageCalls;
}
