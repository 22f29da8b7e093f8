// A desktop session to break: its own D-Bus, its own gnome-keyring, its own home. Gone when the test ends.
import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import net from 'node:net';
import path from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { ready, run, start, stop } from '../scripts/processes.mjs';
import { emptyFolder } from './vault-folder.mjs';

const PASSWORD = 'the-keyring-password';
const DIRECTORIES = {
  HOME: 'home',
  XDG_RUNTIME_DIR: 'run',
  XDG_DATA_HOME: 'data',
  XDG_CONFIG_HOME: 'config',
  XDG_CACHE_HOME: 'cache',
};

export class DesktopSession {
  #daemon = null;
  #bus = null;

  /** A session with a bus and an unlocked keyring, or with nothing but its folders (`bare`). */
  static async start(t, { bus = true, keyring = bus } = {}) {
    let session;
    t.after(() => session?.#end()); // before the folder goes, which the keyring writes to
    session = new DesktopSession(await emptyFolder(t));
    await Promise.all(Object.values(session.env).map((folder) => mkdir(folder, { mode: 0o700 })));
    if (bus) await session.#startBus();
    if (keyring) await session.startKeyring();
    return session;
  }

  constructor(folder) {
    this.folder = folder;
    const directories = Object.entries(DIRECTORIES);
    this.env = Object.fromEntries(directories.map(([name, at]) => [name, path.join(folder, at)]));
    // What the session around the tests says must not get in.
    this.unset = { DBUS_SESSION_BUS_ADDRESS: undefined, GNOME_KEYRING_CONTROL: undefined };
  }

  /** The environment of an application in this session. */
  get appEnv() {
    return { ...process.env, ...this.unset, ...this.env };
  }

  /** A vault in this session. */
  vault(name = 'vault', timeoutMs = 5000) {
    return { id: 'test.latchkey.app', path: path.join(this.folder, name), keychainTimeoutMs: timeoutMs };
  }

  async startKeyring() {
    const args = ['--foreground', '--unlock', '--components=secrets'];
    const stdio = ['pipe', 'ignore', 'ignore']; // it would complain of having no prompter, as some tests want it
    this.#daemon = start('gnome-keyring-daemon', args, { env: this.appEnv, stdio });
    this.#daemon.stdin.end(PASSWORD);
    for (let tries = 0; !(await this.#ownsName()); tries++) {
      assert.ok(tries < 200, 'gnome-keyring did not claim its name');
      await setTimeout(10);
    }
  }

  async stopKeyring() {
    this.thaw();
    await stop(this.#daemon);
    this.#daemon = null;
  }

  freeze() {
    this.#daemon.kill('SIGSTOP');
  }

  thaw() {
    this.#daemon?.kill('SIGCONT');
  }

  freezeBus() {
    this.#bus.kill('SIGSTOP');
  }

  /** Locks the keyring, as a screen lock does. There is no prompter here: nobody can be asked to unlock it. */
  async lock() {
    const collection = 'array:objpath:/org/freedesktop/secrets/collection/login';
    await this.#secrets('org.freedesktop.Secret.Service.Lock', collection);
  }

  /** Unlocks the keyring as a login does: over its control socket, in the running daemon. */
  async unlock() {
    const password = Buffer.from(PASSWORD);
    // Credentials byte, then length of all, operation (1 is unlock), length of the password, password.
    const request = Buffer.alloc(1 + 12);
    request.writeUInt32BE(12 + password.length, 1);
    request.writeUInt32BE(1, 5);
    request.writeUInt32BE(password.length, 9);
    const socket = net.connect(path.join(this.env.XDG_RUNTIME_DIR, 'keyring', 'control'));
    socket.write(Buffer.concat([request, password]));
    const answer = [];
    for await (const chunk of socket) answer.push(chunk);
    assert.equal(Buffer.concat(answer).readUInt32BE(4), 0, 'gnome-keyring did not unlock');
  }

  /** Stores an item beside, or in place of, what the addon stored. */
  async store(attributes, secret) {
    const args = ['store', '--label=test', ...Object.entries(attributes).flat()];
    await run('secret-tool', args, { env: this.appEnv, input: secret });
  }

  /** The secrets of the items that have these attributes. */
  async lookup(attributes) {
    const args = ['search', '--all', ...Object.entries(attributes).flat()];
    const found = await run('secret-tool', args, { env: this.appEnv });
    return [...found.matchAll(/^secret = (.*)$/gm)].map(([, secret]) => secret);
  }

  async clear(attributes) {
    await run('secret-tool', ['clear', ...Object.entries(attributes).flat()], { env: this.appEnv });
  }

  async #startBus() {
    const config = path.join(this.folder, 'bus.conf');
    // Without service folders: the bus starts no keyring and no prompter by itself.
    await writeFile(
      config,
      `<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN" "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>unix:path=${this.env.XDG_RUNTIME_DIR}/bus</listen>
  <policy context="default"><allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/><allow own="*"/></policy>
</busconfig>`,
    );
    const args = [`--config-file=${config}`, '--nofork', '--nopidfile', '--print-address=1'];
    this.#bus = start('dbus-daemon', args, { env: this.appEnv });
    const [address] = await ready(this.#bus, { name: 'dbus-daemon', pattern: /^unix:.*(?=\n)/m });
    this.env.DBUS_SESSION_BUS_ADDRESS = address;
  }

  #dbus(destination, object, call, ...args) {
    const send = ['--print-reply', `--dest=${destination}`, object, call, ...args];
    return run('dbus-send', send, { env: this.appEnv });
  }

  #secrets(call, ...args) {
    return this.#dbus('org.freedesktop.secrets', '/org/freedesktop/secrets', call, ...args);
  }

  async #ownsName() {
    const call = 'org.freedesktop.DBus.NameHasOwner';
    const name = 'string:org.freedesktop.secrets';
    const answer = await this.#dbus('org.freedesktop.DBus', '/org/freedesktop/DBus', call, name);
    return answer.includes('boolean true');
  }

  async #end() {
    if (this.#daemon) await this.stopKeyring();
    if (!this.#bus) return;
    this.#bus.kill('SIGCONT');
    await stop(this.#bus);
  }
}
