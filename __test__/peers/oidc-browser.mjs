// Plays the browser and the person before it, by plain requests, against the pages that oidc-provider has for development.
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';

const REDIRECT_URI = 'http://127.0.0.1/cb';
/** Login, consent, a device's code, and the redirects between. */
const MOST_STEPS = 16;

/** Authorization code with PKCE (RFC 7636), by an application of its own. @returns the token endpoint's answer */
export async function signInByBrowser({ issuer, clientId, login }) {
  const verifier = randomBytes(32).toString('base64url');
  const start = `${issuer}/auth?${new URLSearchParams({
    client_id: clientId,
    redirect_uri: REDIRECT_URI,
    response_type: 'code',
    scope: 'openid email profile offline_access',
    prompt: 'consent', // without it the provider drops offline_access, and says nothing
    state: 'state',
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
    code_challenge_method: 'S256',
  })}`;
  const callback = await new Browser().visit(start, { login });
  const code = callback.searchParams.get('code');
  assert.ok(code, `the browser came back without a code: ${callback.search}`);
  const answer = await fetch(`${issuer}/token`, {
    method: 'POST',
    body: new URLSearchParams({
      grant_type: 'authorization_code',
      client_id: clientId,
      code,
      redirect_uri: REDIRECT_URI,
      code_verifier: verifier,
    }),
  });
  assert.equal(answer.status, 200);
  return answer.json();
}

/** One browser with its cookies: what it is signed in to, it stays signed in to. */
export class Browser {
  #cookies = new Map();

  /**
   * Opens `start` and fills in what the pages ask for.
   *
   * @param {string} start
   * @param {object} person
   * @param {string} person.login
   * @param {string} [person.acr] proves so strongly who they are
   * @param {boolean} [person.refuses] goes back instead of allowing it
   * @returns the address that the server sends the browser to elsewhere, or `null` when it ends on a page of the server's
   */
  async visit(start, person = {}) {
    const { origin } = new URL(start);
    let url = new URL(start);
    let form;
    for (let steps = 0; steps < MOST_STEPS; steps++) {
      if (url.origin !== origin) return url;
      const answer = await this.#request(url, form);
      form = undefined;
      if (answer.status === 200) {
        const next = this.#fillIn(url, await answer.text(), person);
        if (next === null) return null;
        ({ url, form } = next);
        continue;
      }
      assert.ok([302, 303].includes(answer.status), `${url.pathname} answered ${answer.status}`);
      url = new URL(answer.headers.get('location'), url);
    }
    return assert.fail(`still at ${url.pathname} after ${MOST_STEPS} steps`);
  }

  #fillIn(url, page, { login, acr, refuses }) {
    if (page.includes('value="login"')) {
      const form = new URLSearchParams({ prompt: 'login', login, password: 'any' });
      return { url, form: acr === undefined ? form : { 'x-acr': acr, login } };
    }
    if (page.includes('value="consent"')) {
      if (refuses) return { url: new URL(`${url.pathname}/abort`, url) };
      return { url, form: new URLSearchParams({ prompt: 'consent' }) };
    }
    if (page.includes('interrupted')) return null;
    const action = /<form[^>]* action="([^"]+)"/.exec(page)?.[1];
    if (action === undefined) return null;
    const form = new URLSearchParams();
    for (const [, name, value] of page.matchAll(/<input type="hidden" name="([^"]+)" value="([^"]*)"/g)) {
      form.append(name, value);
    }
    if (page.includes('op.logoutForm')) form.append('logout', 'yes');
    if (refuses && form.has('confirm')) form.append('abort', 'yes');
    return { url: new URL(action, url), form };
  }

  /** `form`: fields, or header fields for the page where people prove more. */
  async #request(url, form) {
    const cookie = [...this.#cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const isFields = form instanceof URLSearchParams;
    const answer = await fetch(url, {
      method: form ? 'POST' : 'GET',
      body: isFields ? form : undefined,
      headers: { cookie, ...(isFields ? {} : form) },
      redirect: 'manual',
    });
    for (const line of answer.headers.getSetCookie()) {
      const [, name, value] = /^([^=]+)=([^;]*)/.exec(line);
      if (value === '') this.#cookies.delete(name);
      else this.#cookies.set(name, value);
    }
    return answer;
  }
}
