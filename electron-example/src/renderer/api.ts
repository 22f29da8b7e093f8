import { createAuthFetch } from 'electron-latchkey/renderer';

/** What a protected route answered. */
export interface ApiAnswer {
  message: string;
  /** To whom, where the answer says so. */
  email: string | null;
  /** When, as the server wrote it. */
  servedAt: string | null;
}

/** What GET /api/profile of the example's own server answers to a person with a session. */
interface ProfileAnswer {
  user: { id: string; email: string; name: string };
  servedAt: string;
  message: string;
}

/** As much of an answer of another API as a glance takes in. */
const MESSAGE_MAX = 300;

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
 * Calls a protected route through the broker. `own`: it is the example's own, whose answer has a shape.
 *
 * Throws an ApiError for an answer that is none, and a TypeError with a `code` when there was no answer.
 */
export async function callApi(url: string, own: boolean): Promise<ApiAnswer> {
  const response = await createAuthFetch()(url, { headers: { accept: 'application/json' } });
  if (!response.ok) throw new ApiError(codeForStatus(response.status), response.status);
  if (!own) return { message: (await response.text()).slice(0, MESSAGE_MAX), email: null, servedAt: null };
  const answer: unknown = await response.json().catch(() => null);
  if (!isProfileAnswer(answer)) throw new ApiError('ERR_UNEXPECTED_RESPONSE', response.status);
  return { message: answer.message, email: answer.user.email, servedAt: answer.servedAt };
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
