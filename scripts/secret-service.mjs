// A private D-Bus session with an unlocked gnome-keyring, for the tour and the tests only: they need a real
// secret service, and must neither depend on nor touch the one of the person at the keyboard. Everything
// lives in one temporary folder and is gone afterwards. An application is never given this.

import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import path from 'node:path';
import { atEnd, ready, run, start } from './processes.mjs';

const START_TIMEOUT_MS = 10_000;

/** Starts one, proves it with a round trip, and answers the environment its clients need. */
export async function openPrivateSecretService() {
  if (process.platform !== 'linux') return { env: {}, note: 'the keychain of the system' };
  // In the system's temporary folder: a socket's path may not be longer than 107 characters.
  const folder = await mkdtemp(path.join(tmpdir(), 'latchkey-session-'));
  atEnd(() => rm(folder, { recursive: true, force: true }));
  const env = privateEnvironment(folder);
  const environment = { ...process.env, ...env };
  for (const directory of Object.values(env)) await mkdir(directory, { recursive: true, mode: 0o700 });

  const address = await startBus(folder, environment);
  const session = { ...env, ...rustHomes(), DBUS_SESSION_BUS_ADDRESS: address };
  await startKeyring({ ...process.env, ...session });
  return { env: session, note: 'a private D-Bus session with an unlocked gnome-keyring, for this run only' };
}

function privateEnvironment(folder) {
  return {
    HOME: path.join(folder, 'home'),
    XDG_RUNTIME_DIR: path.join(folder, 'run'),
    XDG_DATA_HOME: path.join(folder, 'data'),
    XDG_CONFIG_HOME: path.join(folder, 'config'),
    XDG_CACHE_HOME: path.join(folder, 'cache'),
  };
}

// The tool chain lies in the home of the person, which the session hides.
function rustHomes() {
  const { CARGO_HOME = path.join(homedir(), '.cargo'), RUSTUP_HOME = path.join(homedir(), '.rustup') } =
    process.env;
  return { CARGO_HOME, RUSTUP_HOME };
}

async function startBus(folder, env) {
  // A configuration without service folders: the bus starts nothing by itself, so only our keyring answers,
  // and a prompt is refused at once instead of waiting for a person.
  const config = path.join(folder, 'bus.conf');
  await writeFile(
    config,
    `<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN" "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>unix:path=${folder}/run/bus</listen>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>
</busconfig>
`,
  );
  const bus = start(
    'dbus-daemon',
    [`--config-file=${config}`, '--nofork', '--nopidfile', '--print-address=1'],
    {
      env,
    },
  );
  const [address] = await ready(bus, { name: 'dbus-daemon', pattern: /^unix:.*(?=\n)/m });
  return address;
}

async function startKeyring(env) {
  const keyring = start('gnome-keyring-daemon', ['--foreground', '--unlock', '--components=secrets'], {
    env,
    stdio: ['pipe', 'ignore', 'pipe'],
  });
  let complaints = '';
  keyring.stderr.on('data', (chunk) => (complaints += chunk));
  // Protects nothing: this keyring exists for one run, in a folder that is removed.
  keyring.stdin.end('latchkey');

  const probe = ['latchkey-probe', 'ready'];
  const deadline = Date.now() + START_TIMEOUT_MS;
  for (;;) {
    try {
      await run('secret-tool', ['store', '--label=probe', ...probe], {
        env,
        input: 'answer',
        timeoutMs: 5000,
      });
      if ((await run('secret-tool', ['lookup', ...probe], { env, timeoutMs: 5000 })) === 'answer') break;
      throw new Error('the secret service answered something else than was stored');
    } catch (error) {
      if (Date.now() > deadline)
        throw new Error(`gnome-keyring is not usable: ${error.message}\n${complaints}`);
      await new Promise((resolve) => setTimeout(resolve, 50)); // it has not claimed its name on the bus yet
    }
  }
  await run('secret-tool', ['clear', ...probe], { env });
}
