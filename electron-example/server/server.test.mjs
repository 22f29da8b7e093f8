// The server as a client sees it: every test speaks to a real one over the loopback interface.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import http from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, beforeEach, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { totp } from '../../__test__/peers/authenticator.mjs';
import { DEMO_USER, startServer } from './server.mjs';

const COMMAND = fileURLToPath(new URL('./index.mjs', import.meta.url));
const SIGNED_TOKEN = /^[A-Za-z0-9]{32}\.[A-Za-z0-9+/]{43}=$/;
const FOREIGN_ORIGIN = 'https://elsewhere.example';

let folder;
before(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'latchkey-server-'));
});
after(() => rm(folder, { recursive: true, force: true }));

let databases = 0;
const newDatabase = () => path.join(folder, `${++databases}`, 'auth.db');

/** A server that ends with its test, however the test ends: an open one would keep the run alive. */
async function serverFor(context, options = {}) {
  const server = await startServer({ databaseFile: newDatabase(), ...options });
  context.after(server.close);
  return server;
}

// node:http rather than fetch: fetch says Sec-Fetch-Mode by itself, which Better Auth takes for a
// browser and asks for its Origin. Electron's main process sends neither.
function call(base, method, route, { body, token, headers = {} } = {}) {
  return new Promise((resolve, reject) => {
    const payload = typeof body === 'object' ? JSON.stringify(body) : body;
    if (payload !== undefined) headers = { 'content-type': 'application/json', ...headers };
    if (token) headers = { authorization: `Bearer ${token}`, ...headers };
    const request = http.request(base + route, { method, headers, agent: false }, async (response) => {
      let text = '';
      for await (const chunk of response.setEncoding('utf8')) text += chunk;
      const isJson = response.headers['content-type']?.startsWith('application/json');
      resolve({
        status: response.statusCode,
        headers: response.headers,
        text,
        json: isJson ? JSON.parse(text) : undefined,
      });
    });
    request.on('error', reject);
    request.end(payload);
  });
}

/** Speaks to one server as the app's main process does, and turns its test controls. */
function clientOf(base) {
  const get = (route, token) => call(base, 'GET', route, { token });
  const post = (route, body, token) => call(base, 'POST', route, { body, token });
  return {
    get,
    post,
    profile: (token) => get('/api/profile', token),
    session: (token, query = '') => get(`/api/auth/get-session${query}`, token),
    signIn: (user = DEMO_USER) => post('/api/auth/sign-in/email', user),
    signUp: (user) => post('/api/auth/sign-up/email', user),
    signOut: (token) => post('/api/auth/sign-out', {}, token),
    async tokenOf(user = DEMO_USER) {
      const { headers } = await post('/api/auth/sign-in/email', user);
      assert.match(headers['set-auth-token'], SIGNED_TOKEN);
      return headers['set-auth-token'];
    },
    async control(name, body) {
      const response = await post(`/__test/${name}`, body);
      assert.equal(response.status, 200, response.text);
      return response.json;
    },
    log: async () => (await get('/__test/log')).json,
    clearLog: () => call(base, 'DELETE', '/__test/log'),
    sessionCount: async (email) =>
      (await get(`/__test/sessions?email=${encodeURIComponent(email)}`)).json.count,
  };
}

describe('a server with test controls', () => {
  let server;
  let client;

  before(async () => {
    server = await startServer({ databaseFile: newDatabase(), testControls: true });
    client = clientOf(server.url);
    assert.equal(await client.sessionCount(DEMO_USER.email), 0, 'the demo user starts signed out');
  });
  after(() => server?.close());

  beforeEach(async () => {
    await client.control('mode', { mode: 'up' });
    await client.control('expiry', { expiresIn: 3600, updateAge: 600 });
    await client.control('revoke', { email: DEMO_USER.email });
    await client.clearLog();
  });

  describe('the protected route', () => {
    test('answers who is signed in', async () => {
      const { status, headers, json } = await client.profile(await client.tokenOf());
      assert.equal(status, 200);
      assert.deepEqual(Object.keys(json), ['user', 'servedAt', 'message']);
      assert.deepEqual(Object.keys(json.user), ['id', 'email', 'name']);
      assert.equal(json.user.email, DEMO_USER.email);
      assert.equal(json.user.name, DEMO_USER.name);
      assert.ok(Math.abs(Date.parse(json.servedAt) - Date.now()) < 60_000);
      assert.equal(headers['cache-control'], 'no-store');
    });

    test('answers someone who has just signed up', async () => {
      const user = { email: 'new@example.com', password: 'a-long-password', name: 'New' };
      const { status, headers } = await client.signUp(user);
      assert.equal(status, 200);
      const { json } = await client.profile(headers['set-auth-token']);
      assert.equal(json.user.email, user.email);
    });

    test('refuses no token, a made-up one, and the unsigned half of a real one', async () => {
      const unsigned = (await client.tokenOf()).split('.')[0];
      for (const token of [undefined, 'made-up', 'made.up', unsigned, `${unsigned}.AAAA`]) {
        const { status, json } = await client.profile(token);
        assert.equal(status, 401);
        assert.equal(json.code, 'UNAUTHORIZED');
      }
    });

    test('refuses a token after sign-out', async () => {
      const token = await client.tokenOf();
      assert.deepEqual((await client.signOut(token)).json, { success: true });
      assert.equal((await client.profile(token)).status, 401);
      assert.equal(await client.sessionCount(DEMO_USER.email), 0);
    });

    test('takes GET only', async () => {
      assert.equal((await client.post('/api/profile', {})).status, 405);
    });
  });

  test('health is public, and an unknown route is a JSON 404', async () => {
    assert.deepEqual((await client.get('/api/health')).json, { status: 'ok' });
    const missing = await client.get('/api/nothing-here');
    assert.equal(missing.status, 404);
    assert.equal(missing.json.code, 'NOT_FOUND');
  });

  test('revoke ends every session of that user and of no other', async () => {
    const other = { email: 'other@example.com', password: 'a-long-password', name: 'Other' };
    const otherToken = (await client.signUp(other)).headers['set-auth-token'];
    const tokens = [await client.tokenOf(), await client.tokenOf()];
    assert.equal(await client.sessionCount(DEMO_USER.email), 2);

    await client.control('revoke', { email: DEMO_USER.email });

    assert.equal(await client.sessionCount(DEMO_USER.email), 0);
    for (const token of tokens) {
      const { status, json } = await client.session(token);
      assert.equal(status, 200);
      assert.equal(json, null);
      assert.equal((await client.profile(token)).status, 401);
    }
    assert.equal((await client.profile(otherToken)).status, 200);
  });

  test('touch ends a session by its expiry', async () => {
    const token = await client.tokenOf();
    assert.equal((await client.control('touch', { email: DEMO_USER.email, expiresInMs: -1 })).touched, 1);
    assert.equal(await client.sessionCount(DEMO_USER.email), 0);
    assert.equal((await client.profile(token)).status, 401);
    assert.equal((await client.session(token)).json, null);
  });

  test('a second factor is asked for, and a code by mail is no way around it', async () => {
    const person = { email: 'two@example.com', password: 'a-long-password', name: 'Two' };
    const codeByMail = async () => {
      await client.post('/api/auth/email-otp/send-verification-otp', {
        email: person.email,
        type: 'sign-in',
      });
      return (await client.get(`/__test/mail?to=${person.email}`)).json;
    };
    const token = (await client.signUp(person)).headers['set-auth-token'];
    assert.match((await codeByMail()).code, /^\d{6}$/);
    const { json } = await client.post('/api/auth/two-factor/enable', { password: person.password }, token);
    const code = totp(new URL(json.totpURI).searchParams.get('secret'));
    assert.equal((await client.post('/api/auth/two-factor/verify-totp', { code }, token)).status, 200);

    const asked = await client.signIn(person);
    assert.deepEqual(asked.json, { twoFactorRedirect: true, twoFactorMethods: ['totp', 'otp'] });
    assert.equal(asked.headers['set-auth-token'], undefined);
    assert.deepEqual(await codeByMail(), { sent: true, code: null });
  });

  test('expiry sets how long the sessions made from then on live', async () => {
    const remaining = async (token) => {
      const { json } = await client.session(token, '?disableRefresh=true');
      return (Date.parse(json.session.expiresAt) - Date.now()) / 1000;
    };
    const earlier = await client.tokenOf();
    await client.control('expiry', { expiresIn: 100, updateAge: 50 });
    const later = await client.tokenOf();
    assert.ok(Math.abs((await remaining(earlier)) - 3600) < 30);
    assert.ok(Math.abs((await remaining(later)) - 100) < 30);
  });

  test('get-session slides the expiry and sends the same token again; the protected route does neither', async () => {
    await client.control('expiry', { expiresIn: 1000, updateAge: 100 });
    const token = await client.tokenOf();
    const { expiresAt } = await client.control('touch', { email: DEMO_USER.email, expiresInMs: 500_000 });

    assert.equal((await client.profile(token)).headers['set-auth-token'], undefined);
    const unchanged = await client.session(token, '?disableRefresh=true');
    assert.equal(unchanged.json.session.expiresAt, expiresAt);

    const slid = await client.session(token);
    assert.equal(slid.headers['set-auth-token'], token);
    assert.ok(Date.parse(slid.json.session.expiresAt) > Date.parse(expiresAt) + 400_000);

    // Younger than updateAge now: read, not slid again.
    assert.equal((await client.session(token)).headers['set-auth-token'], undefined);
  });

  describe('faults', () => {
    test('drop cuts the connection without an answer', async () => {
      await client.control('mode', { mode: 'drop' });
      await assert.rejects(client.get('/api/health'), { code: 'ECONNRESET' });
      await assert.rejects(client.signIn(), { code: 'ECONNRESET' });
      assert.deepEqual(
        (await client.log()).map(({ status }) => status),
        [null, null],
      );
    });

    const answers = {
      error500: { status: 500, type: 'application/json', body: /"code":"INTERNAL_SERVER_ERROR"/ },
      html: { status: 502, type: 'text/html; charset=utf-8', body: /^<!doctype html>/ },
      empty: { status: 200, type: undefined, body: /^$/ },
    };
    for (const [mode, expected] of Object.entries(answers)) {
      test(`${mode} stands in for the real answer until the mode is up again`, async () => {
        await client.control('mode', { mode });
        for (const { status, headers, text } of [await client.get('/api/health'), await client.signIn()]) {
          assert.equal(status, expected.status);
          assert.equal(headers['content-type'], expected.type);
          assert.match(text, expected.body);
        }
        assert.equal(await client.sessionCount(DEMO_USER.email), 0, 'the request did not reach Better Auth');
        await client.control('mode', { mode: 'up' });
        assert.equal((await client.signIn()).status, 200);
      });
    }

    test('match limits a fault to the paths that begin with it', async () => {
      await client.control('mode', { mode: 'error500', match: '/api/auth/get-session' });
      const token = await client.tokenOf();
      assert.equal((await client.session(token)).status, 500);
      assert.equal((await client.profile(token)).status, 200);
    });
  });

  describe('the log', () => {
    test('has each request in its order, without the controls', async () => {
      const token = await client.tokenOf();
      await client.profile(token);
      await client.profile();
      await client.session(token, '?disableRefresh=true');
      await client.sessionCount(DEMO_USER.email);
      assert.deepEqual(await client.log(), [
        { method: 'POST', path: '/api/auth/sign-in/email', status: 200, authorization: false },
        { method: 'GET', path: '/api/profile', status: 200, authorization: true },
        { method: 'GET', path: '/api/profile', status: 401, authorization: false },
        { method: 'GET', path: '/api/auth/get-session', status: 200, authorization: true },
      ]);
      await client.clearLog();
      assert.deepEqual(await client.log(), []);
    });

    test('counts requests that come at once', async () => {
      const token = await client.tokenOf();
      await client.clearLog();
      await Promise.all(Array.from({ length: 50 }, () => client.profile(token)));
      const log = await client.log();
      assert.equal(log.length, 50);
      assert.ok(log.every(({ status, authorization }) => status === 200 && authorization));
    });

    test('never holds a token, wherever a request carries it', async () => {
      const token = await client.tokenOf();
      const [raw, signature] = token.split('.');
      await client.session(token, `?token=${raw}`);
      await client.get('/api/auth/list-sessions', token);
      await client.post('/api/auth/revoke-session', { token: raw }, token);
      await client.signOut(token);
      const log = JSON.stringify(await client.log());
      assert.equal(JSON.parse(log).length, 5);
      for (const part of [token, raw, signature, encodeURIComponent(signature)]) {
        assert.ok(!log.includes(part));
      }
    });
  });

  describe('what a request may be', () => {
    test('a web page cannot use the controls', async () => {
      const { status } = await call(server.url, 'POST', '/__test/revoke', {
        body: { email: DEMO_USER.email },
        headers: { origin: FOREIGN_ORIGIN },
      });
      assert.equal(status, 403);
    });

    test('the controls refuse what they do not understand', async () => {
      const refused = [
        ['mode', { mode: 'sideways' }, 400],
        ['mode', { mode: 'drop', match: 'api' }, 400],
        ['expiry', { expiresIn: 0 }, 400],
        ['expiry', { updateAge: -1 }, 400],
        ['touch', { email: DEMO_USER.email }, 400],
        ['revoke', {}, 400],
        ['revoke', 'no JSON', 400],
        ['revoke', { email: 'nobody@example.com' }, 404],
        ['nothing-here', {}, 404],
      ];
      for (const [name, body, expected] of refused) {
        const { status, json } = await client.post(`/__test/${name}`, body);
        assert.equal(status, expected, `${name} ${JSON.stringify(body)}`);
        assert.ok(json.code && json.message);
      }
    });

    test('a name that is not of this machine is misdirected', async () => {
      const headers = { host: 'elsewhere.example' };
      assert.equal((await call(server.url, 'GET', '/api/health', { headers })).status, 421);
    });

    test('an over-long body is refused', async () => {
      const { status, json } = await client.post('/api/auth/sign-in/email', 'x'.repeat(64 * 1024 + 1));
      assert.equal(status, 413);
      assert.equal(json.code, 'PAYLOAD_TOO_LARGE');
    });

    test("the app's page and its scheme may sign in, a foreign page may not", async () => {
      const statusFor = async (origin) =>
        (await call(server.url, 'POST', '/api/auth/sign-in/email', { body: DEMO_USER, headers: { origin } }))
          .status;
      assert.equal(await statusFor('app://latchkey-example'), 200);
      assert.equal(await statusFor('com.example.latchkey:/'), 200);
      assert.equal(await statusFor(server.url), 200);
      assert.equal(await statusFor(FOREIGN_ORIGIN), 403);
    });
  });
});

describe('a server without test controls', () => {
  let server;
  let client;

  before(async () => {
    server = await startServer({ databaseFile: newDatabase() });
    client = clientOf(server.url);
  });
  after(() => server?.close());

  test('has none', async () => {
    assert.equal((await client.get('/__test/log')).status, 404);
    assert.equal((await client.post('/__test/mode', { mode: 'drop' })).status, 404);
    assert.equal((await client.get('/api/health')).status, 200);
  });

  test('limits sign-in attempts, whatever address a client claims', async () => {
    const attempts = [];
    for (let index = 1; index <= 4; index += 1) {
      attempts.push(
        await call(server.url, 'POST', '/api/auth/sign-in/email', {
          body: { ...DEMO_USER, password: 'a-wrong-password' },
          headers: { 'x-forwarded-for': `10.0.0.${index}`, 'x-latchkey-client-address': `10.0.0.${index}` },
        }),
      );
    }
    assert.deepEqual(
      attempts.map(({ status }) => status),
      [401, 401, 401, 429],
    );
    assert.match(attempts.at(-1).headers['x-retry-after'], /^\d+$/);
  });
});

describe('the database file', () => {
  test('keeps sessions and its secret over a restart', async (context) => {
    const databaseFile = newDatabase();
    const first = await serverFor(context, { databaseFile, testControls: true });
    const token = await clientOf(first.url).tokenOf();
    await first.close();

    const second = await serverFor(context, { databaseFile, testControls: true });
    const client = clientOf(second.url);
    assert.equal((await client.profile(token)).status, 200);
    assert.equal(await client.sessionCount(DEMO_USER.email), 1);
  });

  test('is of its owner alone, with its secret, and holds no token that signs in', async (context) => {
    const databaseFile = newDatabase();
    const server = await serverFor(context, { databaseFile, testControls: true });
    const token = await clientOf(server.url).tokenOf();
    const directory = path.dirname(databaseFile);
    const names = await readdir(directory);
    assert.ok(names.includes('auth.db') && names.includes('auth.db.secret'));
    for (const name of names) {
      const file = path.join(directory, name);
      if (process.platform !== 'win32') assert.equal((await stat(file)).mode & 0o777, 0o600, name);
      assert.ok(!(await readFile(file)).includes(token), name);
    }
  });

  test('has a secret of its own: a token of another database is worthless', async (context) => {
    const one = await serverFor(context, { testControls: true });
    const other = await serverFor(context, { testControls: true });
    const token = await clientOf(one.url).tokenOf();
    assert.equal((await clientOf(other.url).session(token)).json, null);
  });

  test('with a damaged secret is refused, and the secret left as it is', async () => {
    const databaseFile = newDatabase();
    await (await startServer({ databaseFile })).close();
    await writeFile(`${databaseFile}.secret`, 'short');
    await assert.rejects(startServer({ databaseFile }), /is not a secret/);
    assert.equal(await readFile(`${databaseFile}.secret`, 'utf8'), 'short');
  });
});

test('close ends requests under way after a short grace, and frees the port', async (context) => {
  const { url, close } = await serverFor(context);
  const { port } = new URL(url);
  // Announces a body that never comes.
  const stuck = http.request(`${url}/api/auth/sign-out`, {
    method: 'POST',
    headers: { 'content-length': 10 },
  });
  const cut = once(stuck, 'error');
  stuck.flushHeaders();
  await clientOf(url).get('/api/health');

  const startedAt = Date.now();
  await Promise.all([close(), close()]);
  assert.ok(Date.now() - startedAt < 3_000);
  assert.equal((await cut)[0].code, 'ECONNRESET');

  const successor = await serverFor(context, { port: Number(port) });
  assert.equal(successor.url, url);
});

describe('the command', () => {
  async function run(context, environment) {
    const child = spawn(process.execPath, [COMMAND], { env: { ...process.env, ...environment } });
    context.after(() => child.kill('SIGKILL'));
    const printed = { stdout: '', stderr: '' };
    for (const name of ['stdout', 'stderr']) {
      child[name].setEncoding('utf8').on('data', (text) => {
        printed[name] += text;
      });
    }
    const ended = once(child, 'close');
    await Promise.race([ended, once(child.stdout, 'data')]);
    return { child, printed, ended };
  }

  test('says where it listens, prints nothing secret, and stops when asked', async (context) => {
    const databaseFile = newDatabase();
    const { child, printed, ended } = await run(context, {
      PORT: '0',
      DATABASE_FILE: databaseFile,
      LATCHKEY_TEST_CONTROLS: '1',
      SESSION_EXPIRES_IN: '120',
      SESSION_UPDATE_AGE: '60',
    });
    const url = /^listening (http:\/\/127\.0\.0\.1:\d+)\n$/.exec(printed.stdout)?.[1];
    assert.ok(url, printed.stdout + printed.stderr);
    const client = clientOf(url);

    const user = { email: 'quiet@example.com', password: 'a-quiet-password', name: 'Quiet' };
    const tokens = [(await client.signUp(user)).headers['set-auth-token'], await client.tokenOf(user)];
    const { session } = (await client.session(tokens[0])).json;
    assert.ok(Math.abs(Date.parse(session.expiresAt) - Date.now() - 120_000) < 30_000);
    await client.signUp(user);
    await client.signIn({ ...user, password: 'another-password' });
    await client.post('/api/auth/sign-in/email', `{"password":"${user.password}"`);
    await call(url, 'POST', '/api/auth/sign-in/email', { body: user, headers: { origin: FOREIGN_ORIGIN } });
    await client.signOut(tokens[0]);

    child.kill('SIGTERM');
    assert.deepEqual((await ended).slice(0, 2), [0, null]);
    assert.match(printed.stderr, /Invalid origin/, 'what goes wrong is still said');
    const secret = await readFile(`${databaseFile}.secret`, 'utf8');
    const output = printed.stdout + printed.stderr;
    const secrets = [user.email, user.password, 'another-password', DEMO_USER.password, secret];
    for (const text of [...secrets, ...tokens.flatMap((token) => token.split('.'))]) {
      assert.ok(!output.includes(text));
    }
  });

  test('says what is wrong with its settings', async (context) => {
    for (const [name, value] of Object.entries({ PORT: '70000', SESSION_EXPIRES_IN: 'soon' })) {
      const { printed, ended } = await run(context, {
        DATABASE_FILE: newDatabase(),
        PORT: '0',
        [name]: value,
      });
      assert.deepEqual((await ended).slice(0, 1), [1]);
      assert.match(printed.stderr, new RegExp(`^The server could not start: ${name} must be a whole number`));
      assert.equal(printed.stdout, '');
    }
  });

  test('says that its port is taken', async (context) => {
    const { port } = new URL((await serverFor(context)).url);
    const { printed, ended } = await run(context, { DATABASE_FILE: newDatabase(), PORT: port });
    assert.deepEqual((await ended).slice(0, 1), [1]);
    assert.equal(printed.stderr, `Port ${port} is taken by another program. Set PORT to a free one.\n`);
  });
});
