// The page's side: a link that goes over IPC. Whoever calls a procedure neither sees nor brings a token.
import { TRPCClientError } from '@trpc/client';
import { observable } from '@trpc/server/observable';

/** @param {(operation: object) => Promise<unknown>} call such as `(operation) => callMain('trpc', operation)` */
export function mainLink(call) {
  return () =>
    ({ op: { type, path, input } }) =>
      observable((observer) => {
        call({ type, path, input }).then(
          (answer) => {
            if (!answer.ok) return observer.error(TRPCClientError.from(answer));
            observer.next({ result: { type: 'data', data: answer.data } });
            observer.complete();
          },
          (error) => observer.error(TRPCClientError.from(error)),
        );
      });
}
