import type { Result } from 'electron-latchkey/renderer';
import type { ProviderId, ProviderList } from './providers';

/** What the main process tells the page, beside the session. No secret belongs here: every script of the page can read it. */
export interface AppConfig {
  /** The root of the app's server, such as `http://127.0.0.1:4711`. */
  apiUrl: string;
}

/** What the page finds on its `window` beside `auth`: one function for each call. */
export interface ExampleBridge extends AppConfig {
  providers(): Promise<Result<ProviderList>>;
  /** Goes on with another provider. While nobody is signed in; the pages load anew. */
  chooseProvider(id: ProviderId): Promise<Result<null>>;
}

/** The name on the page's `window`. */
export const CONFIG_KEY = 'latchkeyExample';

const API_URL_ARGUMENT = '--latchkey-api-url=';

/** The configuration as an argument of the renderer process: a sandboxed preload can read those, and no file. */
export function toArgument({ apiUrl }: AppConfig): string {
  return API_URL_ARGUMENT + apiUrl;
}

export function fromArguments(argv: readonly string[]): AppConfig {
  const argument = argv.find((each) => each.startsWith(API_URL_ARGUMENT));
  if (argument === undefined) throw new Error('The window was made without the configuration argument.');
  return { apiUrl: argument.slice(API_URL_ARGUMENT.length) };
}
