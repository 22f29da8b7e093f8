// Plays the browser and the person before it: authorization code with PKCE (RFC 7636), by plain requests, against the
// pages that oidc-provider has for development.
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';

const REDIRECT_URI = 'http://127.0.0.1/cb';
/** Login, consent, and the redirects between. */
const MOST_STEPS = 10;

/** @returns the token endpoint's answer */
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
  const callback = await new Browser().follow(start, login);
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

class Browser {
  #cookies = new Map();

  /** Fills in what the pages ask for until the provider sends the browser back to the application. */
  async follow(start, login) {
    let url = new URL(start);
    for (let steps = 0; steps < MOST_STEPS; steps++) {
      if (url.href.startsWith(REDIRECT_URI)) return url;
      let answer = await this.#request(url);
      if (answer.status === 200) answer = await this.#request(url, formFor(await answer.text(), login));
      assert.equal(answer.status, 303, `${url.pathname} answered ${answer.status}`);
      url = new URL(answer.headers.get('location'), url);
    }
    return assert.fail(`still at ${url.pathname} after ${MOST_STEPS} steps`);
  }

  async #request(url, form) {
    const cookie = [...this.#cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const answer = await fetch(url, {
      method: form ? 'POST' : 'GET',
      body: form,
      headers: { cookie },
      redirect: 'manual',
    });
    for (const line of answer.headers.getSetCookie()) {
      const [, name, value] = /^([^=]+)=([^;]*)/.exec(line);
      this.#cookies.set(name, value);
    }
    return answer;
  }
}

function formFor(page, login) {
  if (page.includes('value="login"')) return new URLSearchParams({ prompt: 'login', login, password: 'any' });
  return new URLSearchParams({ prompt: 'consent' });
}
