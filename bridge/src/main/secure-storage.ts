import { RECIPE_CHANNELS, type TokenName } from '../recipe-protocol.js';
import { CallLimits } from './call-limits.js';
import type { Auth } from './create-auth.js';
import { BridgeError } from './failure.js';
import { invalid } from './parse.js';

/** Where the tokens lie in the vault. The application must not use names that begin so. */
const PREFIX = 'electron-latchkey:secure-storage:';
const NAMES: readonly TokenName[] = ['accessToken', 'refreshToken'];
/** Tokens with many claims have some KB; servers refuse header fields of more than 8 to 16. */
const MAX_TOKEN_LENGTH = 32 * 1024;

/**
 * Answers `window.secureStorage` of the published recipe, for an app whose pages handle tokens themselves. They lie in the
 * vault of `auth`, and only its registered windows reach them. Call it before the first window; returns what stops it.
 *
 * With it a script that gets into a page reads the tokens and takes them elsewhere. The broker (`exposeAuth`) does not have
 * that weakness: move to it when you can.
 */
export function provideSecureStorage(auth: Auth): () => void {
  const limits = new CallLimits();

  const answer = (channel: string, call: (args: readonly unknown[]) => Promise<unknown>) =>
    auth.handle(channel, (args, sender) => {
      limits.count(sender, 'store');
      return call(args);
    });

  const stops = [
    answer(RECIPE_CHANNELS.isAvailable, () =>
      auth.vault().then(
        () => true,
        () => false,
      ),
    ),
    answer(RECIPE_CHANNELS.setToken, async ([name, token]) => {
      const entry = entryOf(name);
      const text = parseToken(token);
      await (await auth.vault()).set(entry, text);
    }),
    answer(RECIPE_CHANNELS.getToken, async ([name]) => {
      const entry = entryOf(name);
      const vault = await auth.vault();
      if (auth.snapshot().state === 'locked') {
        throw new BridgeError('ERR_SESSION_LOCKED', 'The session is locked. Unlock it first.');
      }
      const token = await vault.get(entry);
      return typeof token === 'string' ? token : null;
    }),
    answer(RECIPE_CHANNELS.deleteToken, async ([name]) => {
      const entry = entryOf(name);
      await (await auth.vault()).delete(entry);
    }),
    answer(RECIPE_CHANNELS.clearAll, async () => {
      const vault = await auth.vault();
      // In one step: a token that outlives the other is of no use to anybody but a thief.
      await vault.write(NAMES.map((name) => ({ key: PREFIX + name, value: null })));
    }),
  ];
  return () => {
    for (const stop of stops) stop();
  };
}

function entryOf(name: unknown): string {
  if (!(NAMES as readonly unknown[]).includes(name)) {
    throw invalid('The key must be "accessToken" or "refreshToken".');
  }
  return PREFIX + name;
}

function parseToken(token: unknown): string {
  if (typeof token !== 'string' || token.length > MAX_TOKEN_LENGTH) {
    throw invalid(`The token must be a text of at most ${MAX_TOKEN_LENGTH} characters.`);
  }
  return token;
}
