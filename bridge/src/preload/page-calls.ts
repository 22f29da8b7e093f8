import { PAGE_CHANNELS, type PageCalls, type PageToken } from '../page-protocol.js';
import { invokeOf } from './invoke.js';

type GetToken = () => Promise<string | null>;

/**
 * Exposes {@link PageCalls} as `window[key]`: calls of the page to main that carry the token of the page's own session. For an
 * app whose page is signed in by itself, as with Clerk's components. Needs `pageSession()` in main.
 */
export function exposePageCalls(key = 'pageCalls'): void {
  const { contextBridge, ipcRenderer } = require('electron') as typeof import('electron');
  const send = invokeOf(ipcRenderer);
  let getToken: GetToken | null = null;

  /** What the page says now: nothing, before it has said that it can. */
  async function token(): Promise<PageToken> {
    if (getToken === null) return { ok: false };
    try {
      const given = (await getToken()) as unknown;
      // Nothing but a string or null says something about a session.
      return given === null || typeof given === 'string' ? { ok: true, token: given } : { ok: false };
    } catch {
      return { ok: false };
    }
  }

  ipcRenderer.on(PAGE_CHANNELS.ask, async (_event, number: number) => {
    await send(PAGE_CHANNELS.bring, number, await token());
  });

  const calls: PageCalls = {
    provideToken(given) {
      getToken = given;
      const offer = async () => {
        if (getToken === given) await send(PAGE_CHANNELS.offer, await token());
      };
      void offer();
      return {
        changed: () => void offer(),
        stop() {
          if (getToken === given) getToken = null;
        },
      };
    },
    call: async (name, input) => send(PAGE_CHANNELS.call, name, await token(), input),
  };
  contextBridge.exposeInMainWorld(key, Object.freeze(calls));
}
