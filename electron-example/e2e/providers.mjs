// Real servers on which somebody signs in in the browser, each with its way of playing that person by plain requests.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { Browser } from '../../__test__/peers/oidc-browser.mjs';
import { CALLBACK, OidcServer } from '../../__test__/peers/oidc-server.mjs';
import { WorkOsServer } from '../../__test__/peers/workos-server.mjs';
import { DEMO_USER, Server } from './server.mjs';

const SCHEME = 'com.example.latchkey';

/**
 * By name: `start(t)` answers `{ provider, scheme, person, logIn, resource }`. `logIn(address)` is what happens in the
 * browser, and answers the address that the browser comes back to the app with.
 */
export const PROVIDERS = {
  'Better Auth': { start: startBetterAuth },
  'OpenID Connect': { start: startOidc },
  WorkOS: { start: startWorkOs },
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
    scheme: SCHEME,
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

async function startOidc(t) {
  const server = await OidcServer.start(t, { accessTokenSeconds: 300 });
  const login = `person-${randomUUID()}`;
  return {
    server,
    provider: { ...server.provider, redirectUri: CALLBACK },
    scheme: new URL(CALLBACK).protocol.slice(0, -1),
    person: { email: `${login}@example.com` },
    resource: server.resource,
    logIn: async (address) => (await new Browser().visit(address, { login }))?.href,
    refuse: async (address) => (await new Browser().visit(address, { login, refuses: true }))?.href,
    approve: (address) => new Browser().visit(address, { login }),
  };
}

async function startWorkOs(t) {
  const server = await WorkOsServer.start(t, { accessTokenSeconds: 300 });
  const person = server.addUser({ email: `${randomUUID()}@example.com` });
  return {
    server,
    provider: server.provider,
    scheme: SCHEME,
    person,
    resource: server.resource,
    hints: { loginHint: person.email },
    logIn: (address) => server.browse(address),
    approve: (_address, userCode) => server.admin.approveDevice(userCode, person),
  };
}
