// The procedures of an app, as anybody writes them with tRPC: some for everybody, some for who is signed in.
import { initTRPC, TRPCError } from '@trpc/server';

// `isDev` would send stacks to the page.
const t = initTRPC.create({ isDev: false });

const signedIn = t.procedure.use(({ ctx, next }) => {
  if (ctx.user === null) throw new TRPCError({ code: 'UNAUTHORIZED' });
  return next({ ctx: { user: ctx.user } });
});

export const appRouter = t.router({
  greeting: t.procedure.query(() => 'hello'),
  whoAmI: signedIn.query(({ ctx }) => ctx.user.sub),
  notes: t.router({
    add: signedIn.input(String).mutation(({ ctx, input }) => `${ctx.user.sub} notes: ${input}`),
  }),
  /** For the tests: the token that the call came with. */
  token: t.procedure.query(({ ctx }) => ctx.accessToken),
  broken: t.procedure.query(() => {
    throw new Error('a path, a token, anything');
  }),
});
