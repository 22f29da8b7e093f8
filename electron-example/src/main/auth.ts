import { type BrowserWindow, session } from 'electron';
import { type Auth, createAuth } from 'electron-latchkey/main';
import { CHOOSE_PROVIDER_CHANNEL, PROVIDERS_CHANNEL, type ProviderList } from '../shared/providers';
import { APP_ORIGIN, APP_URL } from './app-scheme';
import type { Settings } from './environment';
import { keepChoice, readChoice } from './provider-choice';
import { configuredProviders, type Provider, URL_SCHEME } from './providers';
import { confirmUnlock } from './unlock';

/** What the windows need of the session. */
export interface AppAuth {
  /** Lets this window's pages call; before they load. */
  register(window: BrowserWindow): void;
  readonly isSecondInstance: boolean;
}

/**
 * Starts the session, with the provider that was chosen last.
 *
 * An app with one provider needs `createAuth()` alone: `open` below, without the rest.
 */
export function startAuth(settings: Settings): AppAuth {
  const providers = configuredProviders(settings);
  const windows = new Set<BrowserWindow>();
  let chosen = providers.find(({ info }) => info.id === readChoice()) ?? providers[0];
  let auth = open(chosen);
  let switching: Promise<unknown> = Promise.resolve();

  function open({ options }: Provider): Auth {
    const opened = createAuth({
      ...options,
      account: 'first',
      deepLinks: { scheme: URL_SCHEME },
      rendererOrigins: [APP_ORIGIN],
      policy: { idleTimeoutMs: settings.idleTimeoutMs, lockOnScreenLock: true, lockOnSuspend: true },
      onUnlockRequest: confirmUnlock,
      onSignedOut: forgetPerson,
    });
    opened.handle(PROVIDERS_CHANNEL, list);
    opened.handle(CHOOSE_PROVIDER_CHANNEL, ([id]) => choose(id));
    return opened;
  }

  function list(): ProviderList {
    return { chosen: chosen.info.id, all: providers.map(({ info }) => info) };
  }

  /** Answers at once: the pages load anew, and what they show then is the other provider's. */
  function choose(id: unknown): null {
    const next = providers.find(({ info }) => info.id === id);
    const { state } = auth.snapshot();
    if (next === undefined || (state !== 'signedOut' && state !== 'signingIn'))
      throw new Error('Another provider can be chosen while nobody is signed in.');
    switching = switching.then(() => switchTo(next)).catch(console.error);
    return null;
  }

  async function switchTo(next: Provider): Promise<void> {
    if (next === chosen) return;
    keepChoice(next.info.id);
    chosen = next;
    await auth.dispose();
    auth = open(next);
    for (const window of windows) {
      auth.register(window);
      window.loadURL(APP_URL);
    }
  }

  return {
    isSecondInstance: auth.isSecondInstance,
    register(window) {
      windows.add(window);
      window.once('closed', () => windows.delete(window));
      auth.register(window);
    },
  };
}

/** What pages have kept for somebody who has left. The session itself is in the vault, and gone already. */
async function forgetPerson(): Promise<void> {
  await session.defaultSession.clearStorageData();
}
