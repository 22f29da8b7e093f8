// Compiled by types.test.mjs, never run: the addon's types as an app meets them.
import {
  type Anomaly,
  AuthSession,
  type ErrorCode,
  importFrom,
  type PendingSignIn,
  type ProviderOptions,
  type SessionSnapshot,
  type SignInRequest,
  type User,
  Vault,
  type VaultOptions,
  type WorkOsClaims,
} from 'electron-latchkey';
import { type Equal, is, never } from './equal.js';

// The codes are a union that can be gone through. One that does not exist is no case of it.
function advice(code: ErrorCode): string {
  switch (code) {
    case 'ERR_KEYCHAIN_LOCKED':
      return 'unlock the keyring';
    // @ts-expect-error: no such code
    case 'ERR_KEYRING_LOCKED':
      return '';
    default:
      return code;
  }
}
// @ts-expect-error: a message is no code
const wrong: ErrorCode = 'The keyring is locked.';
// @ts-expect-error: a text is not one of the codes
const any: ErrorCode = String(wrong);

// Vault
async function vault(): Promise<void> {
  const options: VaultOptions = { id: 'com.example.app', keychain: { passphrase: 'p' }, lockTimeoutMs: 5000 };
  // @ts-expect-error: an id is needed
  await Vault.open({});
  // @ts-expect-error: the system's keychain is 'os'
  await Vault.open({ id: 'a', keychain: 'none' });
  // @ts-expect-error: there is no such option
  await Vault.open({ id: 'a', timeout: 5 });
  const vault = await Vault.open(options);
  const value = await vault.get('key');
  is<Equal<typeof value, string | Buffer | null>>();
  await vault.set('key', new Uint8Array(1), { ttlMs: 1 });
  // @ts-expect-error: texts and bytes only
  await vault.set('key', 1);
  // @ts-expect-error: milliseconds, as a number
  await vault.set('key', 'value', { ttlMs: '1 day' });
  await vault.write([
    { key: 'a', value: 'b' },
    { key: 'c', value: null },
  ]);
  // @ts-expect-error: `null` removes, nothing is left out
  await vault.write([{ key: 'a' }]);
  const stop: () => void = vault.onChange((keys: string[]) => void keys);
  stop();
  const { backend } = vault.protection();
  is<Equal<typeof backend, 'secret-service' | 'keychain' | 'credential-manager' | 'passphrase'>>();

  const report = await importFrom({ vault, sources: [{ type: 'electron-store', path: '/config.json' }] });
  const [entry] = report.entries;
  is<Equal<(typeof report.entries)[number]['status'], 'imported' | 'present' | 'damaged' | 'skipped'>>();
  void entry;
  // @ts-expect-error: no such source
  await importFrom({ vault, sources: [{ type: 'keychain' }] });
}

// Providers: the type says which options there are; each is checked again when it is opened.
const providers: ProviderOptions[] = [
  { type: 'better-auth', baseUrl: 'https://api.example.com/api/auth' },
  { type: 'oidc', issuer: 'https://login.example.com', clientId: 'desktop', dpop: true },
  { type: 'workos', clientId: 'client_1' },
  { type: 'clerk', publishableKey: 'pk_live_1' },
  { type: 'token-endpoint', refreshUrl: 'https://api.example.com/refresh', refreshTokenReuse: true },
  { type: 'custom', id: 'mine', getToken: async ({ reason, user }) => token(reason, user) },
];
async function token(reason: 'signIn' | 'renew', user: User | null) {
  return reason === 'renew' && user === null ? null : { accessToken: 'a', expiresAtMs: 1 };
}
// @ts-expect-error: no such provider
providers.push({ type: 'auth0' });
// @ts-expect-error: an object with a token, or null
providers.push({ type: 'custom', id: 'mine', getToken: async () => 'token' });
// @ts-expect-error: 'dpop' is on or off
providers.push({ type: 'oidc', issuer: '', clientId: '', dpop: 'ES256' });

// Session
async function session(vault: Vault): Promise<void> {
  // @ts-expect-error: a session is somebody's: a provider is needed
  await AuthSession.open({ vault });
  const session = await AuthSession.open({ vault, provider: providers[0] as ProviderOptions });

  // What a step came to is told by its status, and nothing else is there.
  const result = await session.signIn({ method: 'password', email: 'a@example.com', password: 'p' });
  if (result.status === 'complete') {
    is<Equal<typeof result.user, User>>();
    // @ts-expect-error: nothing waits
    result.signIn;
  } else {
    is<Equal<typeof result.signIn, PendingSignIn>>();
    // @ts-expect-error: nobody is signed in yet
    result.user;
    const { awaits } = result.signIn;
    if (awaits === 'browser' || awaits === 'device' || awaits === 'code') void awaits;
    else never(awaits);
  }
  // @ts-expect-error: no such way
  const request: SignInRequest = { method: 'magic' };
  // @ts-expect-error: a way is needed
  await session.signIn({ email: 'a@example.com' });
  void request;

  // Events carry their own types; what stops them is a function.
  const stops: (() => void)[] = [
    session.onChange((snapshot: SessionSnapshot) => words(snapshot)),
    session.onAnomaly((anomaly: Anomaly) => warn(anomaly.kind)),
  ];
  // @ts-expect-error: no event is called so
  session.onExpired(() => undefined);
  // @ts-expect-error: nothing else can be reported by an app
  session.reportAnomaly('tampered');
  for (const stop of stops) stop();

  const { permissions } = session.claims<WorkOsClaims>() ?? {};
  is<Equal<typeof permissions, string[] | undefined>>();
  const open = session.claims()?.anything;
  is<Equal<typeof open, unknown>>();
  const bytes: Promise<{ body: Buffer; status: number }> = session.fetch('https://api.example.com');
  // @ts-expect-error: 'manual', 'error' or 'follow'
  await session.fetch('https://api.example.com', { redirect: 'never' });
  void bytes;
}

/** Every state has its words: a new one does not compile before it has them. */
function words({ state }: SessionSnapshot): string {
  switch (state) {
    case 'signedOut':
    case 'restoring':
    case 'signingIn':
    case 'active':
    case 'offline':
    case 'expired':
    case 'locked':
      return state;
    default:
      return never(state);
  }
}

function warn(kind: Anomaly['kind']): void {
  // @ts-expect-error: no anomaly is called so
  if (kind === 'hacked') return;
}

void [advice, any, vault, session];
