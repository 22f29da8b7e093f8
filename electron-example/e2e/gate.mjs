// A gate on the way to the server: what comes while it is closed waits there, neither refused nor answered.
import { once } from 'node:events';
import { connect, createServer } from 'node:net';

export class Gate {
  #listener = createServer((client) => this.#pass(client));
  #sockets = new Set();
  #port;
  #opened = Promise.resolve();
  #open = () => undefined;

  /** @param {import('node:test').TestContext} t it is removed when this test ends */
  static async inFrontOf(server, t) {
    const gate = new Gate();
    gate.#port = Number(new URL(server.url).port);
    gate.#listener.listen(0, '127.0.0.1');
    await once(gate.#listener, 'listening');
    t.after(() => gate.#remove());
    return gate;
  }

  get url() {
    return `http://127.0.0.1:${this.#listener.address().port}`;
  }

  close() {
    this.#opened = new Promise((resolve) => {
      this.#open = resolve;
    });
  }

  open() {
    this.#open();
  }

  async #pass(client) {
    this.#sockets.add(client);
    client.on('error', () => client.destroy());
    await this.#opened;
    const server = connect(this.#port, '127.0.0.1');
    this.#sockets.add(server);
    server.on('error', () => client.destroy());
    client.on('close', () => server.destroy());
    client.pipe(server).pipe(client);
  }

  #remove() {
    for (const socket of this.#sockets) socket.destroy();
    this.#listener.close();
  }
}
