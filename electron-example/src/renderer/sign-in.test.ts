import { flushPromises } from '@vue/test-utils';
import { describe, expect, it, vi } from 'vitest';
import {
  ADA,
  activeAs,
  BETTER_AUTH,
  FakeBroker,
  failure,
  OIDC,
  pendingSignIn,
  SECOND_FACTORS,
} from './testing/fake-broker';
import { mountApp, type Page } from './testing/mount-app';
import { errorTexts, texts } from './texts';

const submit = async (page: Page, testid: string) => {
  await page.app.find(`[data-testid="${testid}"]`).trigger('submit');
  await flushPromises();
};

const signedInBy = (broker: FakeBroker) => broker.change({ ...activeAs(), reason: 'signedIn', signIns: [] });

describe('signing in with the browser', () => {
  it('waits in the place of the form, and goes on by itself', async () => {
    const page = await mountApp(new FakeBroker());
    page.broker.waitFor('browser');
    await page.press('sign-in-with-browser');
    expect(page.broker.signIn).toHaveBeenCalledWith({ method: 'browser' });
    expect(page.shows('sign-in-form')).toBe(false);
    expect(document.activeElement).toBe(page.element('browser-waiting'));
    expect(document.title).toBe('Waiting for your browser – Latchkey');
    expect(page.text('announcement')).toBe(texts.announce.steps.browser);
    signedInBy(page.broker);
    await flushPromises();
    expect(page.text('user-email')).toBe(ADA.email);
  });

  it('can be cancelled, and the form is back with the focus in it', async () => {
    const page = await mountApp(new FakeBroker());
    page.broker.waitFor('browser');
    await page.fill('email', 'ada@example.com');
    await page.press('sign-in-with-browser');
    await page.press('browser-cancel');
    expect(page.broker.cancelSignIn).toHaveBeenCalledWith(pendingSignIn('browser').id);
    expect((page.element('email') as HTMLInputElement).value).toBe('ada@example.com');
    expect(document.activeElement).toBe(page.element('password'));
  });

  it('can be opened again, copied, and gone on with by hand', async () => {
    const page = await mountApp(new FakeBroker());
    const { id } = page.broker.waitFor('browser');
    await page.press('sign-in-with-browser');
    await page.press('browser-open');
    expect(page.broker.openSignIn).toHaveBeenCalledWith(id);
    await page.press('browser-copy');
    expect(page.text('browser-copy')).toBe(texts.browser.copied);
    await page.app.find('.paste').trigger('submit');
    expect(page.element('browser-paste').getAttribute('aria-invalid')).toBe('true');
    expect(page.broker.submitCode).not.toHaveBeenCalled();
    await page.fill('browser-paste', ' com.example.latchkey://auth/callback#token=t ');
    await page.app.find('.paste').trigger('submit');
    await flushPromises();
    expect(page.broker.submitCode).toHaveBeenCalledWith(id, {
      strategy: 'callback',
      code: 'com.example.latchkey://auth/callback#token=t',
    });
    expect(page.text('user-email')).toBe(ADA.email);
  });

  it('says that the browser did not open, and waits on for the link', async () => {
    const page = await mountApp(new FakeBroker());
    const signIn = pendingSignIn('browser');
    page.broker.signIn.mockImplementation(async () => {
      page.broker.change({ state: 'signingIn', signIns: [signIn] });
      return { ok: true, value: { status: 'pending', signIn, browserOpened: false } };
    });
    await page.press('sign-in-with-browser');
    expect(page.text('sign-in-error')).toContain(errorTexts.ERR_BROWSER_NOT_OPENED.title);
    expect(page.shows('browser-copy')).toBe(true);
  });

  it('says why it failed, also when nobody waited here', async () => {
    const page = await mountApp(
      new FakeBroker({ signInProblem: { id: 'any', code: 'ERR_ACCESS_DENIED', message: 'no' } }),
    );
    expect(page.text('sign-in-error')).toContain(errorTexts.ERR_ACCESS_DENIED.title);
    page.broker.signIn.mockResolvedValue(failure('ERR_NOT_SUPPORTED'));
    await page.press('sign-in-with-browser');
    expect(page.text('sign-in-error')).toContain(errorTexts.ERR_NOT_SUPPORTED.title);
  });
});

describe('a second factor', () => {
  async function asked(more = {}): Promise<Page> {
    const page = await mountApp(new FakeBroker(more));
    page.broker.waitFor('code', { factors: SECOND_FACTORS });
    await page.fill('email', 'ada@example.com');
    await page.fill('password', 'secret');
    await page.submit();
    return page;
  }

  it('is asked for in the place of the form, by the authenticator first', async () => {
    const page = await asked();
    expect(page.shows('sign-in-form')).toBe(false);
    expect(page.app.find('h1').text()).toBe(texts.challenge.heading);
    expect(document.title).toBe('Confirm that it is you – Latchkey');
    expect((page.element('factor-totp') as HTMLInputElement).checked).toBe(true);
    expect(document.activeElement).toBe(page.element('code'));
    expect(page.shows('send-code')).toBe(false);
    await page.fill('code', ' 123 456 ');
    await submit(page, 'challenge');
    expect(page.broker.submitCode).toHaveBeenCalledWith(pendingSignIn('code').id, {
      strategy: 'totp',
      code: '123 456',
    });
    expect(page.text('user-email')).toBe(ADA.email);
  });

  it('stays after a wrong code, says so, and takes the next one', async () => {
    const page = await asked();
    page.broker.submitCode.mockResolvedValueOnce(failure('ERR_INVALID_CODE'));
    await page.fill('code', '000000');
    await submit(page, 'challenge');
    expect(page.element('sign-in-error').getAttribute('role')).toBe('alert');
    expect(page.text('sign-in-error')).toContain(errorTexts.ERR_INVALID_CODE.title);
    expect((page.element('code') as HTMLInputElement).value).toBe('');
    expect(document.activeElement).toBe(page.element('code'));
    await page.fill('code', '111111');
    await submit(page, 'challenge');
    expect(page.text('user-email')).toBe(ADA.email);
  });

  it('sends nothing without a code', async () => {
    const page = await asked();
    await submit(page, 'challenge');
    expect(page.element('code').getAttribute('aria-invalid')).toBe('true');
    expect(page.broker.submitCode).not.toHaveBeenCalled();
  });

  it('has a code sent by mail, and sent again', async () => {
    const page = await asked();
    const signIn = pendingSignIn('code', {
      factors: SECOND_FACTORS.map((factor) => ({ ...factor, sent: true })),
    });
    page.broker.sendCode.mockImplementation(async () => {
      page.broker.change({ signIns: [signIn] });
      return { ok: true, value: { status: 'pending', signIn, browserOpened: false } };
    });
    await page.app.find('[data-testid="factor-otp"]').setValue();
    expect(page.text('send-code')).toBe(texts.challenge.send);
    expect(page.shows('code')).toBe(false);
    await page.press('send-code');
    expect(page.broker.sendCode).toHaveBeenCalledWith(signIn.id, 'otp');
    expect(page.text('code-sent')).toBe(texts.challenge.sent);
    expect(page.text('send-code')).toBe(texts.challenge.sendAgain);
    expect(document.activeElement).toBe(page.element('code'));
  });

  it('trusts the device when it is told to, and takes a backup code with letters', async () => {
    const page = await asked();
    await page.app.find('[data-testid="factor-backupCode"]').setValue();
    expect(page.element('code').getAttribute('inputmode')).toBe('text');
    await page.fill('code', 'aBcDe-fGhIj');
    await page.app.find('[data-testid="trust-device"]').setValue(true);
    await submit(page, 'challenge');
    expect(page.broker.submitCode).toHaveBeenCalledWith(expect.any(String), {
      strategy: 'backupCode',
      code: 'aBcDe-fGhIj',
      trustDevice: true,
    });
  });

  it('is given up with cancel, and the form is back', async () => {
    const page = await asked();
    await page.press('challenge-cancel');
    expect(page.broker.cancelSignIn).toHaveBeenCalledWith(pendingSignIn('code').id);
    expect(page.shows('sign-in-form')).toBe(true);
    expect((page.element('email') as HTMLInputElement).value).toBe('ada@example.com');
  });

  it('that is over leads back to the form, which says so', async () => {
    const page = await asked();
    const { id } = pendingSignIn('code');
    page.broker.submitCode.mockImplementation(async () => {
      const signInProblem = { id, code: 'ERR_SIGN_IN_EXPIRED' as const, message: 'over' };
      page.broker.change({ state: 'signedOut', reason: 'signInFailed', signIns: [], signInProblem });
      return failure('ERR_SIGN_IN_EXPIRED');
    });
    await page.fill('code', '000000');
    await submit(page, 'challenge');
    expect(page.shows('sign-in-form')).toBe(true);
    expect(page.text('sign-in-error')).toContain(errorTexts.ERR_SIGN_IN_EXPIRED.title);
  });

  it('that waited before a restart is asked for again', async () => {
    const signIns = [pendingSignIn('code', { factors: SECOND_FACTORS })];
    const page = await mountApp(new FakeBroker({ state: 'signingIn', reason: 'start', signIns }));
    expect(page.shows('challenge')).toBe(true);
    expect(document.activeElement).toBe(page.element('code'));
  });

  it('is asked for over an expired page, in the dialog', async () => {
    const page = await mountApp(new FakeBroker(activeAs()));
    page.broker.change({ state: 'expired', reason: 'ended' });
    await flushPromises();
    await page.press('sign-in-again');
    const signIn = pendingSignIn('code', { factors: SECOND_FACTORS });
    page.broker.signIn.mockImplementation(async () => {
      page.broker.change({ signIns: [signIn] });
      return { ok: true, value: { status: 'pending', signIn, browserOpened: false } };
    });
    await page.fill('password', 'secret');
    await page.submit();
    expect(page.element('sign-in-dialog').textContent).toContain(texts.challenge.heading);
    await page.fill('code', '123456');
    await submit(page, 'challenge');
    expect(page.shows('sign-in-dialog')).toBe(false);
    expect(page.text('announcement')).toBe(texts.announce.signedInAgain);
  });
});

describe('a locked app', () => {
  it('is entered by the browser where the provider has no password', async () => {
    const broker = new FakeBroker({ ...activeAs(), state: 'locked', reason: 'locked' });
    broker.providers = { chosen: 'oidc', all: [OIDC] };
    const page = await mountApp(broker);
    expect(page.text('use-password')).toBe(texts.locked.signInAgain);
    await page.press('use-password');
    expect(document.activeElement).toBe(page.element('sign-in-with-browser'));
    broker.signIn.mockImplementation(async () => {
      const signIn = pendingSignIn('browser');
      broker.change({ signIns: [signIn] });
      return { ok: true, value: { status: 'pending', signIn, browserOpened: true } };
    });
    await page.press('sign-in-with-browser');
    expect(page.element('sign-in-dialog').textContent).toContain(texts.browser.waiting);
    signedInBy(broker);
    await flushPromises();
    expect(page.shows('account')).toBe(true);
  });
});

describe('a code by mail', () => {
  it('is asked for with the address alone, then typed', async () => {
    const page = await mountApp(new FakeBroker());
    const factors = [{ strategy: 'emailOtp', hint: 'a••@example.com', sent: true, first: true }];
    page.broker.waitFor('code', { factors });
    await page.fill('email', 'ada@example.com');
    await page.press('sign-in-with-code');
    expect((page.element('code-email') as HTMLInputElement).value).toBe('ada@example.com');
    expect(document.activeElement).toBe(page.element('code-email'));
    await submit(page, 'code-request');
    expect(page.broker.signIn).toHaveBeenCalledWith({ method: 'code', email: 'ada@example.com' });
    expect(page.app.find('h1').text()).toBe(texts.challenge.firstHeading);
    expect(page.text('challenge')).toContain('a••@example.com');
    expect(page.shows('trust-device')).toBe(false);
    expect(page.shows('factor-emailOtp')).toBe(false);
    await page.fill('code', '123456');
    await submit(page, 'challenge');
    expect(page.text('user-email')).toBe(ADA.email);
  });

  it('comes before the other ways that the server offers, and a password is hidden', async () => {
    const factors = [
      { strategy: 'password', hint: null, sent: true, first: true },
      { strategy: 'email_code', hint: null, sent: true, first: true },
    ];
    const signIns = [pendingSignIn('code', { factors })];
    const page = await mountApp(new FakeBroker({ state: 'signingIn', reason: 'start', signIns }));
    expect((page.element('factor-email_code') as HTMLInputElement).checked).toBe(true);
    await page.app.find('[data-testid="factor-password"]').setValue();
    expect(page.element('code').getAttribute('type')).toBe('password');
  });

  it('is followed by the second factor, where the server wants one', async () => {
    const first = [{ strategy: 'email_code', hint: null, sent: true, first: true }];
    const signIns = [pendingSignIn('code', { factors: first })];
    const page = await mountApp(new FakeBroker({ state: 'signingIn', reason: 'start', signIns }));
    const next = pendingSignIn('code', { factors: SECOND_FACTORS });
    page.broker.submitCode.mockImplementationOnce(async () => {
      page.broker.change({ signIns: [next] });
      return { ok: true, value: { status: 'pending', signIn: next, browserOpened: false } };
    });
    await page.fill('code', '424242');
    await submit(page, 'challenge');
    expect(page.app.find('h1').text()).toBe(texts.challenge.heading);
    expect((page.element('factor-totp') as HTMLInputElement).checked).toBe(true);
    expect((page.element('code') as HTMLInputElement).value).toBe('');
    await page.fill('code', '123456');
    await submit(page, 'challenge');
    expect(page.broker.submitCode).toHaveBeenLastCalledWith(next.id, { strategy: 'totp', code: '123456' });
  });

  it('says what is wrong with the address, and leads back to the password', async () => {
    const page = await mountApp(new FakeBroker());
    await page.press('sign-in-with-code');
    await submit(page, 'code-request');
    expect(page.element('code-email').getAttribute('aria-invalid')).toBe('true');
    expect(page.broker.signIn).not.toHaveBeenCalled();
    await page.press('sign-in-with-password');
    expect(document.activeElement).toBe(page.element('email'));
  });
});

describe('the providers', () => {
  const BOTH = { chosen: 'better-auth' as const, all: [BETTER_AUTH, OIDC] };

  it('are not shown where there is one', async () => {
    const page = await mountApp(new FakeBroker());
    expect(page.shows('provider-better-auth')).toBe(false);
  });

  it('are chosen from by buttons, and each offers its own ways only', async () => {
    const broker = new FakeBroker();
    broker.providers = BOTH;
    const page = await mountApp(broker);
    expect(page.element('provider-better-auth').getAttribute('aria-pressed')).toBe('true');
    expect(page.shows('sign-in-with-device')).toBe(false);
    await page.press('provider-better-auth');
    expect(page.broker.chooseProvider).not.toHaveBeenCalled();
    await page.press('provider-oidc');
    expect(page.broker.chooseProvider).toHaveBeenCalledWith('oidc');

    const other = new FakeBroker();
    other.providers = { ...BOTH, chosen: 'oidc' };
    const next = await mountApp(other);
    for (const absent of ['sign-in-form', 'switch-to-sign-up', 'sign-in-with-code', 'fill-demo'])
      expect(next.shows(absent), absent).toBe(false);
    expect(document.activeElement).toBe(next.element('sign-in-with-browser'));
  });

  it('say so when main refuses', async () => {
    const broker = new FakeBroker();
    broker.providers = BOTH;
    broker.chooseProvider.mockResolvedValue(failure('ERR_INTERNAL'));
    const page = await mountApp(broker);
    await page.press('provider-oidc');
    expect(page.text('sign-in-error')).toContain(errorTexts.ERR_INTERNAL.title);
  });

  it('can have another device sign in, with the code in large letters', async () => {
    const broker = new FakeBroker();
    broker.providers = { ...BOTH, chosen: 'oidc' };
    const page = await mountApp(broker);
    const { id } = broker.waitFor('device', {
      userCode: 'BDWP-HQPK',
      verificationUri: 'https://login.example.com/device',
    });
    await page.press('sign-in-with-device');
    expect(broker.signIn).toHaveBeenCalledWith({ method: 'device' });
    expect(page.text('device-code')).toBe('BDWP-HQPK');
    expect(page.text('device-address')).toBe('https://login.example.com/device');
    await page.press('device-open');
    expect(broker.openSignIn).toHaveBeenCalledWith(id);
    await page.press('device-cancel');
    expect(broker.cancelSignIn).toHaveBeenCalledWith(id);
    expect(page.shows('device-code')).toBe(false);
  });
});

describe('while the app clears up after somebody', () => {
  it('says so when it takes long, and not when it is over at once', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const page = await mountApp(new FakeBroker({ awaitingRestart: true }));
    expect(page.shows('notice-awaiting-restart')).toBe(false);
    vi.advanceTimersByTime(500);
    vi.useRealTimers();
    await flushPromises();
    expect(page.text('notice-awaiting-restart')).toContain(texts.awaitingRestart.heading);
    expect(page.element('notice-awaiting-restart').getAttribute('role')).toBe('status');
    page.broker.change({ awaitingRestart: false });
    await flushPromises();
    expect(page.shows('notice-awaiting-restart')).toBe(false);
  });

  it('sends a sign-in when it is done', async () => {
    const page = await mountApp(new FakeBroker({ awaitingRestart: true }));
    await page.fill('email', 'ada@example.com');
    await page.fill('password', 'secret');
    await page.submit();
    expect(page.broker.signIn).not.toHaveBeenCalled();
    page.broker.change({ awaitingRestart: false });
    await flushPromises();
    expect(page.broker.signIn).toHaveBeenCalledTimes(1);
    expect(page.text('user-email')).toBe(ADA.email);
  });
});
