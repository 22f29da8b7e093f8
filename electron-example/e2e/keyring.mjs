// A D-Bus session and a keyring for one test's computer, so that tests share no key. Linux; elsewhere the app uses the
// keychain of whoever runs the tests.
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { promisify } from 'node:util';

const run = promisify(execFile);

const DEADLINE_MS = 20_000;

/**
 * A bus that starts no service by itself: there is no keyring on it until one is started.
 *
 * @returns {Promise<{ address: string, stop(): Promise<void> }>}
 */
export async function startBus(folder) {
  const config = join(folder, 'bus.conf');
  await writeFile(
    config,
    `<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN" "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
     <busconfig>
       <type>session</type>
       <listen>unix:dir=${folder}</listen>
       <policy context="default">
         <allow send_destination="*" eavesdrop="true"/>
         <allow eavesdrop="true"/>
         <allow own="*"/>
       </policy>
     </busconfig>`,
  );
  const options = [`--config-file=${config}`, '--nofork', '--nopidfile', '--print-address=1'];
  const bus = spawn('dbus-daemon', options, { stdio: ['ignore', 'pipe', 'ignore'] });
  const [line] = await Promise.race([
    once(bus.stdout.setEncoding('utf8'), 'data'),
    failure(bus, 'dbus-daemon'),
  ]);
  return { address: line.trim(), stop: () => stop(bus) };
}

/** An unlocked gnome-keyring for clients with this environment; it may take a moment until it answers. */
export function startKeyring(env) {
  const daemon = spawn('gnome-keyring-daemon', ['--foreground', '--unlock', '--components=secrets'], {
    env,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  failure(daemon, 'gnome-keyring-daemon').catch(() => undefined); // whoever waits for an answer says so
  daemon.stdin.end('e2e');
  return { stop: () => stop(daemon) };
}

/** Waits until the keyring stores and finds a secret. */
export async function keyringAnswers(env) {
  const deadline = Date.now() + DEADLINE_MS;
  for (;;) {
    try {
      const probe = ['latchkey-e2e', 'probe'];
      const storing = run('secret-tool', ['store', '--label=probe', ...probe], { env });
      storing.child.stdin.end('answer');
      await storing;
      const { stdout } = await run('secret-tool', ['lookup', ...probe], { env });
      if (stdout === 'answer') return;
    } catch (error) {
      if (Date.now() > deadline) throw new Error(`gnome-keyring does not answer: ${error.message}`);
    }
    await wait(50);
  }
}

function failure(process, name) {
  return new Promise((_resolve, reject) => {
    process.once('error', reject);
    process.once('exit', (code) => reject(new Error(`${name} ended with ${code}`)));
  });
}

async function stop(process) {
  if (process.exitCode !== null || process.signalCode !== null) return;
  process.kill();
  await once(process, 'exit');
}
