import type { AuthSession, FetchHead } from 'electron-latchkey';
import { BridgeError } from './failure.js';
import type { FetchRequest } from './fetch-arguments.js';

/** Calls the open session, when and if it may be called. */
type OnSession = (call: (session: AuthSession) => Promise<FetchHead>) => Promise<FetchHead>;

interface RunningFetch {
  cancelled: boolean;
  cancel(): void;
}

/** The requests of pages that are under way, so that the page that made one, and no other, can give it up. */
export class RunningFetches {
  readonly #bySender = new WeakMap<object, Map<string, RunningFetch>>();

  /** Sends a request and waits for the whole answer. */
  async run(sender: object, request: FetchRequest, onSession: OnSession): Promise<FetchHead> {
    const { url, init, requestId } = request;
    const running: RunningFetch = { cancelled: false, cancel: () => undefined };
    const forget = requestId === undefined ? () => undefined : this.#remember(sender, requestId, running);
    try {
      return await onSession(async (session) => {
        if (running.cancelled) throw aborted();
        const exchange = session.exchange(url, init, { whole: true });
        running.cancel = () => exchange.cancel();
        return exchange.response();
      });
    } finally {
      forget();
    }
  }

  /** Gives a request up. One that is over, or was never made by this sender, stays as it is. */
  cancel(sender: object, requestId: string): void {
    const running = this.#bySender.get(sender)?.get(requestId);
    if (running === undefined) return;
    running.cancelled = true;
    running.cancel();
  }

  #remember(sender: object, requestId: string, running: RunningFetch): () => void {
    const mine = this.#bySender.get(sender) ?? new Map<string, RunningFetch>();
    if (mine.has(requestId)) {
      throw new BridgeError('ERR_INVALID_ARGUMENT', 'fetch: a request with this requestId is under way.');
    }
    this.#bySender.set(sender, mine.set(requestId, running));
    return () => mine.delete(requestId);
  }
}

function aborted(): BridgeError {
  return new BridgeError('ERR_ABORTED', 'The request was aborted before it was sent.');
}
