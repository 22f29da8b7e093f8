// The system's browser and the person in front of it, by plain requests: follows redirects, keeps cookies of each
// origin, fills in the pages of oidc-provider.
import assert from 'node:assert/strict';

const MOST_STEPS = 15;

export class Browser {
  #jars = new Map();

  /** Opens this address and answers what it shows in the end. `login`: who signs in where somebody is asked. */
  async open(start, { login } = {}) {
    let url = new URL(start);
    for (let steps = 0; steps < MOST_STEPS; steps++) {
      let answer = await this.request(url);
      const body = answer.status === 200 ? await answer.text() : '';
      if (body.includes('<form')) answer = await this.request(url, { form: formFor(body, login) });
      const location = answer.headers.get('location');
      if (location === null) return { url, status: answer.status, body };
      url = new URL(location, url);
      if (!url.protocol.startsWith('http')) return { url, status: answer.status, body: '' };
    }
    return assert.fail(`still at ${url.origin}${url.pathname} after ${MOST_STEPS} steps`);
  }

  /** One request with the cookies of its origin, as a page of that origin sends it. */
  async request(address, { form, json } = {}) {
    const url = new URL(address);
    const jar = this.#jarOf(url);
    const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join('; ');
    const answer = await fetch(url, {
      method: form || json ? 'POST' : 'GET',
      body: form ?? (json && JSON.stringify(json)),
      headers: {
        ...(cookie && { cookie }),
        ...((form || json) && { origin: url.origin }),
        ...(json && { 'content-type': 'application/json' }),
      },
      redirect: 'manual',
    });
    for (const line of answer.headers.getSetCookie()) {
      const [, name, value] = /^([^=]+)=([^;]*)/.exec(line);
      if (value === '' || /max-age=0/i.test(line)) jar.delete(name);
      else jar.set(name, value);
    }
    return answer;
  }

  /** A cookie as `document.cookie` shows it. */
  cookie(origin, name) {
    return this.#jarOf(new URL(origin)).get(name);
  }

  #jarOf({ origin }) {
    if (!this.#jars.has(origin)) this.#jars.set(origin, new Map());
    return this.#jars.get(origin);
  }
}

function formFor(page, login) {
  if (page.includes('value="login"')) return new URLSearchParams({ prompt: 'login', login, password: 'any' });
  return new URLSearchParams({ prompt: 'consent' });
}
