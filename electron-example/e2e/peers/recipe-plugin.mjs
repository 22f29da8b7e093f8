// What the published recipe adds to a Better Auth server, as a plugin of it: a refresh route whose tokens are good for one
// use, with short sessions as access tokens. The second use of a spent one ends everything that came of it.
//
//   POST /api/auth/refresh/begin  of whoever is signed in  -> {accessToken, refreshToken, expiresIn, user}
//   POST /api/auth/refresh        {refreshToken}           -> the same; 401 when it is over
import { randomBytes } from 'node:crypto';
import { APIError, createAuthEndpoint, sessionMiddleware } from 'better-auth/api';

/** @param {{ granted: number, reuses: number }} counts what the route saw */
export function recipeRefresh(counts) {
  const families = new Map();

  async function grant(ctx, user, family) {
    const refreshToken = randomBytes(32).toString('hex');
    families.set(refreshToken, { family, user });
    const session = await ctx.context.internalAdapter.createSession(user.id);
    if (family.sessionToken) await ctx.context.internalAdapter.deleteSession(family.sessionToken);
    family.sessionToken = session.token;
    const expiresIn = Math.floor((session.expiresAt - Date.now()) / 1000);
    return ctx.json({ accessToken: session.token, refreshToken, expiresIn, user });
  }

  return {
    id: 'recipe-refresh',
    endpoints: {
      beginRefreshing: createAuthEndpoint(
        '/refresh/begin',
        { method: 'POST', use: [sessionMiddleware] },
        (ctx) => grant(ctx, ctx.context.session.user, { isOver: false }),
      ),
      refresh: createAuthEndpoint('/refresh', { method: 'POST' }, async (ctx) => {
        const known = families.get(ctx.body?.refreshToken);
        if (known?.spent) {
          counts.reuses++;
          known.family.isOver = true;
        }
        if (!known || known.family.isOver) throw new APIError('UNAUTHORIZED', { message: 'Sign in again.' });
        known.spent = true;
        counts.granted++;
        return grant(ctx, known.user, known.family);
      }),
    },
  };
}
