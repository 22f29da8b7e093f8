import type { Account } from 'electron-latchkey';
import type { AccountInfo, AnomalyInfo, AuthSnapshot } from '../protocol.js';
import { accountsIn, auditOf, openAccount } from './addon.js';
import { BridgeError } from './failure.js';
import { awaitingRestart, copyUser, type Lifecycle } from './lifecycle.js';
import type { CreateAuthOptions } from './options.js';

/** Several people's sessions in one vault, and what has happened to them. */
export class Accounts {
  constructor(
    private readonly lifecycle: Lifecycle,
    private readonly options: CreateAuthOptions,
  ) {}

  /** Those that have a session in the vault. */
  async stored(): Promise<Account[]> {
    return accountsIn((await this.lifecycle.opened()).vault);
  }

  /** The same for a page, with the one at the front, which may have none yet. */
  async list(): Promise<AccountInfo[]> {
    const current = await this.#current();
    const accounts = (await this.stored()).map(
      ({ name, user }): AccountInfo => ({ name, user: copyUser(user), current: name === current }),
    );
    if (!accounts.some((account) => account.current)) {
      accounts.push({ name: current, user: null, current: true });
      accounts.sort((one, other) => (one.name < other.name ? -1 : 1));
    }
    return accounts;
  }

  switchTo(name: string): Promise<AuthSnapshot> {
    return this.lifecycle.switch((now) => openAccount(now, name, this.options));
  }

  /** The same for a page: neither past a lock, nor before the app has cleared up after the last person. */
  async switchForPage(name: string): Promise<AuthSnapshot> {
    const current = await this.#current();
    const { state, awaitingRestart: awaits } = this.lifecycle.snapshot();
    if (awaits) throw awaitingRestart();
    if (state === 'locked' && name !== current) {
      throw new BridgeError('ERR_SESSION_LOCKED', 'The session is locked. Unlock it first.');
    }
    return this.switchTo(name);
  }

  /** What has happened and should not have, as the vault keeps it. */
  async anomalies(): Promise<AnomalyInfo[]> {
    const kept = await auditOf((await this.lifecycle.opened()).vault);
    return kept.map(({ kind, atMs, count }) => ({ kind, atMs, count }));
  }

  async #current(): Promise<string> {
    const { account } = await this.lifecycle.opened();
    if (account !== null) return account;
    throw new BridgeError('ERR_NOT_SUPPORTED', 'This app has one session and no accounts.');
  }
}
