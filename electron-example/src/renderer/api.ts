import { createAuthFetch } from 'electron-latchkey/renderer';

/** What GET /api/profile answers to a person with a session. */
export interface ProfileAnswer {
  user: { id: string; email: string; name: string };
  servedAt: string;
  message: string;
}

/** A failure with a stable code, in the same shape as those of the broker. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  constructor(
    readonly code: 'ERR_SESSION_EXPIRED' | 'ERR_RATE_LIMITED' | 'ERR_SERVER' | 'ERR_UNEXPECTED_RESPONSE',
    readonly status: number,
  ) {
    super(`The API answered with status ${status}.`);
  }
}

/**
 * Calls the protected route through the broker.
 *
 * Throws an ApiError for an answer that is not a profile, and a TypeError with a `code` when there was no answer.
 */
export async function fetchProfile(apiUrl: string = window.latchkeyExample.apiUrl): Promise<ProfileAnswer> {
  const response = await createAuthFetch()(`${apiUrl}/api/profile`, {
    headers: { accept: 'application/json' },
  });
  if (!response.ok) throw new ApiError(codeForStatus(response.status), response.status);
  const answer: unknown = await response.json().catch(() => null);
  if (!isProfileAnswer(answer)) throw new ApiError('ERR_UNEXPECTED_RESPONSE', response.status);
  return answer;
}

function codeForStatus(status: number): ApiError['code'] {
  if (status === 401) return 'ERR_SESSION_EXPIRED';
  if (status === 429) return 'ERR_RATE_LIMITED';
  return status >= 500 ? 'ERR_SERVER' : 'ERR_UNEXPECTED_RESPONSE';
}

function isProfileAnswer(value: unknown): value is ProfileAnswer {
  const answer = value as Partial<ProfileAnswer> | null;
  return (
    typeof answer === 'object' &&
    answer !== null &&
    typeof answer.message === 'string' &&
    typeof answer.servedAt === 'string' &&
    typeof answer.user?.email === 'string'
  );
}
