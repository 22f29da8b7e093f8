// Compiled by types.test.mjs, never run: `electron-latchkey/main` and `/preload` as an app meets them.
import type { BrowserWindow } from 'electron';
import type { Account, AuthSession, SafeStorage, Vault } from 'electron-latchkey';
import { configure, defaultVault } from 'electron-latchkey/default-vault';
import { type Auth, type AuthSnapshot, createAuth, createFetch, pageSession } from 'electron-latchkey/main';
import { exposeAuth } from 'electron-latchkey/preload';
import { safeStorage } from 'electron-latchkey/safe-storage';
import { type Equal, is } from './equal.js';

const vault = { id: 'com.example.app' };
const rendererOrigins = ['app://my-app'];
const provider = { type: 'better-auth', baseUrl: 'https://api.example.com/api/auth' } as const;

const auth = createAuth({
  vault,
  provider,
  rendererOrigins,
  account: 'work',
  policy: { idleTimeoutMs: 1, maxLifetimeMs: 1, lockOnScreenLock: true, lockOnSuspend: true },
  onUnlockRequest: async () => true,
  onSignedOut: async () => undefined,
  browser: { redirect: 'loopback', open: async (url) => void url.length },
  deepLinks: { scheme: 'com.example.app' },
  http: { proxy: 'none', connectTimeoutMs: 1 },
});
is<Equal<typeof auth, Auth>>();

// @ts-expect-error: whose pages may call must be said
createAuth({ vault, provider });
// @ts-expect-error: a list of origins
createAuth({ vault, provider, rendererOrigins: 'app://my-app' });
// @ts-expect-error: there is no such option
createAuth({ vault, provider, rendererOrigins, allowAll: true });
// @ts-expect-error: it is asked, and answers later
createAuth({ vault, provider, rendererOrigins, onUnlockRequest: () => true });
// @ts-expect-error: no such provider
createAuth({ vault, provider: { type: 'none' }, rendererOrigins });
// @ts-expect-error: how the browser comes back is one of two
createAuth({ vault, provider, rendererOrigins, browser: { redirect: 'popup' } });

async function use(window: BrowserWindow): Promise<void> {
  auth.register(window);
  // @ts-expect-error: a window
  auth.register('main');
  const stop: () => void = auth.onChange((snapshot) => is<Equal<typeof snapshot, AuthSnapshot>>());
  stop();
  const session: AuthSession = await auth.session();
  const opened: Vault = await auth.vault();
  const accounts: Account[] = await auth.accounts();
  const counted = auth.callbackCounts();
  const request: typeof fetch = createFetch(session, { timeoutMs: 1, maxResponseBytes: 1 });
  // @ts-expect-error: the session, not the auth
  createFetch(auth);
  auth.handle('notes:add', async ([text]) => text);
  // @ts-expect-error: main's snapshot has no token, and neither has a page's
  auth.snapshot().accessToken;
  // @ts-expect-error: only read
  auth.isSecondInstance = true;
  void [opened, accounts, counted, request];
}

const page = pageSession();
createAuth({ vault, provider: { type: 'custom', id: 'page', getToken: page.getToken }, rendererOrigins });
page.connect(auth, { add: async (input, { accessToken }) => [input, accessToken] });
// @ts-expect-error: a function for each name
page.connect(auth, { add: 'notes' });

exposeAuth();
exposeAuth('session');
// @ts-expect-error: a name
exposeAuth(1);

configure({ id: 'com.example.app', keychain: 'os' });
// @ts-expect-error: no such keychain
configure({ id: 'com.example.app', keychain: 'file' });
const shared = defaultVault();
const sealed: Buffer = safeStorage.encryptString('text');
// @ts-expect-error: a text
safeStorage.encryptString(sealed);
const drop: { shouldReEncrypt: boolean } = await_(safeStorage.decryptStringAsync(sealed));
declare function await_<T>(promise: Promise<T>): T;

void [use, shared, drop];

export type { SafeStorage };
