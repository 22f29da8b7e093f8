import type { makeAuthClient } from './auth-client';
import { codeOf, type DescribedError, describeError } from './errors';

/** What the server made for a second factor that is not on yet. It is shown once and kept nowhere. */
export interface Enrolment {
  /** For the QR code: `otpauth://totp/…` with the secret in it. */
  uri: string;
  secret: string;
  backupCodes: readonly string[];
}

/** Why a step did not succeed: the password or the code, which the person can type again, or anything else. */
export class TwoFactorProblem extends Error {
  constructor(
    readonly field: 'password' | 'code' | null,
    readonly described: DescribedError,
  ) {
    super(described.title);
  }
}

/** The steps of the second factor, by the official client. Each throws a {@link TwoFactorProblem}. */
export function twoFactorOf(client: ReturnType<typeof makeAuthClient>) {
  return {
    async isOn(): Promise<boolean> {
      const { user } = dataOf(await client.getSession(), 'ERR_SESSION_EXPIRED');
      return user.twoFactorEnabled ?? false;
    },
    async begin(password: string): Promise<Enrolment> {
      const enabled = dataOf(await client.twoFactor.enable({ password }));
      if (!('totpURI' in enabled)) throw problem(null, 'ERR_NOT_SUPPORTED'); // a server with codes by mail only
      const secret = new URL(enabled.totpURI).searchParams.get('secret') ?? '';
      return { uri: enabled.totpURI, secret, backupCodes: enabled.backupCodes };
    },
    async turnOn(code: string): Promise<void> {
      dataOf(await client.twoFactor.verifyTotp({ code }));
    },
    async turnOff(password: string): Promise<void> {
      dataOf(await client.twoFactor.disable({ password }));
    },
    async newCodes(password: string): Promise<readonly string[]> {
      return dataOf(await client.twoFactor.generateBackupCodes({ password })).backupCodes;
    },
  };
}

/** "JBSW Y3DP …": in fours, as a person types it. */
export function inFours(secret: string): string {
  return secret.match(/.{1,4}/g)?.join(' ') ?? '';
}

interface Answer<T> {
  data: T | null;
  error: { status: number; code?: string | undefined } | null;
}

/** What an answer holds. `absent` is the code for one that holds nothing. */
function dataOf<T>({ data, error }: Answer<T>, absent = 'ERR_UNEXPECTED_RESPONSE'): T {
  if (error === null) {
    if (data === null) throw problem(null, absent);
    return data;
  }
  if (error.code === 'INVALID_PASSWORD') throw problem('password', 'ERR_INVALID_CREDENTIALS');
  if (error.code === 'INVALID_CODE') throw problem('code', 'ERR_INVALID_CODE');
  throw problem(null, codeForStatus(error));
}

function problem(field: TwoFactorProblem['field'], code: string): TwoFactorProblem {
  return new TwoFactorProblem(field, describeError({ code }));
}

/** The official client resolves with the status of an answer; without one, with the code of what went wrong. */
function codeForStatus(error: NonNullable<Answer<unknown>['error']>): string {
  if (error.status === 401) return 'ERR_SESSION_EXPIRED';
  if (error.status === 404) return 'ERR_NOT_SUPPORTED';
  if (error.status === 429) return 'ERR_RATE_LIMITED';
  if (error.status >= 500) return 'ERR_SERVER';
  return codeOf(error)?.startsWith('ERR_') ? (error.code ?? '') : 'ERR_UNEXPECTED_RESPONSE';
}
