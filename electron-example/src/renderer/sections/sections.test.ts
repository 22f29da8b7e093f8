import { flushPromises } from '@vue/test-utils';
import type { RemoteSession } from 'electron-latchkey/renderer';
import { describe, expect, it, vi } from 'vitest';
import { ADA, activeAs, FakeBroker, failure, GRACE, pending } from '../testing/fake-broker';
import { mountApp, type Page } from '../testing/mount-app';
import { anomalyTexts, errorTexts, refreshOutcomeTexts, texts } from '../texts';

async function accountPage(broker = new FakeBroker(activeAs())): Promise<Page> {
  return mountApp(broker);
}

async function openSection(page: Page, name: 'overview' | 'account' | 'security'): Promise<void> {
  await page.press(`section-${name}`);
  await flushPromises();
}

describe('the sections', () => {
  it('are tabs: one stop for the keyboard, arrows within', async () => {
    const page = await accountPage();
    const tab = (name: string) => page.element(`section-${name}`);
    expect(tab('overview').getAttribute('aria-selected')).toBe('true');
    expect([tab('overview').tabIndex, tab('account').tabIndex, tab('security').tabIndex]).toEqual([
      0, -1, -1,
    ]);
    tab('overview').focus();
    await page.app.find('[data-testid=section-overview]').trigger('keydown', { key: 'ArrowLeft' });
    expect(document.activeElement).toBe(tab('security'));
    expect(tab('security').getAttribute('aria-selected')).toBe('true');
    expect(page.shows('vault-backend')).toBe(true);
    await page.app.find('[data-testid=section-security]').trigger('keydown', { key: 'Home' });
    expect(document.activeElement).toBe(tab('overview'));
    const panel = page.app.find('[role=tabpanel]');
    expect(panel.attributes('aria-labelledby')).toBe(tab('overview').id);
    expect(tab('overview').getAttribute('aria-controls')).toBe(panel.attributes('id'));
  });

  it('keep what was typed while another is shown', async () => {
    const page = await accountPage();
    await openSection(page, 'account');
    await page.fill('display-name', 'Ada K');
    await openSection(page, 'security');
    await openSection(page, 'account');
    expect((page.element('display-name') as HTMLInputElement).value).toBe('Ada K');
  });

  it('are the same after a lock, and the first after a sign-out', async () => {
    const page = await accountPage();
    await openSection(page, 'security');
    page.broker.change({ state: 'locked', reason: 'locked' });
    await flushPromises();
    await page.press('unlock');
    expect(page.shows('vault-backend')).toBe(true);
    await page.press('sign-out');
    page.broker.change({ ...activeAs(GRACE), reason: 'signedIn' });
    await flushPromises();
    expect(page.shows('session-state')).toBe(true);
  });

  it('hold nothing of the one before for another person', async () => {
    const page = await accountPage();
    await openSection(page, 'account');
    await page.fill('display-name', 'Ada K');
    page.broker.change(activeAs(GRACE));
    await flushPromises();
    expect((page.element('display-name') as HTMLInputElement).value).toBe(GRACE.name);
  });
});

describe('the sessions', () => {
  const HERE: RemoteSession = {
    id: 'here',
    current: true,
    createdAtMs: Date.now() - 60_000,
    activeAtMs: Date.now() - 30_000,
    expiresAtMs: Date.now() + 60_000,
    ipAddress: '127.0.0.1',
    userAgent: 'electron-latchkey/0.1.0',
  };
  const PHONE: RemoteSession = {
    ...HERE,
    id: 'phone',
    current: false,
    userAgent: 'Mozilla/5.0 (iPhone; CPU iPhone OS 18_0) Safari/604.1',
  };

  async function securityPage(...sessions: RemoteSession[]) {
    const page = await accountPage();
    page.broker.sessions.mockImplementation(async () => ({ ok: true, value: sessions }));
    await openSection(page, 'security');
    return page;
  }

  it('are named, this device first, and only the others can be ended', async () => {
    const page = await securityPage(PHONE, HERE);
    const rows = page.app.findAll('[data-testid=remote-session]').map((row) => row.text());
    expect(rows[0]).toContain(texts.sessions.thisApp);
    expect(rows[0]).toContain(texts.sessions.here);
    expect(rows[1]).toContain('Safari on iOS');
    expect(rows[1]).toContain('from 127.0.0.1');
    const buttons = page.app.findAll('[data-testid=revoke-session]');
    expect(buttons.map((button) => button.attributes('aria-label'))).toEqual(['Sign out Safari on iOS']);
  });

  it('are ended only after a yes', async () => {
    const page = await securityPage(HERE, PHONE);
    await page.press('revoke-session');
    expect(document.activeElement).toBe(page.element('confirm-no'));
    await page.press('confirm-no');
    expect(page.shows('confirm-dialog')).toBe(false);
    expect(page.broker.endSession).not.toHaveBeenCalled();
    await page.press('revoke-session');
    page.broker.sessions.mockImplementation(async () => ({ ok: true, value: [HERE] }));
    await page.press('confirm-yes');
    expect(page.broker.endSession).toHaveBeenCalledWith('phone');
    expect(page.text('sessions-result')).toBe('Safari on iOS is signed out.');
    expect(page.shows('revoke-session')).toBe(false);
  });

  it('say in the dialog why one was not ended, and leave the list', async () => {
    const page = await securityPage(HERE, PHONE);
    page.broker.endSession.mockResolvedValue(failure('ERR_NETWORK'));
    await page.press('revoke-session');
    await page.press('confirm-yes');
    expect(page.text('confirm-error')).toContain(errorTexts.ERR_NETWORK.title);
    expect(page.shows('revoke-session')).toBe(true);
  });

  it('show that they are asked for, and why they could not be had', async () => {
    const page = await accountPage();
    const answer = pending<ReturnType<typeof failure>>();
    page.broker.sessions.mockReturnValue(answer.promise);
    await openSection(page, 'security');
    expect(page.text('account')).toContain(texts.sessions.loading);
    answer.resolve(failure('ERR_NOT_SUPPORTED'));
    await flushPromises();
    expect(page.app.find('[data-code=ERR_NOT_SUPPORTED]').text()).toContain(texts.sessions.failed);
  });
});

describe('the accounts', () => {
  async function withTwo() {
    const page = await accountPage();
    page.broker.accounts.mockImplementation(async () => ({
      ok: true,
      value: [
        { name: 'second', user: GRACE, current: false },
        { name: 'first', user: ADA, current: true },
      ],
    }));
    await openSection(page, 'account');
    return page;
  }

  it('are listed, the current one first, and switched', async () => {
    const page = await withTwo();
    const rows = page.app.findAll('[data-testid=account-row]').map((row) => row.text());
    expect(rows[0]).toContain(ADA.name);
    expect(rows[1]).toContain(GRACE.name);
    page.broker.switchAccount.mockImplementation(async () => {
      page.broker.change({ ...activeAs(GRACE), account: 'second' });
      return { ok: true, value: page.broker.snapshotNow };
    });
    await page.press('switch-account');
    expect(page.broker.switchAccount).toHaveBeenCalledWith('second');
    expect(page.text('user-name')).toBe(GRACE.name);
  });

  it('say why one was not switched to', async () => {
    const page = await withTwo();
    page.broker.switchAccount.mockResolvedValue(failure('ERR_VAULT_IO'));
    await page.press('switch-account');
    expect(page.app.find('[role=alert]').text()).toContain(errorTexts.ERR_VAULT_IO.title);
    expect(page.text('user-name')).toBe(ADA.name);
  });

  it('get another one by a new name, from which one can go back', async () => {
    const page = await withTwo();
    await page.fill('display-name', 'x');
    page.broker.switchAccount.mockImplementation(async (name) => {
      page.broker.change({ state: 'signedOut', reason: 'start', user: null, account: name });
      return { ok: true, value: page.broker.snapshotNow };
    });
    page.broker.accounts.mockResolvedValue({
      ok: true,
      value: [{ name: 'first', user: ADA, current: false }],
    });
    await page.press('add-account');
    await flushPromises();
    expect(page.broker.switchAccount.mock.lastCall?.[0]).toMatch(/^account-[0-9a-f-]{36}$/);
    expect(page.shows('sign-in-form')).toBe(true);
    await page.press('go-on-as');
    expect(page.broker.switchAccount).toHaveBeenLastCalledWith('first');
  });

  it('are signed out after a yes', async () => {
    const page = await withTwo();
    await page.press('sign-out-account');
    expect(page.text('confirm-dialog')).toContain(texts.accounts.signOutHeading(ADA.name ?? ''));
    expect(page.broker.signOut).not.toHaveBeenCalled();
    await page.press('confirm-yes');
    expect(page.broker.signOut).toHaveBeenCalledTimes(1);
  });
});

describe('the refreshes', () => {
  it('are shown as they happen, with those who wait', async () => {
    const page = await accountPage();
    await flushPromises();
    expect(page.text('refresh-status')).toBe(texts.timeline.idle);
    const startedAtMs = Date.now();
    page.broker.refreshing({ number: 1, startedAtMs, waiters: 3 });
    await flushPromises();
    expect(page.text('refresh-status')).toBe('A refresh is running. 3 calls wait.');
    expect(page.element('refresh-row').dataset.outcome).toBe('running');
    page.broker.refreshing({ number: 1, endedAtMs: startedAtMs + 40, outcome: 'renewed', waiters: 4 });
    await flushPromises();
    expect(page.text('refresh-status')).toBe(texts.timeline.idle);
    expect(page.app.findAll('[data-testid=refresh-row]')).toHaveLength(1);
    expect(page.text('refresh-row')).toContain(refreshOutcomeTexts.renewed.text);
    expect(page.text('refresh-row')).toContain('4 calls waited.');
    expect(page.text('refresh-row')).toContain('40 ms');
    expect(page.element('refresh-mark').dataset.waiters).toBe('4');
    expect(page.element('refresh-track').getAttribute('aria-hidden')).toBe('true');
  });

  it('name what went wrong', async () => {
    const page = await accountPage();
    page.broker.refreshing({ number: 1, endedAtMs: Date.now(), outcome: 'failed', code: 'ERR_VAULT_IO' });
    await flushPromises();
    expect(page.text('refresh-row')).toContain(errorTexts.ERR_VAULT_IO.title);
  });

  it('are asked for ten times at once, and counted', async () => {
    const page = await accountPage();
    page.broker.refresh.mockImplementation(async () => {
      page.broker.refreshing({ number: 7, endedAtMs: Date.now(), outcome: 'confirmed', waiters: 10 });
      return { ok: true, value: page.broker.snapshotNow };
    });
    await page.press('refresh-many');
    await vi.waitFor(() =>
      expect(page.text('refresh-many-result')).toBe(texts.timeline.refreshedMany(10, 1)),
    );
    expect(page.broker.refresh).toHaveBeenCalledTimes(10);
  });

  it('tell how long the token lives, in words too', async () => {
    const expiresAtMs = Date.now() + 2 * 60 * 60_000;
    const page = await accountPage(new FakeBroker({ ...activeAs(), expiresAtMs }));
    await flushPromises();
    expect(page.text('token-ends')).toBe('Ends in 2 hours');
    const meter = page.app.find('meter');
    expect(meter.attributes('aria-valuetext')).toBe(texts.timeline.tokenLife(100, 'in 2 hours'));
    page.broker.change({ state: 'expired', reason: 'ended' });
    await flushPromises();
    expect(page.text('token-ends')).toBe(texts.timeline.tokenNone);
  });
});

describe('ten calls at once', () => {
  it('are counted, with the refreshes that they caused', async () => {
    const page = await accountPage();
    let calls = 0;
    page.broker.serve(() => {
      calls += 1;
      if (calls === 1)
        page.broker.refreshing({ number: 1, endedAtMs: Date.now(), outcome: 'renewed', waiters: 10 });
      return { status: 200, json: { user: ADA, servedAt: '2026-05-17T12:00:00.000Z', message: 'Hi.' } };
    });
    await page.press('call-api-many');
    await vi.waitFor(() => expect(page.shows('api-many-result')).toBe(true));
    expect(calls).toBe(10);
    expect(page.element('api-many-result').dataset).toMatchObject({ failed: '0', refreshes: '1' });
  });

  it('say how many failed, and why', async () => {
    const page = await accountPage();
    page.broker.fetch.mockResolvedValue(failure('ERR_TLS'));
    await page.press('call-api-many');
    await vi.waitFor(() => expect(page.shows('api-many-result')).toBe(true));
    expect(page.text('api-many-result')).toContain(texts.api.someFailed(10, 10));
    expect(page.text('api-many-result')).toContain(errorTexts.ERR_TLS.title);
  });
});

describe('the anomalies', () => {
  it('are told in words, newest first, with what to do', async () => {
    const page = await accountPage();
    page.broker.anomalies.mockResolvedValue({
      ok: true,
      value: [
        { kind: 'clockSetBack', atMs: Date.now() - 60_000, count: 1 },
        { kind: 'unknownSender', atMs: Date.now(), count: 5 },
      ],
    });
    await openSection(page, 'security');
    const rows = page.app.findAll('[data-testid=anomalies] li');
    expect(rows.map((row) => row.attributes('data-kind'))).toEqual(['unknownSender', 'clockSetBack']);
    expect(rows[0]?.text()).toContain(anomalyTexts.unknownSender.text);
    expect(rows[0]?.text()).toContain(anomalyTexts.unknownSender.advice);
    expect(rows[0]?.text()).toContain(texts.anomalies.count(5));
  });

  it('say so when there are none', async () => {
    const page = await accountPage();
    await openSection(page, 'security');
    expect(page.text('anomalies-none')).toBe(texts.anomalies.none);
  });
});

describe('the vault', () => {
  it('says what to do when it is as strong as a passphrase', async () => {
    const page = await accountPage(
      new FakeBroker({
        ...activeAs(),
        protection: { backend: 'passphrase', description: 'Sealed under a passphrase.', path: '/v' },
      }),
    );
    await openSection(page, 'security');
    expect(page.text('vault-advice')).toContain('five random words');
    expect(page.text('vault-advice')).toContain('sudo apt install gnome-keyring');
  });
});

describe('two-factor sign-in', () => {
  const URI = 'otpauth://totp/Latchkey:ada@example.com?secret=JBSWY3DPEHPK3PXP&issuer=Latchkey';
  const CODES = ['aaaaa-bbbbb', 'ccccc-ddddd'];

  async function securityPage(on: boolean, answers: Record<string, { status: number; json: unknown }> = {}) {
    const page = await accountPage();
    page.broker.serve((url) => {
      const path = new URL(url).pathname.replace('/api/auth', '');
      if (path === '/get-session')
        return { status: 200, json: { session: { id: 's' }, user: { ...ADA, twoFactorEnabled: on } } };
      return answers[path] ?? { status: 404, json: {} };
    });
    await openSection(page, 'security');
    await vi.waitFor(() => expect(page.shows('two-factor-state')).toBe(true));
    return page;
  }

  async function submit(page: Page, testid: string): Promise<void> {
    (page.element(testid).closest('form') as HTMLFormElement).dispatchEvent(new Event('submit'));
    await flushPromises();
  }

  it('is set up: password, code, backup codes shown once', async () => {
    const page = await securityPage(false, {
      '/two-factor/enable': { status: 200, json: { method: 'totp', totpURI: URI, backupCodes: CODES } },
      '/two-factor/verify-totp': { status: 200, json: { token: 'handle', user: ADA } },
    });
    expect(page.element('two-factor-state').dataset.on).toBe('false');
    await page.press('two-factor-set-up');
    expect(document.activeElement).toBe(page.element('two-factor-password'));
    await page.fill('two-factor-password', 'secret');
    await submit(page, 'two-factor-password');
    await vi.waitFor(() => expect(page.shows('totp-secret')).toBe(true));
    expect(page.text('totp-secret')).toBe('JBSW Y3DP EHPK 3PXP');
    expect(page.app.find('svg.qr title').text()).toBe(texts.twoFactor.qrLabel);
    expect(page.app.find('svg.qr path').attributes('d')).toMatch(/^M\d+ \d+h1v1h-1z/);

    await page.fill('totp-code', '12 34');
    await submit(page, 'totp-code');
    expect(page.text('enrolment')).toContain(texts.twoFactor.codeMissing);
    await page.fill('totp-code', '123 456');
    await submit(page, 'totp-code');
    await vi.waitFor(() => expect(page.shows('backup-codes')).toBe(true));
    const sent = page.broker.fetch.mock.calls.find(([url]) => url.endsWith('/verify-totp'))?.[1]?.body;
    expect(JSON.parse(new TextDecoder().decode(sent as Uint8Array))).toMatchObject({ code: '123456' });
    expect(page.app.findAll('[data-testid=backup-code]').map((code) => code.text())).toEqual(CODES);
    await page.press('codes-kept');
    expect(page.shows('backup-codes')).toBe(false);
    expect(page.element('two-factor-state').dataset.on).toBe('true');
  });

  it('says at the field that the password or the code is not right', async () => {
    const page = await securityPage(false, {
      '/two-factor/enable': { status: 400, json: { code: 'INVALID_PASSWORD', message: 'Invalid password' } },
    });
    await page.press('two-factor-set-up');
    await submit(page, 'two-factor-password');
    expect(page.text('account')).toContain(texts.twoFactor.passwordMissing);
    await page.fill('two-factor-password', 'wrong');
    await submit(page, 'two-factor-password');
    await vi.waitFor(() => expect(page.text('account')).toContain(texts.twoFactor.passwordWrong));
    expect(page.element('two-factor-password').getAttribute('aria-invalid')).toBe('true');
    await page.press('two-factor-cancel');
    expect(page.shows('two-factor-password')).toBe(false);
  });

  it('is turned off with the password', async () => {
    const page = await securityPage(true, { '/two-factor/disable': { status: 200, json: { status: true } } });
    await page.press('two-factor-off');
    await page.fill('two-factor-password', 'secret');
    await submit(page, 'two-factor-password');
    await vi.waitFor(() => expect(page.element('two-factor-state').dataset.on).toBe('false'));
    expect(page.text('two-factor-result')).toBe(texts.twoFactor.turnedOff);
  });

  it('is not offered where the provider is not the one of the official client', async () => {
    const broker = new FakeBroker(activeAs());
    const [own] = broker.providers.all;
    if (own) broker.providers = { chosen: 'oidc', all: [{ ...own, id: 'oidc' }] };
    const page = await accountPage(broker);
    await openSection(page, 'security');
    expect(page.text('account')).not.toContain(texts.twoFactor.heading);
    expect(page.shows('vault-backend')).toBe(true);
  });
});
