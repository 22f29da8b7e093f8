import type { AccountInfo } from 'electron-latchkey/renderer';
import { texts } from './texts';

/** A name for an account that is added. Nobody sees it, and it says nothing of the person. */
export function newAccountName(): string {
  return `account-${crypto.randomUUID()}`;
}

/** Whose account it is, in words. */
export function whoIs({ user }: Pick<AccountInfo, 'user'>): string {
  return user?.name || user?.email || texts.account.noName;
}
