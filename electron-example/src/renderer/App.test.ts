import { flushPromises } from '@vue/test-utils';
import type { AuthSnapshot } from 'electron-latchkey/renderer';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ADA, activeAs, FakeBroker, failure, GRACE, pending } from './testing/fake-broker';
import { mountApp } from './testing/mount-app';
import { errorTexts, texts } from './texts';

describe('at the start', () => {
  it('shows the splash, and no form, while the vault opens', async () => {
    const page = await mountApp(new FakeBroker({ state: 'opening' }));
    expect(page.shows('splash')).toBe(true);
    expect(page.shows('sign-in-form')).toBe(false);
    expect(document.title).toBe('Starting – Latchkey');
  });

  it('goes from the splash to the account without a form in between', async () => {
    const page = await mountApp(new FakeBroker({ state: 'opening' }));
    const seen = vi.fn();
    const observer = new MutationObserver(() => page.shows('sign-in-form') && seen());
    observer.observe(document.body, { childList: true, subtree: true });
    page.broker.change({ ...activeAs(), state: 'restoring' });
    await flushPromises();
    page.broker.change(activeAs());
    await flushPromises();
    observer.disconnect();
    expect(page.text('user-email')).toBe(ADA.email);
    expect(seen).not.toHaveBeenCalled();
  });
});

describe('the form', () => {
  it('signs in and shows the account, named in the title and read out', async () => {
    const page = await mountApp(new FakeBroker());
    expect(document.title).toBe('Sign in – Latchkey');
    expect(document.activeElement).toBe(page.element('email'));
    await page.fill('email', 'ada@example.com');
    await page.fill('password', 'secret');
    await page.submit();
    expect(page.shows('account')).toBe(true);
    expect(page.text('user-name')).toBe(ADA.name);
    expect(page.text('announcement')).toBe('Signed in as Ada Lovelace.');
    expect(document.title).toBe('Account – Latchkey');
  });

  it('lists what is missing, takes the focus there and sends nothing', async () => {
    const page = await mountApp(new FakeBroker());
    await page.submit();
    const summary = page.element('form-error');
    expect(summary.getAttribute('role')).toBe('alert');
    expect(document.activeElement).toBe(summary);
    expect(summary.textContent).toContain(texts.form.errors.emailMissing);
    expect(page.element('email').getAttribute('aria-invalid')).toBe('true');
    expect(page.broker.signIn).not.toHaveBeenCalled();
  });

  it('leads from the summary to the field', async () => {
    const page = await mountApp(new FakeBroker());
    await page.fill('email', 'ada@example.com');
    await page.submit();
    page.element('form-error').querySelector('button')?.click();
    expect(document.activeElement).toBe(page.element('password'));
  });

  it('checks a field when it is left, not while it is typed, and not when it was only passed', async () => {
    const page = await mountApp(new FakeBroker());
    const email = page.app.find('[data-testid="email"]');
    await email.trigger('blur');
    expect(email.attributes('aria-invalid')).toBeUndefined();
    await email.setValue('ada@');
    expect(email.attributes('aria-invalid')).toBeUndefined();
    await email.trigger('blur');
    expect(email.attributes('aria-invalid')).toBe('true');
    const help = document.getElementById(email.attributes('aria-describedby') ?? '');
    expect(help?.textContent).toBe(texts.form.errors.emailInvalid);
  });

  it.each([
    'ERR_INVALID_CREDENTIALS',
    'ERR_NETWORK',
    'ERR_SERVER',
    'ERR_UNEXPECTED_RESPONSE',
    'ERR_RATE_LIMITED',
  ] as const)('says in words what %s means, and keeps what was typed', async (code) => {
    const page = await mountApp(new FakeBroker());
    page.broker.signIn.mockResolvedValue(failure(code));
    await page.fill('email', 'ada@example.com');
    await page.fill('password', 'secret');
    await page.submit();
    expect(page.text('form-error')).toContain(errorTexts[code].title);
    expect(page.text('form-error')).not.toContain(code);
    expect((page.element('password') as HTMLInputElement).value).toBe('secret');
  });

  it('is busy while it waits, and cannot be sent twice', async () => {
    const page = await mountApp(new FakeBroker());
    const answer = pending<ReturnType<typeof failure>>();
    page.broker.signIn.mockReturnValue(answer.promise);
    await page.fill('email', 'ada@example.com');
    await page.fill('password', 'secret');
    await page.submit();
    await page.submit();
    expect(page.element('submit').getAttribute('aria-disabled')).toBe('true');
    expect(page.text('submit')).toBe(texts.form.signingIn);
    expect(page.broker.signIn).toHaveBeenCalledTimes(1);
    answer.resolve(failure('ERR_TIMEOUT'));
    await flushPromises();
    expect(page.element('submit').hasAttribute('aria-disabled')).toBe(false);
  });

  it('shows and hides the password', async () => {
    const page = await mountApp(new FakeBroker());
    const type = () => page.element('password').getAttribute('type');
    expect(type()).toBe('password');
    await page.press('show-password');
    expect(type()).toBe('text');
    expect(page.element('show-password').getAttribute('aria-label')).toBe(texts.form.hidePassword);
    await page.press('show-password');
    expect(type()).toBe('password');
  });

  it('switches to sign-up, keeps the address and asks password managers for a new password', async () => {
    const page = await mountApp(new FakeBroker());
    await page.fill('email', 'new@example.com');
    await page.press('switch-to-sign-up');
    expect(document.title).toBe('Create account – Latchkey');
    expect(document.activeElement).toBe(page.element('name'));
    expect(page.element('password').getAttribute('autocomplete')).toBe('new-password');
    await page.fill('name', 'New Person');
    await page.fill('password', 'long enough');
    await page.submit();
    expect(page.broker.signUp).toHaveBeenCalledWith({
      name: 'New Person',
      email: 'new@example.com',
      password: 'long enough',
    });
    expect(page.text('user-name')).toBe('New Person');
  });

  it('fills in the demo account on request', async () => {
    const page = await mountApp(new FakeBroker());
    await page.press('fill-demo');
    await page.submit();
    expect(page.broker.signIn.mock.calls[0]?.[0]).toMatchObject({ email: 'demo@example.com' });
  });
});

describe('an expired session', () => {
  async function expiredPage() {
    const page = await mountApp(new FakeBroker(activeAs()));
    await page.fill('note', 'half a thought');
    page.broker.change({ state: 'expired', reason: 'ended' });
    await flushPromises();
    return page;
  }

  it('puts one notice over the page and leaves the page as it is', async () => {
    const page = await expiredPage();
    expect(page.app.findAll('[data-testid="notice-expired"]')).toHaveLength(1);
    expect(page.element('notice-expired').getAttribute('role')).toBe('alert');
    expect(page.text('user-email')).toBe(ADA.email);
    expect(page.shows('sign-in-form')).toBe(false);
    expect(document.title).toBe('Session expired – Latchkey');
  });

  it('signs in again over the page, with the address filled in, and keeps the note', async () => {
    const page = await expiredPage();
    await page.press('sign-in-again');
    expect((page.element('email') as HTMLInputElement).value).toBe(ADA.email);
    await page.fill('password', 'secret');
    await page.submit();
    expect(page.shows('sign-in-dialog')).toBe(false);
    expect(page.shows('notice-expired')).toBe(false);
    expect((page.element('note') as HTMLTextAreaElement).value).toBe('half a thought');
    expect(page.text('announcement')).toBe(texts.announce.signedInAgain);
  });

  it('is signed in again, not anew, also when the app was opened with it', async () => {
    const page = await mountApp(new FakeBroker({ ...activeAs(), state: 'expired', reason: 'ended' }));
    await page.press('sign-in-again');
    await page.fill('password', 'secret');
    await page.submit();
    expect(page.text('announcement')).toBe(texts.announce.signedInAgain);
  });

  it('stays open with the reason after a wrong password', async () => {
    const page = await expiredPage();
    page.broker.signIn.mockImplementation(async () => {
      page.broker.change({ state: 'signingIn', user: null });
      await flushPromises();
      page.broker.change({ state: 'expired', user: ADA });
      return failure('ERR_INVALID_CREDENTIALS');
    });
    await page.press('sign-in-again');
    await page.fill('password', 'wrong');
    await page.submit();
    expect(page.text('form-error')).toContain(errorTexts.ERR_INVALID_CREDENTIALS.title);
    expect((page.element('note') as HTMLTextAreaElement).value).toBe('half a thought');
  });

  it('closes the dialog when another window has signed in', async () => {
    const page = await expiredPage();
    await page.press('sign-in-again');
    page.broker.change(activeAs());
    await flushPromises();
    expect(page.shows('sign-in-dialog')).toBe(false);
  });

  it('does not show the note to somebody else', async () => {
    const page = await expiredPage();
    page.broker.change(activeAs(GRACE));
    await flushPromises();
    expect((page.element('note') as HTMLTextAreaElement).value).toBe('');
  });

  it('asks on the sign-in screen when it is not known whose it was', async () => {
    const page = await mountApp(new FakeBroker({ state: 'expired', reason: 'ended' }));
    expect(page.shows('notice-expired')).toBe(true);
    expect(page.shows('sign-in-form')).toBe(true);
  });
});

describe('offline', () => {
  beforeEach(() =>
    vi.useFakeTimers({ now: Date.UTC(2026, 4, 17, 12), toFake: ['Date', 'setInterval', 'clearInterval'] }),
  );
  afterEach(() => vi.useRealTimers());

  it('says so, keeps the person, and counts down to the next try', async () => {
    const page = await mountApp(
      new FakeBroker({ ...activeAs(), state: 'offline', reason: 'network', retryAtMs: Date.now() + 42_000 }),
    );
    expect(page.element('notice-offline').closest('[role="status"]')).not.toBeNull();
    expect(page.text('notice-offline')).toContain('(in 42 seconds)');
    expect(page.text('user-email')).toBe(ADA.email);
    vi.advanceTimersByTime(2000);
    await flushPromises();
    expect(page.text('notice-offline')).toContain('(in 40 seconds)');
    vi.advanceTimersByTime(40_000);
    await flushPromises();
    expect(page.text('notice-offline')).toContain(texts.offline.tryingSoon);
  });

  it('tries now on request and says when it is back', async () => {
    const page = await mountApp(new FakeBroker({ ...activeAs(), state: 'offline', reason: 'server' }));
    page.broker.refresh.mockImplementation(async () => {
      page.broker.change(activeAs());
      return { ok: true, value: page.broker.snapshotNow };
    });
    page.element('try-now').focus();
    await page.press('try-now');
    expect(page.shows('notice-offline')).toBe(false);
    expect(page.text('announcement')).toBe(texts.announce.online);
    expect(document.activeElement?.tagName).toBe('H1');
  });
});

describe('the account', () => {
  it('names the state, the reason, the end of the session and the vault', async () => {
    const page = await mountApp(new FakeBroker(activeAs()));
    expect(page.text('session-state')).toBe('Active');
    expect(page.text('session-reason')).toBe('Restored from the vault and confirmed by the server.');
    expect(page.text('session-expiry')).toMatch(/\d{4}.*\(in 7 days\)$/);
    await page.press('section-security');
    expect(page.text('vault-backend')).toContain('Secret Service');
    expect(page.text('vault-path')).toBe('/home/ada/.local/share/app');
    expect(page.text('account')).toContain('Sealed under the login keyring.');
  });

  it('calls the protected API and shows the answer', async () => {
    const page = await mountApp(new FakeBroker(activeAs()));
    page.broker.serve(() => ({
      status: 200,
      json: { user: ADA, servedAt: '2026-05-17T12:00:00.000Z', message: 'Only for you.' },
    }));
    await page.press('call-api');
    expect(page.element('api-result').dataset.outcome).toBe('ok');
    expect(page.text('api-result')).toContain('Only for you.');
  });

  it('shows that the call runs, then why it failed', async () => {
    const page = await mountApp(new FakeBroker(activeAs()));
    const answer = pending<ReturnType<typeof failure>>();
    page.broker.fetch.mockReturnValue(answer.promise);
    await page.press('call-api');
    expect(page.text('call-api')).toBe(texts.api.calling);
    expect(page.shows('api-result')).toBe(false);
    answer.resolve(failure('ERR_TIMEOUT'));
    await flushPromises();
    expect(page.text('api-result')).toContain(errorTexts.ERR_TIMEOUT.title);
  });

  it('asks main about the session when the API says it is over', async () => {
    const page = await mountApp(new FakeBroker(activeAs()));
    page.broker.serve(() => ({ status: 401, json: {} }));
    page.broker.refresh.mockImplementation(async () => {
      page.broker.change({ state: 'expired', reason: 'ended' });
      return { ok: true, value: page.broker.snapshotNow };
    });
    await page.press('call-api');
    expect(page.shows('notice-expired')).toBe(true);
    expect(page.element('api-result').dataset.code).toBe('ERR_SESSION_EXPIRED');
  });

  it('signs out, says so, and forgets the note', async () => {
    const page = await mountApp(new FakeBroker(activeAs()));
    await page.fill('note', 'private');
    await page.press('sign-out');
    expect(page.shows('sign-in-form')).toBe(true);
    expect(page.text('announcement')).toBe(texts.announce.signedOut);
    page.broker.change(activeAs());
    await flushPromises();
    expect((page.element('note') as HTMLTextAreaElement).value).toBe('');
  });

  it('stays, with a notice, when signing out failed', async () => {
    const page = await mountApp(new FakeBroker(activeAs()));
    page.broker.signOut.mockResolvedValue(failure('ERR_VAULT_IO'));
    await page.press('sign-out');
    expect(page.shows('account')).toBe(true);
    expect(page.app.find('[role="alert"]').text()).toContain(errorTexts.ERR_VAULT_IO.title);
  });
});

describe('the official Better Auth client', () => {
  async function accountSection() {
    const page = await mountApp(new FakeBroker(activeAs()));
    await page.press('section-account');
    return page;
  }

  it('saves the display name over the broker, reads it back, and has main take it over', async () => {
    const page = await accountSection();
    let name = ADA.name;
    page.broker.serve((url, init) => {
      if (url.endsWith('/update-user'))
        name = JSON.parse(new TextDecoder().decode(init?.body as Uint8Array)).name;
      return {
        status: 200,
        json: url.endsWith('/update-user') ? { status: true } : { session: {}, user: { ...ADA, name } },
      };
    });
    await page.fill('display-name', ' Ada King ');
    await page.app.find('[data-testid="save-name"]').trigger('submit');
    await vi.waitFor(() =>
      expect(page.text('name-result')).toBe('Saved. The server now knows you as Ada King.'),
    );
    expect(
      page.broker.fetch.mock.calls.map(([url, init]) => `${init?.method} ${new URL(url).pathname}`),
    ).toEqual(['POST /api/auth/update-user', 'GET /api/auth/get-session']);
    expect(page.broker.refresh).toHaveBeenCalledTimes(1);
  });

  it.each([
    [401, 'ERR_SESSION_EXPIRED'],
    [500, 'ERR_SERVER'],
  ] as const)('says why the name was not saved at status %d', async (status, code) => {
    const page = await accountSection();
    page.broker.serve(() => ({ status, json: { code: 'SOME_CODE', message: 'text' } }));
    await page.app.find('[data-testid="save-name"]').trigger('submit');
    await vi.waitFor(() => expect(page.text('name-result')).toContain(errorTexts[code].title));
  });

  it('asks for a name before it sends anything', async () => {
    const page = await accountSection();
    await page.fill('display-name', '  ');
    await page.app.find('[data-testid="save-name"]').trigger('submit');
    await flushPromises();
    expect(page.element('display-name').getAttribute('aria-invalid')).toBe('true');
    expect(page.broker.fetch).not.toHaveBeenCalled();
  });
});

describe('a vault that does not open', () => {
  const closed = {
    state: 'unavailable',
    protection: null,
    problem: { code: 'ERR_KEYCHAIN_UNAVAILABLE', message: 'No service answers.' },
  } as const;

  it('says what is missing and what to do, and offers no sign-in', async () => {
    const page = await mountApp(new FakeBroker(closed));
    expect(page.text('unavailable-code')).toBe('ERR_KEYCHAIN_UNAVAILABLE');
    expect(page.text('unavailable')).toContain('sudo apt install gnome-keyring');
    expect(page.text('unavailable-message')).toBe('No service answers.');
    expect(page.shows('sign-in-form')).toBe(false);
    expect(document.title).toBe('Storage unavailable – Latchkey');
  });

  it('says that a retry changed nothing', async () => {
    const page = await mountApp(new FakeBroker(closed));
    await page.press('retry');
    expect(page.text('unavailable')).toContain(texts.unavailable.still);
  });

  it('goes on when a retry worked', async () => {
    const page = await mountApp(new FakeBroker(closed));
    page.broker.retry.mockImplementation(async () => {
      page.broker.change({ state: 'signedOut', problem: null });
      return { ok: true, value: page.broker.snapshotNow };
    });
    await page.press('retry');
    expect(page.shows('sign-in-form')).toBe(true);
  });
});

describe('a locked session', () => {
  async function lockedPage(reason: AuthSnapshot['reason'] = 'locked') {
    const page = await mountApp(new FakeBroker(activeAs()));
    await page.fill('note', 'half a thought');
    page.broker.change({ state: 'locked', reason });
    await flushPromises();
    return page;
  }

  it('is locked by the button of the account page', async () => {
    const page = await mountApp(new FakeBroker(activeAs()));
    await page.press('lock-now');
    expect(page.broker.lock).toHaveBeenCalledTimes(1);
    expect(page.shows('locked')).toBe(true);
    expect(document.title).toBe('Locked – Latchkey');
    expect(document.activeElement?.tagName).toBe('H1');
  });

  it('says so when the lock could not be stored, and stays on the page', async () => {
    const page = await mountApp(new FakeBroker(activeAs()));
    page.broker.lock.mockResolvedValue(failure('ERR_VAULT_IO'));
    await page.press('lock-now');
    const alert = page.app.find('[role="alert"]').text();
    expect(alert).toContain(texts.header.lockFailed);
    expect(alert).toContain(errorTexts.ERR_VAULT_IO.title);
  });

  it('hides the account, says whose it is and why it is locked, and asks for no password', async () => {
    const page = await lockedPage('idle');
    expect(page.shows('account')).toBe(false);
    expect(page.shows('sign-in-form')).toBe(false);
    expect(page.text('locked-name')).toBe(ADA.name);
    expect(page.text('locked-email')).toBe(ADA.email);
    expect(page.text('locked')).toContain('locked itself');
  });

  it('is unlocked by its button, read out, with the note as it was', async () => {
    const page = await lockedPage();
    await page.press('unlock');
    expect(page.shows('account')).toBe(true);
    expect(page.text('announcement')).toBe(texts.announce.unlocked);
    expect((page.element('note') as HTMLTextAreaElement).value).toBe('half a thought');
  });

  it('waits visibly while the person is asked, and says when it stays locked', async () => {
    const page = await lockedPage();
    const answer = pending<ReturnType<typeof failure>>();
    page.broker.unlock.mockReturnValue(answer.promise);
    await page.press('unlock');
    expect(page.text('unlock')).toBe(texts.locked.unlocking);
    await page.press('unlock');
    expect(page.broker.unlock).toHaveBeenCalledTimes(1);
    answer.resolve(failure('ERR_UNLOCK_REFUSED'));
    await flushPromises();
    expect(page.element('unlock-error').getAttribute('role')).toBe('alert');
    expect(page.text('unlock-error')).toContain(errorTexts.ERR_UNLOCK_REFUSED.title);
    expect(page.shows('locked')).toBe(true);
  });

  it('can be left by signing in with the password, or out', async () => {
    const page = await lockedPage();
    await page.press('use-password');
    expect((page.element('email') as HTMLInputElement).value).toBe(ADA.email);
    await page.fill('password', 'secret');
    await page.submit();
    expect(page.shows('account')).toBe(true);
    page.broker.change({ state: 'locked', reason: 'locked' });
    await flushPromises();
    await page.press('sign-out');
    expect(page.shows('sign-in-form')).toBe(true);
  });

  it('cannot be locked when it has ended: there is nothing left to lock', async () => {
    const page = await mountApp(new FakeBroker({ ...activeAs(), state: 'expired', reason: 'ended' }));
    expect(page.shows('lock-now')).toBe(false);
  });
});

describe('a renewal that was not answered', () => {
  async function unansweredPage() {
    const page = await mountApp(new FakeBroker(activeAs()));
    await page.fill('note', 'half a thought');
    page.broker.change({ state: 'offline', reason: 'unanswered', retryAtMs: null });
    await flushPromises();
    return page;
  }

  it('is told in words, read out, with the page as it was', async () => {
    const page = await unansweredPage();
    expect(page.element('notice-unanswered').closest('[role="status"]')).not.toBeNull();
    expect(page.text('notice-unanswered')).toContain(texts.unanswered.body);
    expect(page.shows('notice-offline')).toBe(false);
    expect(page.text('user-email')).toBe(ADA.email);
    expect(document.title).toBe('Account (not confirmed) – Latchkey');
  });

  it('is tried once more only when the person says so, and goes on when that worked', async () => {
    const page = await unansweredPage();
    expect(page.broker.refresh).not.toHaveBeenCalled();
    page.broker.refresh.mockImplementation(async () => {
      page.broker.change(activeAs());
      return { ok: true, value: page.broker.snapshotNow };
    });
    page.element('try-once-more').focus();
    await page.press('try-once-more');
    expect(page.broker.refresh.mock.calls).toEqual([[{ retryUnanswered: true }]]);
    expect(page.shows('notice-unanswered')).toBe(false);
    expect(document.activeElement?.tagName).toBe('H1');
  });

  it('becomes an ended session when the token was spent, with the note kept', async () => {
    const page = await unansweredPage();
    page.broker.refresh.mockImplementation(async () => {
      page.broker.change({ state: 'expired', reason: 'ended' });
      return failure('ERR_SESSION_EXPIRED');
    });
    await page.press('try-once-more');
    expect(page.shows('notice-expired')).toBe(true);
    expect((page.element('note') as HTMLTextAreaElement).value).toBe('half a thought');
  });

  it('stays when the server is out of reach once more', async () => {
    const page = await unansweredPage();
    page.broker.refresh.mockResolvedValue(failure('ERR_NETWORK'));
    await page.press('try-once-more');
    expect(page.shows('notice-unanswered')).toBe(true);
    expect(page.element('try-once-more').hasAttribute('aria-disabled')).toBe(false);
  });

  it('is over after signing in again over the page', async () => {
    const page = await unansweredPage();
    await page.press('sign-in-again');
    expect((page.element('email') as HTMLInputElement).value).toBe(ADA.email);
    await page.fill('password', 'secret');
    await page.submit();
    expect(page.shows('sign-in-dialog')).toBe(false);
    expect(page.shows('notice-unanswered')).toBe(false);
    expect(page.text('announcement')).toBe(texts.announce.signedInAgain);
    expect((page.element('note') as HTMLTextAreaElement).value).toBe('half a thought');
  });
});

describe('trouble that is not the network’s', () => {
  it.each(['busy', 'notStored'] as const)(
    'says what %s means, and not that one is offline',
    async (reason) => {
      const page = await mountApp(new FakeBroker({ ...activeAs(), state: 'offline', reason }));
      const words = texts.offline.notices[reason];
      expect(words).toBeDefined();
      expect(page.text('notice-offline')).toContain(words?.heading);
      expect(page.text('notice-offline')).toContain(words?.body);
      expect(page.text('account')).not.toMatch(/offline/i);
      expect(page.text('session-state')).toBe(texts.session.unconfirmed);
    },
  );

  it('says on the sign-in screen, aloud too, that another copy signed out', async () => {
    const page = await mountApp(new FakeBroker(activeAs()));
    page.broker.change({ state: 'signedOut', reason: 'elsewhere', user: null });
    await flushPromises();
    expect(page.text('notice-elsewhere')).toContain(texts.signedOutElsewhere.body);
    expect(page.text('announcement')).toBe(texts.announce.signedOutElsewhere);
    await page.fill('email', 'ada@example.com');
    await page.fill('password', 'secret');
    await page.submit();
    await page.press('sign-out');
    expect(page.shows('notice-elsewhere')).toBe(false);
  });

  it('names a lifetime that ended as such', async () => {
    const page = await mountApp(new FakeBroker({ ...activeAs(), state: 'expired', reason: 'lifetime' }));
    expect(page.text('notice-expired')).toContain(texts.expired.lifetime);
  });
});
