// What a hostile page tries. Each function runs in the page, so it has nothing from outside itself.

/**
 * Calls every call of `window.auth` and of `window.secureStorage`: for a token, for a request to a foreign origin, for another account. `heard` stays in
 * the page and fills with the events that come.
 */
export async function tryAllCalls({ apiUrl, foreignUrl }) {
  const { auth } = window;
  const id = '0123456789abcdef0123456789abcdef';
  const credentials = {
    method: 'password',
    email: 'mallory@example.com',
    password: 'correct horse',
    name: 'M',
  };
  const given = {
    signIn: [credentials],
    signUp: [credentials],
    submitCode: [id, { strategy: 'callback', code: 'c' }],
    sendCode: [id, 'otp'],
    switchOrganization: [null],
    switchAccount: ['second'],
    refresh: [],
    signOut: [],
    fetch: [`${apiUrl}/api/profile`],
    cancelFetch: ['r1'],
  };
  window.heard = [];
  const answers = {};
  for (const name of Object.keys(auth)) {
    if (name.startsWith('on')) auth[name]((event) => window.heard.push(event));
    else answers[name] = await auth[name](...(given[name] ?? [id]));
  }
  answers['fetch of a foreign origin'] = await auth.fetch(`${foreignUrl}/api/profile`);
  for (const [name, call] of Object.entries(window.secureStorage)) {
    const { success, error } = await call('accessToken', 'a token of somebody else');
    const code = error === 'This page may not use the session.' ? 'ERR_SENDER_NOT_ALLOWED' : error;
    answers[`secureStorage.${name}`] = { ok: success, code };
  }
  return { answers, heard: window.heard };
}

/** Calls with arguments that are none; answers `{ call, outcome }` of each: its code, or what the call threw. */
export async function tryArguments(apiUrl) {
  const { auth } = window;
  const url = `${apiUrl}/api/profile`;
  const id = '0123456789abcdef0123456789abcdef';
  const MB = 1024 * 1024;
  const credentials = { method: 'password', email: 'ada@example.com', password: 'x' };
  const parsed = (text) => JSON.parse(text); // its "__proto__" is a field of its own
  const nested = Array.from({ length: 500 }).reduce((inner) => ({ inner }), {});
  const getter = Object.defineProperty({}, 'method', {
    get: () => 'password',
    enumerable: false,
  });
  const wrong = [
    null,
    undefined,
    0,
    Number.NaN,
    true,
    '',
    'x'.repeat(MB),
    [],
    [credentials],
    {},
    nested,
    new Date(0),
    new Map([['method', 'password']]),
    /x/,
    new Error('x'),
    new ArrayBuffer(8),
    Symbol('method'),
    () => credentials,
    new Proxy(credentials, { ownKeys: () => [] }),
    Object.create(credentials),
    getter,
    parsed('{"__proto__":{"method":"password","email":"mallory@example.com","password":"x","polluted":1}}'),
    parsed('{"constructor":{"prototype":{"polluted":1,"method":"password"}}}'),
    { method: 'toString' },
    { method: '__proto__' },
    { method: ['password'], email: 'a@b.c', password: 'x' },
    { ...credentials, email: { toString: () => 'a@b.c' } },
    { ...credentials, email: 'x'.repeat(10_000) },
    { ...credentials, password: 'x'.repeat(MB) },
    { ...credentials, password: ['x'] },
    { ...credentials, rememberMe: 'yes' },
    { method: 'browser', maxAgeS: Number.POSITIVE_INFINITY },
    { method: 'browser', connection: 'x'.repeat(MB) },
  ];
  const requests = [
    [url, null],
    [url, 'GET'],
    [url, []],
    [url, { method: 'TRACE' }],
    [url, { method: 'GET\r\nX: 1' }],
    [url, { method: 'x'.repeat(MB) }],
    [url, { headers: { authorization: 'Bearer x' } }],
    [url, { headers: Array.from({ length: 10_000 }, () => ['a', 'b']) }],
    [url, { headers: [['a', 'x'.repeat(MB)]] }],
    [url, { headers: [['a', 'b\r\nAuthorization: Bearer x']] }],
    [url, { headers: [['a\r\n', 'b']] }],
    [url, { headers: [['a', 'b', 'c']] }],
    [url, { headers: [[1, 2]] }],
    [url, { body: 'x'.repeat(16 * MB + 1), method: 'POST' }],
    [url, { body: new Uint8Array(16 * MB + 1), method: 'POST' }],
    [url, { body: 1, method: 'POST' }],
    [url, { body: { byteLength: 1 }, method: 'POST' }],
    [url, { requestId: '' }],
    [url, { requestId: 'x'.repeat(65) }],
    [url, { requestId: {} }],
    [`${url}?${'x'.repeat(MB)}`],
    [url.replace('//', '//ada:secret@')],
    [{ toString: () => url }],
    [[url]],
    [undefined],
    [`\n${id}`],
  ];
  const calls = [
    'signIn',
    'signUp',
    'awaitSignIn',
    'openSignIn',
    'copySignInLink',
    'cancelSignIn',
    'endSession',
  ];
  const tries = [
    ...calls.flatMap((call) => wrong.map((argument) => [call, argument])),
    // A text, `null` or nothing is what these take.
    ...wrong
      .filter((each) => each !== null && each !== undefined && each !== 'x')
      .map((each) => ['switchAccount', each]),
    ...wrong.map((submission) => ['submitCode', id, submission]),
    ...wrong.filter((each) => typeof each !== 'string').map((strategy) => ['sendCode', id, strategy]),
    ...requests.map((request) => ['fetch', ...request]),
    ['signIn', 'x'.repeat(32 * MB)],
  ];
  const outcomes = [];
  for (const [call, ...args] of tries) {
    if (auth[call] === undefined) continue;
    let outcome;
    try {
      outcome = (await auth[call](...args)).code ?? 'allowed';
    } catch (error) {
      outcome = /recursion depth exceeded|could not be cloned|Error processing argument/.test(error.message)
        ? 'not sent'
        : error.message;
    }
    const shown = args.map((each) => {
      try {
        return ArrayBuffer.isView(each.body ?? each) ? 'bytes' : JSON.stringify(each).slice(0, 80);
      } catch {
        return typeof each;
      }
    });
    outcomes.push({ call: `${call}(${shown})`, outcome });
  }
  return outcomes;
}

/** So many calls, none of which waits for another; answers how often each outcome came. */
export async function flood({ call, args, count }) {
  const outcomes = {};
  await Promise.all(
    Array.from({ length: count }, async () => {
      const { code = 'answered' } = await window.auth[call](...args);
      outcomes[code] = (outcomes[code] ?? 0) + 1;
    }),
  );
  return outcomes;
}
