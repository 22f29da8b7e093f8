// Real servers on which somebody signs in in the browser, each with its way of playing that person by plain requests.
import assert from 'node:assert/strict';
import { DEMO_USER, Server } from './server.mjs';

export const SCHEME = 'com.example.latchkey';

/**
 * By name: `start(t)` answers `{ provider, person, logIn, resource }`. `logIn(address)` is what happens in the browser, and
 * answers the address that the browser comes back to the app with.
 */
export const PROVIDERS = {
  'Better Auth': { start: startBetterAuth },
};

async function startBetterAuth(t) {
  const server = await Server.start(t);
  return {
    provider: {
      type: 'better-auth',
      baseUrl: `${server.url}/api/auth`,
      signInUrl: `${server.url}/sign-in`,
      redirectUri: `${SCHEME}://auth/callback`,
    },
    person: DEMO_USER,
    resource: `${server.url}/api/profile`,
    logIn: (address) => logInAtBetterAuth(address, DEMO_USER),
  };
}

/** What the page behind the address does, and Better Auth's `electronProxyClient` in a page of one's own. */
async function logInAtBetterAuth(address, { email, password }) {
  const page = await fetch(address);
  assert.equal(page.status, 200);
  const { origin, search } = new URL(address);
  const answer = await fetch(`${origin}/api/auth/sign-in/email${search}`, {
    method: 'POST',
    headers: { origin, 'content-type': 'application/json' },
    body: JSON.stringify({ email, password }),
  });
  assert.equal(answer.status, 200);
  const cookie = answer.headers.getSetCookie().find((each) => each.startsWith('better-auth.electron='));
  assert.ok(cookie, 'the server left a code for the app');
  return `${SCHEME}://auth/callback#token=${decodeURIComponent(/=([^;]*)/.exec(cookie)[1])}`;
}
