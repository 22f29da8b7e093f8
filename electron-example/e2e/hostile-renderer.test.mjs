// Pages that may not use the session, and one that may and is hostile, in an app that does nothing itself against either.
// What each of them tries is refused by the bridge, the main process knows of it, and the app's own page goes on.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { copyFile, mkdir } from 'node:fs/promises';
import { createServer } from 'node:http';
import { after, before, describe, test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { Computer } from './app.mjs';
import { bundle } from './bundle.mjs';
import { flood, tryAllCalls, tryArguments } from './hostile-calls.mjs';
import { assertNoToken } from './secrets.mjs';
import { DEMO_USER, Server } from './server.mjs';
import { storedAnomalies } from './vault.mjs';

const APP = fileURLToPath(new URL('./hostile-app', import.meta.url));
const ORIGIN = 'app://hostile';
const PAGE = `${ORIGIN}/index.html`;

/** None of this takes so long; what hangs must not hang the run. */
const TIMEOUT_MS = 120_000;

/** Ends with the suite, as the context of one test does with that. */
const suite = { ends: [], after: (end) => suite.ends.unshift(end) };

let server;
let computer;
let app;
/** The app's own page, which is signed in. */
let page;
/** A web server of somebody else. */
let foreign;

before(async () => {
  server = await Server.start(suite);
  foreign = await startForeign(suite);
  computer = await Computer.create(suite);
  const built = computer.path('built');
  await bundle({ app: APP, entry: 'preload.mjs', folder: built, file: 'preload.cjs' });
  app = await computer.start({ app: APP, apiUrl: server.url, env: { LATCHKEY_E2E_BUILT: built } });
  page = app.page;
  await page.waitForURL(PAGE);
  const signedIn = await page.evaluate((credentials) => window.auth.signIn(credentials), {
    method: 'password',
    email: DEMO_USER.email,
    password: DEMO_USER.password,
  });
  assert.equal(signedIn.ok, true);
});

after(async () => {
  for (const end of suite.ends) await end();
});

/** Somebody else's web server; `requests` is what it was asked for. */
async function startForeign(t) {
  const requests = [];
  const listener = createServer((request, response) => {
    if (request.url !== '/favicon.ico') requests.push({ path: request.url, headers: request.headers });
    response.setHeader('content-type', 'text/html');
    response.end('<!doctype html>');
  });
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  t.after(() => listener.close());
  return { url: `http://127.0.0.1:${listener.address().port}`, requests };
}

function anomalies() {
  return app.electron.evaluate(() => globalThis.hostile.anomalies);
}

/** Waits for what comes by itself, soon, and cannot be awaited. */
async function until(isSo) {
  const deadline = Date.now() + 20_000;
  while (!(await isSo())) {
    if (Date.now() > deadline) throw new Error(`never: ${isSo}`);
    await wait(10);
  }
}

/** Opens a window, by the main process, and answers its page. */
async function opened(t, url, options = {}) {
  const window = app.electron.waitForEvent('window');
  await app.electron.evaluate(
    (_electron, [url, options]) => globalThis.hostile.open(url, options),
    [url, options],
  );
  const its = await window;
  t.after(() => its.close());
  await its.waitForLoadState();
  return its;
}

/** Puts a frame into the app's page and answers it. */
async function framed(t, attributes) {
  const attached = page.waitForEvent('frameattached');
  await page.evaluate((given) => {
    const frame = Object.assign(document.createElement('iframe'), given);
    const loaded = new Promise((resolve) => frame.addEventListener('load', resolve, { once: true }));
    document.body.append(frame);
    return loaded;
  }, attributes);
  t.after(() => page.evaluate(() => document.querySelector('iframe').remove()));
  return attached;
}

/** The app's page is signed in, and its calls are answered. */
async function assertAlive() {
  const { ok, value } = await page.evaluate(() => window.auth.snapshot());
  assert.deepEqual(
    [ok, value.state, value.user.email, value.account],
    [true, 'active', DEMO_USER.email, 'first'],
  );
  const answer = await page.evaluate((url) => window.auth.fetch(url), `${server.url}/api/profile`);
  assert.equal(answer.value.status, 200);
}

/** Lets a minute pass in the main process, so that what came before counts against no limit. */
function aMinuteLater() {
  return app.electron.evaluate(() => {
    globalThis.hostile.time.aheadMs += 60_000;
  });
}

/** Runs `action` of a page that may call, and answers the anomalies that the main process was told of by it. */
async function anomaliesOf(action) {
  await aMinuteLater();
  const before = (await anomalies()).length;
  await action();
  // One more, and of another kind: what was told before it is all that there was.
  await app.electron.evaluate(async () => {
    const session = await globalThis.hostile.auth.session();
    session.reportAnomaly('unknownSender');
  });
  await until(async () => (await anomalies()).slice(before).includes('unknownSender'));
  const told = (await anomalies()).slice(before);
  assert.equal(told.pop(), 'unknownSender');
  return told;
}

/** Has this page or frame try everything, and asserts that it got nothing and that the main process knows. */
async function assertRefused(hostile) {
  await aMinuteLater();
  const before = (await anomalies()).length;
  await server.clearLog();
  const goals = { apiUrl: server.url, foreignUrl: foreign.url };
  const { answers, heard } = await hostile.evaluate(tryAllCalls, goals);
  assert.ok(Object.keys(answers).length > 15, 'the frame has the broker, the worst case');
  for (const [call, answer] of Object.entries(answers)) {
    assert.deepEqual([call, answer.ok, answer.code], [call, false, 'ERR_SENDER_NOT_ALLOWED']);
  }
  const each = Object.keys(answers).map(() => 'unknownSender');
  await until(async () => (await anomalies()).length >= before + each.length);
  assert.deepEqual((await anomalies()).slice(before), each);
  assert.deepEqual(await server.requests(), [], 'none of it reached the server');
  await lockAndUnlock();
  assert.deepEqual(await hostile.evaluate(() => window.heard), heard, 'it hears of no change');
  assert.deepEqual(heard, []);
  await assertAlive();
  assertNoToken([...server.tokens], JSON.stringify(answers), 'what the page was answered');
}

/** Two changes that every allowed page hears of. */
async function lockAndUnlock() {
  await page.evaluate(() => {
    window.unlocked = new Promise((resolve) => {
      let locked = false;
      const stop = window.auth.onChange(({ state }) => {
        locked ||= state === 'locked';
        if (!locked || state !== 'active') return;
        stop();
        resolve();
      });
    });
  });
  await app.electron.evaluate(async () => {
    await globalThis.hostile.auth.lock();
    await globalThis.hostile.auth.unlock();
  });
  await page.evaluate(() => window.unlocked);
}

describe('a page that may not use the session is refused every call, and hears nothing:', {
  timeout: TIMEOUT_MS,
}, () => {
  const frames = {
    'a frame in the app’s page, of the same origin': { src: `${ORIGIN}/frame.html` },
    'a frame with its document in an attribute': { srcdoc: '<!doctype html>' },
    'a sandboxed frame of the same origin': { src: `${ORIGIN}/frame.html`, sandbox: 'allow-scripts' },
  };
  for (const [name, attributes] of Object.entries(frames)) {
    test(name, async (t) => {
      const frame = await framed(t, attributes);
      await assertRefused(frame);
    });
  }

  test('a frame of a foreign origin, which does not reach the app’s page either', async (t) => {
    const frame = await framed(t, { src: foreign.url });
    await assertRefused(frame);
    const reached = await frame.evaluate(() => {
      try {
        return typeof window.parent.auth;
      } catch (error) {
        return error.name;
      }
    });
    assert.equal(reached, 'SecurityError');
  });

  const addresses = {
    'a foreign origin': () => foreign.url,
    'a data: address': () => 'data:text/html,<h1>elsewhere</h1>',
    'an empty page': () => 'about:blank',
    'another host of the app’s scheme': () => 'app://hostile.example/index.html',
  };
  for (const [name, address] of Object.entries(addresses)) {
    test(`a registered window at ${name}`, async (t) => {
      const window = await opened(t, address());
      await assertRefused(window);
    });
  }

  test('a registered window that the app’s page itself took elsewhere', async (t) => {
    const window = await opened(t, PAGE);
    await window.evaluate((url) => {
      location.href = url;
    }, foreign.url);
    await window.waitForURL(`${foreign.url}/`);
    await assertRefused(window);
  });

  test('a registered window at a blob: address of the app’s origin', async (t) => {
    const window = await opened(t, PAGE);
    await window.evaluate(() => {
      location.href = URL.createObjectURL(new Blob(['<!doctype html>'], { type: 'text/html' }));
    });
    await window.waitForURL(/^blob:/);
    await assertRefused(window);
  });

  test('a window that was not registered, with the app’s page and preload script', async (t) => {
    const window = await opened(t, PAGE, { registered: false });
    await assertRefused(window);
  });

  for (const [name, address] of Object.entries({
    'the app’s page': () => PAGE,
    'a foreign page': () => foreign.url,
  })) {
    test(`a window that a page opened, with ${name}`, async (t) => {
      const popup = page.waitForEvent('popup');
      await page.evaluate((url) => void window.open(url), address());
      const window = await popup;
      t.after(() => window.close());
      await window.waitForURL(new URL(address()).href);
      await window.reload(); // the first page of a window that a page opened may go without the preload script
      await assertRefused(window);
    });
  }

  test('a file from elsewhere on the disk, while one of the app’s own folder is allowed', async (t) => {
    const own = pathToFileURL(`${APP}/page.html`).href;
    const elsewhere = computer.path('downloads');
    await mkdir(elsewhere);
    await copyFile(`${APP}/page.html`, `${elsewhere}/page.html`);
    const window = await opened(t, own);
    assert.equal((await window.evaluate(() => window.auth.snapshot())).ok, true);
    await window.goto(pathToFileURL(`${elsewhere}/page.html`).href);
    await assertRefused(window);
    // Electron lets pages from disk take each other's address.
    await window.evaluate((url) => history.pushState(null, '', url), own);
    assert.equal(window.url(), own);
    await assertRefused(window);
    await window.reload();
    assert.equal((await window.evaluate(() => window.auth.snapshot())).ok, true, 'now it is the app’s own');
  });
});

describe('the app’s own page, as if somebody else had got into it:', { timeout: TIMEOUT_MS }, () => {
  test('a request to a foreign origin never leaves', async () => {
    const { host } = new URL(server.url);
    const addresses = [
      `${foreign.url}/api/profile`,
      `http://${host}@${new URL(foreign.url).host}/api/profile`,
      `${foreign.url}/#${server.url}`,
      `http://${host}.evil.example/api/profile`,
      `https://${host}/api/profile`,
      server.url.replace('127.0.0.1', 'localhost'),
      'http://[::1]/api/profile',
      'file:///etc/passwd',
      'data:text/plain,token',
      'app://hostile/index.html',
      '//127.0.0.1/api/profile',
      '/api/profile',
      '',
    ];
    const fetchAll = (urls) => Promise.all(urls.map(async (url) => (await window.auth.fetch(url)).code));
    let codes;
    const told = await anomaliesOf(async () => {
      codes = await page.evaluate(fetchAll, addresses);
    });
    assert.deepEqual([...new Set(told)], ['invalidCall']);
    assert.ok(told.length >= codes.filter((code) => code === 'ERR_ORIGIN_NOT_ALLOWED').length);
    for (const [index, code] of codes.entries()) {
      assert.match(code ?? 'allowed', /^ERR_(ORIGIN_NOT_ALLOWED|INVALID_ARGUMENT)$/, addresses[index]);
    }
    assert.deepEqual(
      foreign.requests.filter(({ path }) => path !== '/'),
      [],
    );
    await assertAlive();
  });

  test('arguments that are polluted, oversized or of the wrong kind are refused, each by its code', async () => {
    await server.clearLog();
    let outcomes;
    const told = await anomaliesOf(async () => {
      await app.electron.evaluate(() => {
        globalThis.hostile.time.stepMs = 60_000; // each call in a minute of its own
      });
      outcomes = await page.evaluate(tryArguments, server.url);
      await app.electron.evaluate(() => {
        globalThis.hostile.time.stepMs = 0;
      });
    });
    assert.deepEqual([...new Set(told)], ['invalidCall']);
    assert.ok(outcomes.length > 100, `${outcomes.length} calls`);
    const refusals = /^ERR_(INVALID_ARGUMENT|SIGN_IN_NOT_FOUND)$|^not sent$/;
    assert.deepEqual(
      outcomes.filter(({ outcome }) => !refusals.test(outcome)),
      [],
    );
    assert.deepEqual(await server.requests(), [], 'none of it reached the server');
    const polluted = await app.electron.evaluate(() => [
      typeof {}.polluted,
      typeof [].polluted,
      typeof {}.method,
    ]);
    assert.deepEqual(polluted, ['undefined', 'undefined', 'undefined']);
    await assertAlive();
  });

  test('a page with a polluted Object.prototype sends what it names and nothing else', async (t) => {
    const window = await opened(t, PAGE);
    await server.clearLog();
    const { code, status } = await window.evaluate(async (url) => {
      Object.assign(Object.prototype, {
        method: 'DELETE',
        email: 'mallory@example.com',
        password: 'x',
        body: 'b',
      });
      const { code } = await window.auth.signIn({});
      const answer = await window.auth.fetch(url, {});
      return { code, status: answer.value?.status ?? answer.code };
    }, `${server.url}/api/profile`);
    assert.equal(code, 'ERR_INVALID_ARGUMENT');
    assert.equal(status, 200);
    assert.deepEqual(await server.requests(), ['GET /api/profile 200']);
    await assertAlive();
  });

  test('ten thousand calls at once leave the app alive', async (t) => {
    const stranger = await opened(t, PAGE, { registered: false });
    assert.deepEqual(await stranger.evaluate(flood, { call: 'snapshot', args: [], count: 10_000 }), {
      ERR_SENDER_NOT_ALLOWED: 10_000,
    });
    await assertAlive();
    const { answered } = await page.evaluate(flood, { call: 'snapshot', args: [], count: 10_000 });
    assert.ok(answered > 0);
    await assertAlive();
  });

  test('ten thousand passwords are not tried: the server sees ten in a minute', async () => {
    await server.clearLog();
    const wrong = { method: 'password', email: DEMO_USER.email, password: 'wrong' };
    let outcomes;
    const told = await anomaliesOf(async () => {
      outcomes = await page.evaluate(flood, { call: 'signIn', args: [wrong], count: 10_000 });
    });
    assert.ok(outcomes.ERR_TOO_MANY_CALLS >= 9980, `${outcomes.ERR_TOO_MANY_CALLS} refused`);
    assert.deepEqual(told, ['tooManyCalls']);
    const tries = (await server.requests()).filter((each) => each.includes('sign-in'));
    assert.ok(tries.length <= 20, `${tries.length} tries`); // a slow machine takes a part of the next minute, too
    await assertAlive();
  });

  test('of a thousand requests at once some are sent, and none is lost', async () => {
    const args = [`${server.url}/api/health`];
    const { answered, ...others } = await page.evaluate(flood, { call: 'fetch', args, count: 1000 });
    assert.ok(answered >= 256, `${answered} answered`);
    assert.equal(answered + (others.ERR_TOO_MANY_CALLS ?? 0), 1000);
    await assertAlive();
  });
});

test('the vault has a row of each kind, and no more for ten thousand calls', async () => {
  const rows = await app.electron.evaluate(() => globalThis.hostile.auth.audit());
  assert.deepEqual([...new Set(rows.map(({ kind }) => kind))].sort(), [...new Set(await anomalies())].sort());
  assert.ok(rows.length <= 10, `${rows.length} rows`);
  await app.quit();
  assert.deepEqual(await storedAnomalies(computer), rows);
});
