// The ways of signing in, as steps of the story: each begins and ends on the sign-in form, with nobody signed in.
import { OidcServer } from '../../__test__/peers/oidc-server.mjs';
import { DEMO_USER } from './server.mjs';

/**
 * As the steps of story.mjs. `stage.browser` is the system’s browser, which only notes where it is sent; null where there is
 * none. `stage.end` is told what is to be done at the end.
 */
export const SIGN_IN_STEPS = {
  async 'Code by mail'(stage) {
    const { page } = stage;
    await page.getByTestId('sign-in-with-code').click();
    await page.getByTestId('code-request').waitFor();
    await stage.look('Ask for a code by mail');
    await page.getByTestId('code-email').fill(DEMO_USER.email);
    await page.getByTestId('code-request-submit').click();
    await page.getByTestId('challenge').waitFor();
    await stage.look('Code by mail');
    await page.getByTestId('code').fill(await wrongCode(stage.server));
    await page.getByTestId('submit-code').click();
    await page.getByTestId('sign-in-error').waitFor();
    await stage.look('Code by mail, a wrong one');
    await page.getByTestId('challenge-cancel').click();
    await page.getByTestId('sign-in-with-password').click();
    await page.getByTestId('sign-in-form').waitFor();
    return 'asked for, refused, and given up';
  },

  async 'In the browser'(stage) {
    if (stage.browser === null) return 'left out: it would open the browser of this computer';
    const { page } = stage;
    await page.getByTestId('sign-in-with-browser').click();
    await page.getByTestId('browser-waiting').waitFor();
    await stage.browser.next();
    await stage.look('Waiting for the browser');
    await page.getByTestId('browser-cancel').click();
    await page.getByTestId('sign-in-form').waitFor();
    return 'opened, and given up';
  },

  async 'Another provider'(stage) {
    const oidc = await OidcServer.start(stage.end);
    const { issuer, clientId } = oidc.provider;
    await stage.quit();
    await stage.open({ env: { LATCHKEY_OIDC_ISSUER: issuer, LATCHKEY_OIDC_CLIENT_ID: clientId } });
    const { page } = stage;
    await page.getByTestId('provider-oidc').waitFor();
    await stage.look('Choice of providers');
    await page.getByTestId('provider-oidc').click();
    await page.getByTestId('sign-in-with-device').waitFor();
    await stage.look('Provider without a form');
    await page.getByTestId('sign-in-with-device').click();
    await page.getByTestId('device-code').waitFor();
    await stage.look('Another device');
    await page.getByTestId('device-cancel').click();
    await page.getByTestId('provider-better-auth').click();
    await page.getByTestId('sign-in-form').waitFor();
    await stage.quit();
    await stage.open();
    await stage.page.getByTestId('sign-in-form').waitFor();
    return 'chosen, and the first one again';
  },
};

async function wrongCode(server) {
  return (await server.mailedCode(DEMO_USER.email)) === '000000' ? '111111' : '000000';
}
