// The example's own API and pages, beside Better Auth's.
import { AUTH_PATH } from './auth.mjs';
import { problem } from './http.mjs';
import { pages } from './pages.mjs';

/**
 * Answers one request.
 *
 * @param {import('better-auth').Auth} auth
 * @param {Request} request
 * @returns {Promise<Response>}
 */
export async function answer(auth, request) {
  const { pathname } = new URL(request.url);
  if (pathname === AUTH_PATH || pathname.startsWith(`${AUTH_PATH}/`)) return auth.handler(request);
  const route = routes[pathname];
  if (!route) return problem(404, 'NOT_FOUND', 'There is no such route.');
  if (request.method !== 'GET') return problem(405, 'METHOD_NOT_ALLOWED', 'Use GET.');
  return route(auth, request);
}

const routes = {
  ...pages,
  '/api/health': async () => Response.json({ status: 'ok' }),
  '/api/profile': profile,
};

async function profile(auth, { headers }) {
  // Only /get-session may make a session longer: there the client reads the new expiry.
  const session = await auth.api.getSession({ headers, query: { disableRefresh: true } });
  if (!session) return problem(401, 'UNAUTHORIZED', 'Sign in to see your profile.');
  const { id, email, name } = session.user;
  return Response.json(
    {
      user: { id, email, name },
      servedAt: new Date().toISOString(),
      message: `Hello ${name}, this came from a route that only signed-in people can call.`,
    },
    { headers: { 'cache-control': 'no-store' } },
  );
}
