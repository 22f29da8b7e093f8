// A day with the app, in steps that together show every screen. The tour plays it for people, accessibility.test.mjs for an
// accessibility checker. What a step needs is given to it, so that it runs on the built app and on a packaged one.
import { totp } from '../../__test__/peers/authenticator.mjs';
import { DEMO_USER } from './server.mjs';
import { SIGN_IN_STEPS } from './story-sign-in.mjs';

/**
 * @typedef {object} Stage
 * @property {import('playwright-core').Page} page the window that is open
 * @property {(options?: { gated?: boolean, env?: Record<string, string> }) => Promise<void>} open starts the app; `gated`: its
 *   keychain is behind `gate`; `env`: what it is told beside
 * @property {() => Promise<void>} quit
 * @property {(name: string) => Promise<void>} look what is shown now is a screen to look at
 * @property {import('./server.mjs').Server} server
 * @property {import('./bus-gate.mjs').BusGate | null} gate null where the keychain cannot be held back
 * @property {import('./system-browser.mjs').SystemBrowser | null} browser null where it would be the person's own
 * @property {{ after(task: () => unknown): void }} end is told what is to be done at the end
 * @property {string} [secret] of the second factor, once there is one
 */

/** In order. Each takes a {@link Stage} and answers what was seen, in words. */
export const STEPS = {
  async 'Open without a keychain'(stage) {
    if (stage.gate === null) return 'left out: this system’s keychain cannot be taken away';
    stage.gate.hold();
    await stage.open({ gated: true });
    await shown(stage, 'splash');
    await stage.look('Starting');
    stage.gate.refuse();
    await shown(stage, 'unavailable');
    await stage.look('No keychain');
    stage.gate.open();
    await press(stage, 'retry');
    await shown(stage, 'sign-in-form');
    return 'what is missing, and after a retry the sign-in form';
  },

  async 'Ways to sign in'(stage) {
    if (stage.gate === null) await stage.open();
    await shown(stage, 'sign-in-form');
    await stage.look('Sign in');
    await press(stage, 'submit');
    await shown(stage, 'form-error');
    await stage.look('Sign in, with mistakes');
    await press(stage, 'switch-to-sign-up');
    await shown(stage, 'name');
    await stage.look('Create account');
    await press(stage, 'switch-to-sign-in');
    return 'the forms';
  },

  ...SIGN_IN_STEPS,

  async 'Sign in'(stage) {
    await fillCredentials(stage);
    await shown(stage, 'account');
    await stateIs(stage, 'active');
    return text(stage, 'user-email');
  },

  async 'Call a protected route'(stage) {
    await press(stage, 'call-api');
    await shown(stage, 'api-result');
    const result = await text(stage, 'api-result');
    if (!result.includes(DEMO_USER.email)) throw new Error(`the answer does not name the user: ${result}`);
    await press(stage, 'refresh-many');
    await stage.page.getByTestId('refresh-many-result').getByText('asked for a refresh').waitFor();
    await stage.look('Overview');
    return `an answer that names the user; ${await text(stage, 'refresh-many-result')}`;
  },

  async 'Another account'(stage) {
    await press(stage, 'section-account');
    await shown(stage, 'accounts');
    await stage.look('Account');
    await press(stage, 'sign-out-account');
    await shown(stage, 'confirm-dialog');
    await stage.look('Sign out one account');
    await press(stage, 'confirm-no');
    await press(stage, 'add-account');
    await shown(stage, 'other-accounts');
    await stage.look('Add an account');
    await press(stage, 'go-on-as');
    await shown(stage, 'account');
    await stateIs(stage, 'active');
    return 'the sign-in form of another, and back';
  },

  async 'Sessions elsewhere'(stage) {
    await signInElsewhere(stage.server);
    // What a script that got into the page would try first: the session, sent to somebody else.
    await stage.page.evaluate(() => window.auth.fetch('https://somebody-else.example/'));
    await press(stage, 'section-security');
    await shown(stage, 'revoke-session');
    await shown(stage, 'two-factor-set-up');
    await shown(stage, 'anomalies');
    await stage.look('Security');
    await press(stage, 'revoke-session');
    await shown(stage, 'confirm-dialog');
    await stage.look('Sign out a session');
    await press(stage, 'confirm-yes');
    await stage.page.getByTestId('revoke-session').waitFor({ state: 'detached' });
    const left = await stage.server.sessions(DEMO_USER.email);
    if (left !== 1) throw new Error(`the server still has ${left} sessions`);
    return 'one, and it was ended; a call to a foreign address is among the anomalies';
  },

  async 'Two-factor sign-in'(stage) {
    await press(stage, 'two-factor-set-up');
    await shown(stage, 'two-factor-password');
    await stage.look('Password for two-factor sign-in');
    await fill(stage, 'two-factor-password', DEMO_USER.password);
    await press(stage, 'two-factor-go');
    await shown(stage, 'enrolment');
    await stage.look('Set up two-factor sign-in');
    stage.secret = (await text(stage, 'totp-secret')).replaceAll(' ', '');
    await fill(stage, 'totp-code', totp(stage.secret));
    await press(stage, 'totp-verify');
    await shown(stage, 'backup-codes');
    await stage.look('Backup codes');
    await press(stage, 'codes-kept');
    await shown(stage, 'two-factor-off');
    return 'it is on';
  },

  async 'Quit and start again'(stage) {
    await stage.quit();
    await stage.open();
    const first = stage.page.locator('[data-testid=account], [data-testid=sign-in-form]').first();
    await first.waitFor();
    if ((await first.getAttribute('data-testid')) !== 'account') throw new Error('it asked to sign in again');
    await stateIs(stage, 'active');
    return `${await text(stage, 'user-email')}, without a sign-in form`;
  },

  async Offline(stage) {
    await stage.server.mode('drop');
    await press(stage, 'refresh');
    await shown(stage, 'notice-offline');
    await stage.look('Offline');
    await stage.server.mode('up');
    // As "Try now" does, whose button may be gone: the app tries by itself too.
    await stage.page.evaluate(() => window.auth.refresh());
    await stateIs(stage, 'active');
    return 'still signed in, and back';
  },

  async 'Lock and unlock'(stage) {
    await press(stage, 'lock-now');
    await shown(stage, 'locked');
    await stage.look('Locked');
    await press(stage, 'use-password');
    await shown(stage, 'sign-in-dialog');
    await stage.look('Unlock with the password');
    await fill(stage, 'password', DEMO_USER.password);
    await press(stage, 'submit');
    await answerChallenge(stage, 'Code for a sign-in over the page');
    await stateIs(stage, 'active');
    return 'unlocked by signing in, with the second factor';
  },

  async 'Session ended elsewhere'(stage) {
    await stage.server.revoke(DEMO_USER.email);
    await press(stage, 'section-overview');
    await press(stage, 'refresh');
    await shown(stage, 'notice-expired');
    await stage.look('Session ended');
    await press(stage, 'sign-in-again');
    await shown(stage, 'sign-in-dialog');
    await fill(stage, 'password', DEMO_USER.password);
    await press(stage, 'submit');
    await answerChallenge(stage);
    await stateIs(stage, 'active');
    return 'the page stayed, and went on after a sign-in';
  },

  async 'Sign out while offline'(stage) {
    await stage.server.mode('drop');
    await press(stage, 'sign-out');
    await shown(stage, 'sign-in-form');
    await shown(stage, 'notice-revocation');
    await stage.look('Signed out, the server not told yet');
    await stage.server.mode('up');
    await stage.server.hasSessions(DEMO_USER.email, 0);
    return 'the server was told when it was back';
  },

  async 'Second factor'(stage) {
    await fillCredentials(stage);
    await answerChallenge(stage, 'Code of the second factor');
    await stateIs(stage, 'active');
    await press(stage, 'section-security');
    await stage.page.locator('[data-testid=two-factor-state][data-on=true]').waitFor();
    return 'asked for, and right';
  },
};

export async function shown({ page }, testId) {
  await page.getByTestId(testId).first().waitFor();
}

async function press({ page }, testId) {
  await page.getByTestId(testId).first().click();
}

async function fill({ page }, testId, value) {
  await page.getByTestId(testId).fill(value);
}

async function stateIs({ page }, state) {
  if (await page.getByTestId('section-overview').isVisible())
    await page.getByTestId('section-overview').click();
  await page.locator(`[data-testid=session-state][data-state=${state}]`).waitFor();
}

async function text({ page }, testId) {
  return (await page.getByTestId(testId).first().textContent()).replaceAll(/\s+/g, ' ').trim();
}

async function fillCredentials(stage) {
  await fill(stage, 'email', DEMO_USER.email);
  await fill(stage, 'password', DEMO_USER.password);
  await press(stage, 'submit');
}

/** Types the code of this moment. */
async function answerChallenge(stage, lookAs) {
  await shown(stage, 'challenge');
  if (lookAs) await stage.look(lookAs);
  await fill(stage, 'code', totp(stage.secret));
  await press(stage, 'submit-code');
}

/** As another device does. */
async function signInElsewhere(server) {
  const { email, password } = DEMO_USER;
  const response = await fetch(`${server.url}/api/auth/sign-in/email`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      origin: server.url,
      'user-agent': 'Mozilla/5.0 (X11; Linux x86_64; rv:141.0) Gecko/20100101 Firefox/141.0',
    },
    body: JSON.stringify({ email, password }),
  });
  if (!response.ok) throw new Error(`the sign-in elsewhere was answered with ${response.status}`);
}
