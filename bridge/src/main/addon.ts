import type { Account, Anomaly, AuthSession, SessionPolicy, Vault } from 'electron-latchkey';
import type { Protection } from '../protocol.js';
import { BridgeError } from './failure.js';
import type { AuthPolicy, CreateAuthOptions } from './options.js';

export interface Opened {
  vault: Vault;
  session: AuthSession;
  /** The account that the session is of, where the app has several. */
  account: string | null;
  protection: Protection;
}

/** Opens the vault, then the session in it. Leaves nothing open when it fails. */
export async function openAddon(options: CreateAuthOptions): Promise<Opened> {
  const vault = await loadAddon().Vault.open(options.vault);
  try {
    const { backend, description, path } = vault.protection();
    const account = await accountAtFront(vault, options.account);
    const session = await openSession(vault, account, options);
    return { vault, session, account, protection: { backend, description, path } };
  } catch (error) {
    await vault.close().catch(() => undefined); // the first error is the one to tell
    throw error;
  }
}

/** Opens the session of another account in the same vault, and puts that account at the front: for good, or not at all. */
export async function openAccount(now: Opened, account: string, options: CreateAuthOptions): Promise<Opened> {
  if (now.account === null) {
    throw new BridgeError('ERR_NOT_SUPPORTED', 'switchAccount() needs the option account of createAuth().');
  }
  const { AuthSession } = loadAddon();
  if (account === now.account) {
    await AuthSession.activate(now.vault, account);
    return now;
  }
  const session = await openSession(now.vault, account, options);
  try {
    await AuthSession.activate(now.vault, account);
  } catch (error) {
    await session.close();
    throw error;
  }
  return { ...now, session, account };
}

export function accountsIn(vault: Vault): Promise<Account[]> {
  return loadAddon().AuthSession.accounts(vault);
}

export function auditOf(vault: Vault): Promise<Anomaly[]> {
  return loadAddon().AuthSession.audit(vault);
}

/** The account that was put at the front, if it has a session; otherwise the one that the app names. */
async function accountAtFront(vault: Vault, named: string | undefined): Promise<string | null> {
  if (named === undefined) return null;
  return (await accountsIn(vault)).find(({ active }) => active)?.name ?? named;
}

function openSession(vault: Vault, account: string | null, options: CreateAuthOptions): Promise<AuthSession> {
  const { provider, allowedOrigins, http, policy } = options;
  return loadAddon().AuthSession.open({
    vault,
    provider,
    ...(account === null ? {} : { account }),
    ...(allowedOrigins === undefined ? {} : { allowedOrigins }),
    ...(http === undefined ? {} : { http }),
    ...(policy === undefined ? {} : { policy: sessionPolicy(policy) }),
  });
}

// The rest of the policy is the bridge's own (power.ts).
function sessionPolicy({ idleTimeoutMs, maxLifetimeMs }: AuthPolicy): SessionPolicy {
  return {
    ...(idleTimeoutMs === undefined ? {} : { idleTimeoutMs }),
    ...(maxLifetimeMs === undefined ? {} : { maxLifetimeMs }),
  };
}

// Loaded on demand, so that an addon that cannot load is a problem the window can show and not a crash at start.
export function loadAddon(): typeof import('electron-latchkey') {
  try {
    return require('electron-latchkey');
  } catch (cause) {
    throw new BridgeError('ERR_ADDON_NOT_LOADED', whyNotLoaded(cause), { cause });
  }
}

// The loader's own words say what is missing and what helps, and name nothing of this machine but its kind. Those of anybody
// else may name paths: they stay in the cause.
function whyNotLoaded(cause: unknown): string {
  if (cause instanceof Error && 'code' in cause && cause.code === 'ERR_ADDON_NOT_LOADED')
    return cause.message;
  return 'The native part of electron-latchkey could not be loaded. Install the package again on this platform.';
}
