import type { Failure, Result } from '../protocol.js';

/** Calls main. A failure is a value: an error thrown across IPC keeps only its message. */
export type Invoke = <T>(channel: string, ...args: unknown[]) => Promise<Result<T>>;

const NO_ANSWER: Failure = {
  ok: false,
  code: 'ERR_NO_BROKER',
  message: 'The app did not answer. Restart it.',
};

const NOT_CLONEABLE: Failure = {
  ok: false,
  code: 'ERR_INVALID_ARGUMENT',
  message: 'An argument cannot be sent to the main process: it is a function, or holds one.',
};

export function invokeOf(ipcRenderer: import('electron').IpcRenderer): Invoke {
  return async <T>(channel: string, ...args: unknown[]) => {
    try {
      return (await ipcRenderer.invoke(channel, ...args)) as Result<T>;
    } catch (error) {
      return isNotCloneable(error) ? NOT_CLONEABLE : NO_ANSWER;
    }
  };
}

// Electron has no code for it.
function isNotCloneable(error: unknown): boolean {
  return error instanceof Error && /could not be cloned/i.test(error.message);
}
