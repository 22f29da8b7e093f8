import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, writeFile } from 'node:fs/promises';
import { test } from 'node:test';
import { Computer } from './app.mjs';
import { seesAccount, seesSignInForm, signIn } from './page.mjs';
import { DEMO_USER, Server } from './server.mjs';

const linuxOnly = { skip: process.platform !== 'linux' && 'the secret service is Linux' };

async function saysWhatIsMissing(app, computer) {
  const { page } = app;
  await page.getByTestId('unavailable').waitFor();
  assert.equal(await page.getByTestId('unavailable-code').textContent(), 'ERR_KEYCHAIN_UNAVAILABLE');
  assert.match(await page.getByTestId('unavailable').innerText(), /gnome-keyring/);
  assert.equal(await app.insertions('sign-in-form'), 0, 'nothing weaker is offered');
  for (const call of ['signIn', 'signUp']) {
    const credentials = {
      method: 'password',
      name: 'Ada',
      email: 'ada@example.com',
      password: 'difference-engine',
    };
    const answer = await page.evaluate(([name, request]) => window.auth[name](request), [call, credentials]);
    assert.deepEqual([answer.ok, answer.code], [false, 'ERR_KEYCHAIN_UNAVAILABLE'], call);
  }
  assert.deepEqual(await readdir(computer.vault), [], 'nothing was written');
}

test('without D-Bus the app starts, says what is missing, and writes nothing', linuxOnly, async (t) => {
  const server = await Server.start(t);
  const computer = await Computer.create(t);
  // Without the runtime folder too: a client would find a bus at $XDG_RUNTIME_DIR/bus.
  const env = { DBUS_SESSION_BUS_ADDRESS: undefined, XDG_RUNTIME_DIR: computer.path('home') };
  const app = await computer.start({ apiUrl: server.url, env });
  await saysWhatIsMissing(app, computer);
  await app.page.getByTestId('retry').click();
  await saysWhatIsMissing(app, computer);
  assert.deepEqual(await server.requests(), []);
});

test(
  'on a bus without a secret service likewise; once there is one, retry goes on without a restart',
  linuxOnly,
  async (t) => {
    const server = await Server.start(t);
    const computer = await Computer.create(t);
    const env = {
      DBUS_SESSION_BUS_ADDRESS: await bareBus(t, computer),
      XDG_RUNTIME_DIR: computer.path('home'),
    };
    const app = await computer.start({ apiUrl: server.url, env });
    await saysWhatIsMissing(app, computer);

    await keyring(t, computer, env);
    await app.page.getByTestId('retry').click();
    await seesSignInForm(app);
    await signIn(app, DEMO_USER);
    await seesAccount(app, DEMO_USER);
  },
);

/** A bus that starts no service by itself; answers its address. */
async function bareBus(t, computer) {
  const config = computer.path('bus.conf');
  await writeFile(
    config,
    `<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN" "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
     <busconfig>
       <type>session</type>
       <listen>unix:dir=${computer.folder}</listen>
       <policy context="default"><allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/><allow own="*"/></policy>
     </busconfig>`,
  );
  const bus = spawn(
    'dbus-daemon',
    [`--config-file=${config}`, '--nofork', '--nopidfile', '--print-address=1'],
    {
      stdio: ['ignore', 'pipe', 'ignore'],
    },
  );
  t.after(() => bus.kill());
  const [address] = await once(bus.stdout.setEncoding('utf8'), 'data');
  return address.trim();
}

/** An unlocked keyring on that bus. */
async function keyring(t, computer, env) {
  const daemon = spawn('gnome-keyring-daemon', ['--foreground', '--unlock', '--components=secrets'], {
    env: { ...process.env, ...env, HOME: computer.path('home'), XDG_DATA_HOME: computer.path('data') },
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  t.after(() => daemon.kill());
  daemon.stdin.end('e2e');
  await once(daemon.stdout, 'data'); // its control socket's name: it is ready
}
