// What this package sends to Clerk, held against what the official client (@clerk/clerk-js 6.34.1) sends for the same acts:
// method, path, query, the headers that matter, the form. Where the two differ is a list, with a reason for each; one that is
// not there any more fails the test too.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { opened } from './clerk-session.mjs';
import { OfficialClient } from './peers/clerk-official-client.mjs';
import { ClerkServer, CODES, PASSWORD } from './peers/clerk-server.mjs';

/** Where the official client sends something that this package does not, and why. */
const DIFFERENCES = [
  {
    what: '_clerk_js_version in the query',
    why: 'it names a client that this package is not',
    drop: ({ query }) => take(query, '_clerk_js_version'),
  },
  {
    what: 'locale in the form of a new sign-in',
    why: 'it is the browser´s language, for messages of Clerk; the main process has none of a page',
    drop: ({ path, form }) => path === '/v1/client/sign_ins' && take(form, 'locale'),
  },
  {
    what: 'debug=skip_cache in the query of a token',
    why: 'it says that a cache of the official client was passed over; there is none here',
    drop: ({ query }) => query.debug === 'skip_cache' && take(query, 'debug'),
  },
];

/** Where this package sends something that the official client does not, and why. */
const OURS = [
  {
    what: 'state in the redirect of a sign-in in the browser',
    why: 'a page or another program may call an application´s address: only a callback that knows the state is looked at',
    drop({ form }) {
      let had = false;
      for (const name of ['redirect_url', 'action_complete_redirect_url']) {
        if (!form[name]) continue;
        const url = new URL(form[name]);
        had = url.searchParams.has('state') || had;
        url.search = '';
        form[name] = String(url);
      }
      return had;
    },
  },
];

/** The same act by both: orders for the official client, and what a session here does. */
const PERSON = { secondFactors: [], organizations: ['org_acme'] };
const REDIRECT = 'https://app.example.test/sso-callback';
const ACTS = {
  'sign in with a password': {
    official: async ({ tell, email }) => {
      await tell('password', email, PASSWORD);
      await tell('activate');
    },
    ours: ({ session, email }) => session.signIn({ method: 'password', email, password: PASSWORD }),
  },
  'a wrong password': {
    official: ({ tell, email }) => tell('password', email, 'no'),
    ours: ({ session, email }) =>
      session.signIn({ method: 'password', email, password: 'no' }).catch(() => {}),
  },
  'sign in with a code by mail': {
    official: async ({ tell, email }) => {
      await tell('identify', email);
      await tell('prepareFirst', 'email_code');
      await tell('attemptFirst', 'email_code', CODES.email_code);
      await tell('activate');
    },
    ours: async ({ session, email }) => {
      const { signIn } = await session.signIn({ method: 'code', email });
      await session.submitCode(signIn.id, { strategy: 'email_code', code: CODES.email_code });
    },
  },
  'second factors: a code by phone, one of an authenticator': {
    person: { secondFactors: ['phone_code', 'totp'] },
    official: async ({ tell, email }) => {
      await tell('password', email, PASSWORD);
      await tell('prepareSecond', 'phone_code');
      await tell('attemptSecond', 'phone_code', 'no');
      await tell('attemptSecond', 'totp', CODES.totp);
      await tell('activate');
    },
    ours: async ({ session, email }) => {
      const { signIn } = await session.signIn({ method: 'password', email, password: PASSWORD });
      await session.sendCode(signIn.id, 'phone_code');
      await session.submitCode(signIn.id, { strategy: 'phone_code', code: 'no' }).catch(() => {});
      await session.submitCode(signIn.id, { strategy: 'totp', code: CODES.totp });
    },
  },
  'sign in in the browser': {
    official: async ({ tell, client, server, email }) => {
      client.browser = (url) => server.approveInBrowser(url, { email });
      await tell('oauth', 'oauth_google', REDIRECT);
    },
    ours: async ({ session, server, email }) => {
      const { signIn } = await session.signIn({ method: 'browser', connection: 'google' });
      await session.handleCallback(await server.approveInBrowser(signIn.url, { email }));
    },
  },
  'the next session token': {
    signedIn: true,
    official: ({ tell }) => tell('token', { skipCache: true }),
    ours: ({ session }) => session.refresh(),
  },
  'the next session token where the server wants the last': {
    signedIn: true,
    options: { demandsExpiredToken: true },
    official: ({ tell }) => tell('token', { skipCache: true }),
    ours: ({ session }) => session.refresh(),
  },
  'a token of a template': {
    signedIn: true,
    official: ({ tell }) => tell('token', { template: 'hasura' }),
    ours: ({ session }) => session.accessToken({ template: 'hasura' }),
  },
  'switch to an organization, and the next token in it': {
    signedIn: true,
    official: async ({ tell }) => {
      await tell('organization', 'org_acme');
      await tell('token', { skipCache: true });
    },
    ours: async ({ session }) => {
      await session.switchOrganization('org_acme');
      await session.refresh();
    },
  },
  'prove the person anew with the password, and a token that says so': {
    signedIn: true,
    official: async ({ tell }) => {
      await tell('verify', 'first_factor');
      await tell('verifyFirst', { strategy: 'password', password: PASSWORD });
      await tell('token', { skipCache: true });
    },
    ours: async ({ session }) => {
      const { signIn } = await session.signIn({ method: 'stepUp', level: 'first_factor' });
      await session.submitCode(signIn.id, { strategy: 'password', code: PASSWORD });
    },
  },
  'prove the person anew with a code by mail': {
    signedIn: true,
    official: async ({ tell }) => {
      await tell('verify', 'first_factor');
      await tell('verifyPrepareFirst', 'email_code');
      await tell('verifyFirst', { strategy: 'email_code', code: CODES.email_code });
      await tell('token', { skipCache: true });
    },
    ours: async ({ session }) => {
      const { signIn } = await session.signIn({ method: 'stepUp' });
      await session.sendCode(signIn.id, 'email_code');
      await session.submitCode(signIn.id, { strategy: 'email_code', code: CODES.email_code });
    },
  },
  'list the sessions, and end one': {
    signedIn: true,
    official: async ({ tell }) => {
      const [id] = await tell('sessions');
      await tell('revoke', id);
    },
    ours: async ({ session }) => {
      const [{ id }] = await session.sessions();
      await session.endSession(id);
    },
  },
  // The official signOut() ends all sessions of the client: POST /v1/client/sessions?_method=DELETE. Here an account has one
  // session, and another account's must not end with it.
  'sign out of this session': {
    signedIn: true,
    official: ({ tell }) => tell('remove'),
    ours: ({ session }) => session.signOut(),
  },
  'a session that was ended elsewhere': {
    signedIn: true,
    before: ({ server, sessionId }) => server.revoke({ sessionId }),
    official: ({ tell }) => tell('token', { skipCache: true }),
    ours: ({ session }) => session.refresh(),
  },
};

const seenDifferences = new Set();

for (const [name, act] of Object.entries(ACTS)) {
  test(name, { timeout: 60_000 }, async (t) => {
    const [theirs, ours] = [await recordOfficial(t, act), await recordOurs(t, act)];
    assert.ok(ours.length > 0, 'something was sent');
    const strip = (requests, differences) =>
      requests.map((request) => {
        for (const difference of differences)
          if (difference.drop(request)) seenDifferences.add(difference.what);
        return request;
      });
    assert.deepEqual(strip(ours, OURS), strip(theirs, DIFFERENCES));
  });
}

test('every difference that is listed is there', () => {
  const listed = [...DIFFERENCES, ...OURS].map(({ what }) => what);
  assert.deepEqual([...seenDifferences].sort(), listed.sort());
});

const KINDS = { accessTokenSeconds: 60 };

async function recordOfficial(t, { person = PERSON, options, signedIn, before, official }) {
  const server = await ClerkServer.start(t, { ...KINDS, ...options });
  const client = await OfficialClient.start(t, server);
  const tell = (...order) => client.tell(...order);
  const { email } = server.addPerson(person);
  await tell('load');
  let sessionId;
  if (signedIn) {
    await tell('password', email, PASSWORD);
    sessionId = await tell('activate');
  }
  before?.({ server, sessionId });
  server.requests.length = 0;
  await official({ tell, client, server, email });
  return server.requests.map(essence);
}

async function recordOurs(t, { person = PERSON, options, signedIn, before, ours }) {
  const { server, session } = await opened(t, {
    ...KINDS,
    ...options,
    provider: { redirectUri: REDIRECT },
  });
  const { email } = server.addPerson(person);
  let sessionId;
  if (signedIn) {
    await session.signIn({ method: 'password', email, password: PASSWORD });
    sessionId = session.claims().sid;
  }
  before?.({ server, sessionId });
  server.requests.length = 0;
  await ours({ session, server, email });
  return server.requests.map(essence);
}

/** What matters of a request, with names in the place of what differs from run to run. */
function essence({ method, path, query, headers, form }) {
  const named = (text) =>
    text
      .replaceAll(/\b(sia|sess|siv|idn|user)_[0-9a-f]{24}\b/g, '$1_…')
      .replaceAll(/eyJ[\w-]+\.[\w-]+\.[\w-]+/g, '(token)')
      .replaceAll(/[\w-]+@example\.com/g, '(address)')
      .replaceAll(/^[0-9a-f]{24}$/g, '(nonce)');
  const allNamed = (fields) => Object.fromEntries(Object.entries(fields).map(([k, v]) => [k, named(v)]));
  const { authorization, origin, cookie } = headers;
  return {
    method,
    path: named(path),
    query: allNamed(query),
    headers: {
      authorization: authorization && named(authorization),
      origin,
      cookie,
      'content-type': headers['content-type'],
    },
    form: allNamed(form),
  };
}

function take(fields, name) {
  const had = Object.hasOwn(fields, name);
  delete fields[name];
  return had;
}
