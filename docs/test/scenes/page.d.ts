// What an app has in a page, beside what a block of the documents declares itself.
import type { AuthBroker, AuthClient, AuthState, PageCalls, User } from 'electron-latchkey/renderer';

declare global {
  interface Window {
    auth: AuthBroker;
    pageCalls: PageCalls;
  }
  /** What `connectAuth()` returned. */
  const auth: AuthClient;
  const email: string;
  const password: string;
  const code: string;
  const id: string;
  const url: string;
  const body: string;
  function render(state: AuthState, user: User | null): void;
  function show(...texts: (string | null)[]): void;
  /** Clerk's own client, where the page has one. */
  const clerk: {
    load(): Promise<void>;
    session?: { getToken(): Promise<string | null> } | null;
    addListener(listener: () => void): void;
  };
  function ask(question: string): Promise<string>;
}
