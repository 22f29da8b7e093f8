// A secret service that does not answer: the call ends at its deadline, and nothing else stands still.
import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { test } from 'node:test';
import { startChild } from './child.mjs';
import { DesktopSession } from './desktop-session.mjs';

const linuxOnly = { skip: process.platform !== 'linux' && 'the Secret Service is Linux', timeout: 30_000 };
const DEADLINE_MS = 700;

// Opens while the service is frozen, counts the turns of the event loop meanwhile, opens again once told to.
async function openTwice({ addon, say, hear }, options) {
  let turns = 0;
  const turning = setInterval(() => turns++, 10);
  const started = performance.now();
  const code = await addon.Vault.open(options).then(
    () => 'opened',
    (error) => error.code,
  );
  const tookMs = performance.now() - started;
  clearInterval(turning);
  await say({ code, tookMs, turns });
  if ((await hear()) === 'end') return 'ended';
  const vault = await addon.Vault.open(options);
  await vault.set('key', 'kept');
  return vault.get('key');
}

function assertTimedOut({ code, tookMs, turns }) {
  assert.equal(code, 'ERR_KEYCHAIN_TIMEOUT');
  assert.ok(tookMs >= DEADLINE_MS && tookMs < 3 * DEADLINE_MS, `took ${tookMs} ms`);
  assert.ok(turns > 20, `the event loop turned ${turns} times`);
}

test('times out with the event loop alive, writes nothing, and the process ends', linuxOnly, async (t) => {
  const session = await DesktopSession.start(t);
  session.freeze();
  const before = await readdir(session.folder);
  const app = startChild(t, openTwice, session.vault('vault', DEADLINE_MS), { env: session.appEnv });
  assertTimedOut(await app.heard());
  app.tell('end');
  assert.equal(await app.result(), 'ended', 'although a call still hangs');
  assert.deepEqual(await readdir(session.folder), before);
});

test('works again once it answers, without a restart', linuxOnly, async (t) => {
  const session = await DesktopSession.start(t);
  session.freeze();
  const app = startChild(t, openTwice, session.vault('vault', DEADLINE_MS), { env: session.appEnv });
  assertTimedOut(await app.heard());
  session.thaw();
  app.tell('again');
  assert.equal(await app.result(), 'kept');
});

test('a frozen bus is no different', linuxOnly, async (t) => {
  const session = await DesktopSession.start(t);
  session.freezeBus();
  const app = startChild(t, openTwice, session.vault('vault', DEADLINE_MS), { env: session.appEnv });
  assertTimedOut(await app.heard());
  app.tell('end');
  assert.equal(await app.result(), 'ended');
});

test('many calls that hang leave the threads of others free', linuxOnly, async (t) => {
  const session = await DesktopSession.start(t);
  const [open, hung] = [session.vault('open'), session.vault('hung', DEADLINE_MS)];
  const work = async ({ addon, say, hear }, [first, second]) => {
    const vault = await addon.Vault.open(first);
    await say('open');
    await hear();
    const hanging = Array.from({ length: 32 }, () => addon.Vault.open(second).catch((error) => error.code));
    const started = performance.now();
    await vault.set('key', 'value');
    const tookMs = performance.now() - started;
    return { tookMs, codes: [...new Set(await Promise.all(hanging))] };
  };
  const app = startChild(t, work, [open, hung], { env: session.appEnv });
  await app.heard();
  session.freeze();
  app.tell('frozen');
  const { tookMs, codes } = await app.result();
  assert.deepEqual(codes, ['ERR_KEYCHAIN_TIMEOUT']);
  assert.ok(tookMs < DEADLINE_MS / 2, `a write took ${tookMs} ms`);
});

test('a rotation that timed out takes no key away when the service answers late', linuxOnly, async (t) => {
  const session = await DesktopSession.start(t);
  const work = async ({ addon, say, hear }, options) => {
    const vault = await addon.Vault.open(options);
    const reader = await addon.Vault.open(options);
    await vault.set('key', 'kept');
    await say('open');
    await hear();
    const rotating = vault.rotateKey().catch((error) => error.code);
    await reader.set('meanwhile', 'written');
    await say(await rotating);
    await hear();
    await vault.rotateKey();
    const again = await addon.Vault.open(options);
    return Promise.all([again.get('key'), reader.get('meanwhile')]);
  };
  const app = startChild(t, work, session.vault('vault', DEADLINE_MS), { env: session.appEnv });
  assert.equal(await app.heard(), 'open');
  session.freeze();
  app.tell('frozen');
  assert.equal(await app.heard(), 'ERR_KEYCHAIN_TIMEOUT');
  session.thaw();
  app.tell('thawed');
  assert.deepEqual(await app.result(), ['kept', 'written']);
});
