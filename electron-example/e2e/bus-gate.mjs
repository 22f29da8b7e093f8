// A gate on the way to the keychain of a D-Bus session: shut, the keychain does not answer or cannot be reached, and the rest
// of the bus goes on, which Chromium needs. Linux.
import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { connect, createServer } from 'node:net';

/** In every message to the keychain. */
const KEYCHAIN = 'org.freedesktop.secrets';

export class BusGate {
  #server = createServer((client) => this.#pass(client));
  #sockets = new Set();
  /** What lets on, or sends away, each who waits. */
  #waiting = new Set();
  #state = 'open';
  #bus;

  /**
   * @param {string} address the bus's, such as `unix:path=/run/user/1000/bus`
   * @param {string} path where the gate lies; 107 characters at most
   * @param {{ after(task: () => unknown): void }} t it is removed then
   */
  static async inFrontOf(address, path, t) {
    const gate = new BusGate();
    gate.#bus = /unix:path=([^,;]+)/.exec(address)[1];
    gate.address = `unix:path=${path}`;
    gate.#server.listen(path);
    await once(gate.#server, 'listening');
    t.after(() => gate.#remove(path));
    return gate;
  }

  /** Lets those on who wait, and whoever asks from now on. */
  open() {
    this.#change('open');
  }

  /** Whoever asks waits. */
  hold() {
    this.#change('held');
  }

  /** Ends the connection of everybody who waits or asks. */
  refuse() {
    this.#change('refused');
  }

  #change(state) {
    this.#state = state;
    if (state === 'held') return;
    for (const decide of this.#waiting) decide();
    this.#waiting.clear();
  }

  #pass(client) {
    const bus = connect(this.#bus);
    for (const socket of [client, bus]) {
      this.#sockets.add(socket);
      socket.on('error', () => socket.destroy());
    }
    client.on('close', () => bus.destroy());
    bus.on('close', () => client.destroy());
    bus.pipe(client);
    client.on('data', (chunk) => {
      const decide = () => {
        if (this.#state === 'refused') client.destroy();
        else bus.write(chunk);
        client.resume();
      };
      if (!chunk.includes(KEYCHAIN) || this.#state === 'open') bus.write(chunk);
      else if (this.#state === 'refused') client.destroy();
      else {
        client.pause(); // what comes after it has to stay behind it
        this.#waiting.add(decide);
      }
    });
  }

  async #remove(path) {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await rm(path, { force: true });
  }
}
