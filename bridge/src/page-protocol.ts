/**
 * What crosses where the page has the session, and main is fed by it. Here tokens do go over IPC, from the page to main and
 * never back: a file of its own, so that the rest of the protocol has no field for one.
 */
import type { Result } from './protocol.js';

export const PAGE_CHANNELS = {
  /** Page to main: from now on this page can bring a token, or has another one. */
  offer: 'latchkey:page-offer',
  /** Main to page: bring a token, under this number. */
  ask: 'latchkey:page-ask',
  /** Page to main: the token that was asked for under this number. */
  bring: 'latchkey:page-bring',
  /** Page to main: a call of the app's own, with the page's token. */
  call: 'latchkey:page-call',
} as const;

/** What a page says of its token. */
export type PageToken =
  /** `null`: nobody is signed in there. */
  | { ok: true; token: string | null }
  /** It could not say, such as without a network. */
  | { ok: false };

/** What `exposePageCalls()` puts on the page's `window`. */
export interface PageCalls {
  /** Has `getToken` asked for the token of each call, and whenever main needs one. The last one given counts. */
  provideToken(getToken: () => Promise<string | null>): PageTokenProvision;
  /** Calls what main answers under `name`. Before {@link PageCalls.provideToken} it goes without a token. */
  call(name: string, input: unknown): Promise<Result<unknown>>;
}

/** A page's word on its own session. */
export interface PageTokenProvision {
  /** Somebody has signed in or out in the page: main is told without waiting for the next call. */
  changed(): void;
  /** No token is brought any more. Whoever is signed in in main stays so. */
  stop(): void;
}
