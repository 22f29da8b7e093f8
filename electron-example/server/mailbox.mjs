// The mail of the example's server. Nothing leaves this computer: each message is a line of the server's log, where whoever
// runs it reads the code. A server of your own hands it to its mail service here, and logs nothing.

/** More than a person asks for; a bound all the same for a server that someone leaves running. */
const MAX_KEPT = 100;

export class Mailbox {
  #lastCodes = new Map();
  #write;

  /** @param {(line: string) => void} [write] where the lines go; default: the console */
  constructor(write = (line) => console.log(line)) {
    this.#write = write;
  }

  /** @param {{ to: string, text: string, code?: string }} message */
  send({ to, text, code }) {
    this.#write(`[mail] to ${to}: ${text}${code === undefined ? '' : ` ${code}`}`);
    this.#lastCodes.delete(to);
    this.#lastCodes.set(to, code ?? null);
    if (this.#lastCodes.size > MAX_KEPT) this.#lastCodes.delete(this.#lastCodes.keys().next().value);
  }

  /** The code in the last message to this address: null when it had none, undefined when there was no message. */
  lastCodeTo(address) {
    return this.#lastCodes.get(address);
  }
}
