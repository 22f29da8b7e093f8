// Main's side: one handler answers every procedure.
import { callTRPCProcedure, getTRPCErrorFromUnknown, getTRPCErrorShape, TRPCError } from '@trpc/server';

/**
 * A handler for `pageSession().connect(auth, { trpc: … })`.
 *
 * @param {(call: { accessToken: string | null }) => Promise<object>} createContext
 */
export function answerTrpc(router, createContext) {
  return async (operation, call) => {
    try {
      const { type, path, input } = parseOperation(operation);
      const ctx = await createContext(call);
      const data = await callTRPCProcedure({ router, path, type, ctx, getRawInput: async () => input });
      return { ok: true, data };
    } catch (cause) {
      const error = withoutSecrets(getTRPCErrorFromUnknown(cause));
      return { ok: false, error: getTRPCErrorShape({ config: router._def._config, error, type: 'unknown' }) };
    }
  };
}

function parseOperation(operation) {
  const { type, path, input } = Object(operation);
  if (typeof path === 'string' && (type === 'query' || type === 'mutation')) return { type, path, input };
  throw new TRPCError({ code: 'BAD_REQUEST' });
}

/** The text of what went wrong inside stays in main. */
function withoutSecrets(error) {
  if (error.code !== 'INTERNAL_SERVER_ERROR') return error;
  return new TRPCError({ code: error.code, message: 'Something went wrong.' });
}
