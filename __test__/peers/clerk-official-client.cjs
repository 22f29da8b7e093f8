// The official client, @clerk/clerk-js, in a process of its own: it wants to be alone with its globals. It is used as Clerk's
// own wrappers for native applications use it (@clerk/expo, @clerk/electron): no cookies, ?_is_native=1, the client's token in
// Authorization. Orders come as messages `[name, ...arguments]`, and each is answered with `{ value }` or `{ error }`.
globalThis.window = globalThis; // as React Native has it: a window without a document
Object.defineProperty(globalThis, 'navigator', {
  value: { onLine: true, userAgent: 'Node.js', language: 'en-US' },
  configurable: true,
});
globalThis.location = new URL('https://app.example.test/'); // read only: it makes URLs to go to of it
const [, , bundle, server] = process.argv;
const FAPI = 'https://clerk.example.test';
const fetchPlainly = globalThis.fetch;
globalThis.fetch = (url, init) => fetchPlainly(String(url).replace(FAPI, server), init);
const { Clerk } = require(bundle);

let token = null;
let browser;
const key = `pk_live_${Buffer.from('clerk.example.test$').toString('base64')}`;
const clerk = new Clerk(key);
clerk.__internal_onBeforeRequest(async (request) => {
  request.credentials = 'omit';
  request.url.searchParams.append('_is_native', '1');
  if (!token) return;
  const headers = new Headers(request.headers);
  headers.set('Authorization', `Bearer ${token}`);
  request.headers = headers;
});
clerk.__internal_onAfterResponse(async (_request, response) => {
  const authorization = response.headers.get('Authorization');
  if (authorization) token = authorization.replace(/^Bearer /, '');
});

const told = (promise) =>
  promise.catch((error) => ({
    refused: error.errors?.[0]?.code ?? error.code ?? error.message,
    status: error.status,
  }));
const factor = (attempt, strategy) =>
  [...(attempt.supportedFirstFactors ?? []), ...(attempt.supportedSecondFactors ?? [])].find(
    (each) => each.strategy === strategy,
  );
const status = ({ status, createdSessionId }) => ({ status, createdSessionId: createdSessionId ?? null });
let attempt;
let verification;

const ORDERS = {
  async load() {
    const oauthTransport = {
      getRedirectUrl: () => browser.redirectUrl,
      open: async (url) => {
        const opened = new Promise((resolve) => (browser.returned = resolve));
        process.send({ opened: String(url) });
        return { callbackUrl: await opened };
      },
    };
    await clerk.load({ standardBrowser: false, __internal_oauthTransport: oauthTransport });
    return clerk.client.sessions.length;
  },
  async password(identifier, password) {
    attempt = await clerk.client.signIn.create({ strategy: 'password', identifier, password });
    return status(attempt);
  },
  async identify(identifier) {
    attempt = await clerk.client.signIn.create({ identifier });
    return { ...status(attempt), factors: attempt.supportedFirstFactors };
  },
  async prepareFirst(strategy) {
    const { emailAddressId } = factor(attempt, strategy);
    return status(await attempt.prepareFirstFactor({ strategy, emailAddressId }));
  },
  attemptFirst: async (strategy, code) => status(await attempt.attemptFirstFactor({ strategy, code })),
  async prepareSecond(strategy) {
    const { phoneNumberId } = factor(attempt, strategy);
    return status(await attempt.prepareSecondFactor({ strategy, phoneNumberId }));
  },
  attemptSecond: async (strategy, code) => status(await attempt.attemptSecondFactor({ strategy, code })),
  async oauth(strategy, redirectUrl) {
    browser = { redirectUrl };
    await clerk.client.signIn.authenticateWithRedirect({ strategy, redirectUrl });
    return clerk.session?.id ?? null;
  },
  async activate() {
    await clerk.setActive({ session: attempt.createdSessionId });
    return clerk.session.id;
  },
  organization: async (organization) => {
    await clerk.setActive({ organization });
    return clerk.organization?.id ?? null;
  },
  token: (options) => clerk.session.getToken(options),
  async verify(level) {
    verification = await clerk.session.startVerification({ level });
    return { status: verification.status, factors: verification.supportedFirstFactors };
  },
  verifyPrepareFirst: async (strategy) => {
    const { emailAddressId } = factor(verification, strategy);
    verification = await clerk.session.prepareFirstFactorVerification({ strategy, emailAddressId });
    return verification.status;
  },
  verifyFirst: async (params) => (await clerk.session.attemptFirstFactorVerification(params)).status,
  verifyPrepareSecond: async (strategy) => {
    const { phoneNumberId } = factor(verification, strategy);
    return (await clerk.session.prepareSecondFactorVerification({ strategy, phoneNumberId })).status;
  },
  verifySecond: async (params) => (await clerk.session.attemptSecondFactorVerification(params)).status,
  sessions: async () => (await clerk.user.getSessions()).map(({ id }) => id),
  async revoke(id) {
    const session = (await clerk.user.getSessions()).find((each) => each.id === id);
    return (await session.revoke()).status;
  },
  remove: async () => (await clerk.session.remove()).status,
  async signOut() {
    await clerk.signOut();
    return clerk.session ?? null;
  },
  session: async () => clerk.session?.id ?? null,
};

process.on('message', async (message) => {
  if (message.returned !== undefined) return browser.returned(message.returned);
  const [name, ...args] = message.order;
  const value = await told(ORDERS[name](...args));
  process.send({ value: value ?? null });
});
process.send({ value: 'ready' });
