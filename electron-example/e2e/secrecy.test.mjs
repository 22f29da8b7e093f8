import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Computer } from './app.mjs';
import { callApi, checkNow, formError, NEW_USER, seesAccount, signIn, signOut, signUp } from './page.mjs';
import { reachableFrom } from './reachable.mjs';
import { assertNoToken, assertNoTokenUnder, findToken, needles } from './secrets.mjs';
import { Server } from './server.mjs';

/** Routes that answer with tokens when a client asks them directly. */
const TOKEN_ROUTES = [
  '/api/auth/get-session',
  '/api/auth/list-sessions',
  '/api/auth/get-session?disableCookieCache=true',
];

test('no token, and no part of one, is in any message, value, file, log or error', {
  timeout: 300_000,
}, async (t) => {
  const server = await Server.start(t);
  const computer = await Computer.create(t);
  let app = await computer.start({ apiUrl: server.url });
  const looks = [];

  /** Everything the page can reach at this moment, searched at the end, when all the tokens are known. */
  const look = async (when) => looks.push([when, await reachableFrom(app, server.url, TOKEN_ROUTES)]);

  await t.test('through sign-up, calls, refresh, sign-out, errors, sign-in and a restart', async () => {
    await signUp(app);
    await seesAccount(app, NEW_USER);
    await look('sign-up');
    assert.equal((await callApi(app)).outcome, 'ok');
    await checkNow(app);
    await look('a call and a refresh');
    await signOut(app);
    await look('sign-out');
    await signIn(app, { ...NEW_USER, password: 'not-the-password' });
    assert.equal(await formError(app), 'ERR_INVALID_CREDENTIALS');
    await signIn(app, NEW_USER);
    await seesAccount(app, NEW_USER);
    await look('sign-in');
    await app.quit();
    app = await computer.start({ apiUrl: server.url });
    await seesAccount(app, NEW_USER);
    await look('restore');
    await server.mode('error500');
    await checkNow(app);
    await seesAccount(app, NEW_USER, 'offline');
    await callApi(app);
    await server.mode('up');
    await seesAccount(app, NEW_USER, 'active');
    await server.revoke(NEW_USER.email);
    await checkNow(app);
    await seesAccount(app, NEW_USER, 'expired');
    await callApi(app);
    await look('expiry');
  });

  await t.test('the search would find one', () => {
    const [token] = server.tokens;
    assert.ok(server.tokens.size >= 2, 'one token of the sign-up and one of the sign-in');
    for (const content of [
      `x${token}x`,
      token.slice(7, 19),
      Buffer.from(`x${token}`).toString('base64'),
      Buffer.from(token).toString('hex'),
      Buffer.from(token, 'utf16le'),
    ]) {
      assert.notEqual(findToken(server.tokens, content), null);
    }
    assert.equal(findToken(server.tokens, token.slice(7, 18)), null);
    assert.ok(needles(server.tokens).length > 100);
  });

  await t.test('IPC messages', async () => {
    const messages = await computer.messages();
    for (const channel of ['sign-up', 'sign-in', 'sign-out', 'refresh', 'fetch', 'snapshot', 'changed']) {
      assert.ok(
        messages.some((message) => message.channel === `latchkey:${channel}`),
        `${channel} was recorded`,
      );
    }
    const bodies = messages.filter(({ content }) => typeof content?.value?.body === 'string');
    assert.ok(
      bodies.some(({ content }) => content.value.body.includes(NEW_USER.email)),
      'bodies are recorded as text',
    );
    assertNoToken(server.tokens, JSON.stringify(messages), 'an IPC message');
  });

  await t.test('values in the page', () => {
    for (const [when, values] of looks) {
      assert.ok(values.includes('latchkeyExample'), 'the heap is there');
      assertNoToken(server.tokens, values, `a value after ${when}`);
    }
    assert.ok(looks.some(([, values]) => values.includes(NEW_USER.email)));
  });

  await app.quit();

  await t.test("the app's files: vault, Chromium's profile, logs, caches", async () => {
    const files = await assertNoTokenUnder(server.tokens, computer.folder);
    assert.ok(files > 10, `${files} files`);
  });

  await t.test(
    "the server's folder holds no whole token, though Better Auth keeps the unsigned half",
    async () => {
      const whole = [...server.tokens].map((token) => token.slice(token.indexOf('.') + 1));
      await assertNoTokenUnder(whole, server.folder);
    },
  );
});
