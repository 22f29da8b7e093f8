// A gate on the way to the D-Bus session: shut, the keychain behind it does not answer, or cannot be reached. Linux.
import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { connect, createServer } from 'node:net';

export class BusGate {
  #server = createServer((client) => this.#meet(client));
  #waiting = new Set();
  #sockets = new Set();
  #state = 'open';

  /**
   * @param {{ after(task: () => unknown): void }} t it is removed then
   * @param {string} address the bus's, such as `unix:path=/run/user/1000/bus`
   * @param {string} path where the gate lies; 107 characters at most
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

  #bus;

  /** Lets those in who wait, and whoever comes. */
  open() {
    this.#state = 'open';
    for (const client of this.#waiting) this.#pass(client);
    this.#waiting.clear();
  }

  /** Whoever comes waits. */
  hold() {
    this.#state = 'held';
  }

  /** Sends everybody away who waits or comes. */
  refuse() {
    this.#state = 'refused';
    for (const client of this.#waiting) client.destroy();
    this.#waiting.clear();
  }

  #meet(client) {
    this.#sockets.add(client);
    client.on('error', () => client.destroy());
    client.on('close', () => this.#waiting.delete(client));
    if (this.#state === 'refused') client.destroy();
    else if (this.#state === 'held') this.#waiting.add(client);
    else this.#pass(client);
  }

  #pass(client) {
    const bus = connect(this.#bus);
    this.#sockets.add(bus);
    bus.on('error', () => client.destroy());
    client.on('close', () => bus.destroy());
    client.pipe(bus).pipe(client);
  }

  async #remove(path) {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await rm(path, { force: true });
  }
}
