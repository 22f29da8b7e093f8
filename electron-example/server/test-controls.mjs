// Switches for tests: faults, session lifetimes and a log of requests. Never mounted unless asked
// for, since anyone who can reach the port can use them.
import { problem, Refusal } from './http.mjs';

const PREFIX = '/__test/';

/** More than a test makes; a bound all the same for a server that someone leaves running. */
const MAX_LOG_ENTRIES = 10_000;

// Each makes the answer that stands in for the real one. 'drop' makes none: see server.mjs.
const FAULTS = {
  up: null,
  drop: () => null,
  error500: () => problem(500, 'INTERNAL_SERVER_ERROR', 'The test asked for this error.'),
  html: () =>
    new Response('<!doctype html><title>502 Bad Gateway</title><h1>502 Bad Gateway</h1>', {
      status: 502,
      headers: { 'content-type': 'text/html; charset=utf-8' },
    }),
  empty: () => new Response(null, { status: 200 }),
};

/**
 * @param {object} server
 * @param {() => import('better-auth').Auth} server.auth
 * @param {import('./mailbox.mjs').Mailbox} server.mailbox
 * @param {(change: { expiresIn?: number, updateAge?: number }) => void} server.changeLifetime
 */
export function createTestControls({ auth, mailbox, changeLifetime }) {
  let fault = { mode: 'up', match: '/' };
  let log = [];

  const routes = {
    'POST mode': async ({ mode, match = '/' }) => {
      expect(Object.hasOwn(FAULTS, mode), `mode is one of ${Object.keys(FAULTS).join(', ')}.`);
      expect(typeof match === 'string' && match.startsWith('/'), 'match is the beginning of a path.');
      fault = { mode, match };
      return fault;
    },
    'POST revoke': async ({ email }) => {
      const user = await userOf(email);
      const { internalAdapter } = await auth().$context;
      await internalAdapter.deleteUserSessions(user.id);
      return { revoked: true };
    },
    'POST expiry': async ({ expiresIn, updateAge }) => {
      expect(
        expiresIn === undefined || (Number.isInteger(expiresIn) && expiresIn > 0),
        'expiresIn is whole seconds.',
      );
      expect(
        updateAge === undefined || (Number.isInteger(updateAge) && updateAge >= 0),
        'updateAge is whole seconds.',
      );
      return changeLifetime({ expiresIn, updateAge });
    },
    'POST touch': async ({ email, expiresInMs }) => {
      expect(Number.isFinite(expiresInMs), 'expiresInMs is a number of milliseconds from now.');
      const user = await userOf(email);
      const { adapter } = await auth().$context;
      const expiresAt = new Date(Date.now() + expiresInMs);
      const touched = await adapter.updateMany({
        model: 'session',
        where: [{ field: 'userId', value: user.id }],
        update: { expiresAt },
      });
      return { touched, expiresAt };
    },
    'GET mail': async ({ to }) => {
      const code = mailbox.lastCodeTo(to);
      return { sent: code !== undefined, code: code ?? null };
    },
    'GET log': async () => log,
    'DELETE log': async () => {
      log = [];
      return { cleared: true };
    },
    'GET sessions': async ({ email }) => {
      const user = await userOf(email);
      const { adapter } = await auth().$context;
      const count = await adapter.count({
        model: 'session',
        where: [
          { field: 'userId', value: user.id },
          { field: 'expiresAt', value: new Date(), operator: 'gt' },
        ],
      });
      return { count };
    },
  };

  async function userOf(email) {
    expect(typeof email === 'string', 'email is the address of a user.');
    const { internalAdapter } = await auth().$context;
    const found = await internalAdapter.findUserByEmail(email);
    if (!found) throw new Refusal(404, 'USER_NOT_FOUND', 'No user has this e-mail address.');
    return found.user;
  }

  return {
    /** Whether the request is for the controls themselves: not logged, and no fault touches it. */
    owns: (pathname) => pathname.startsWith(PREFIX),

    /**
     * Notes a request on arrival. Holds the path without its query, and of the headers only
     * whether one was there, so that no token can get in. `status` stays null until an answer is sent.
     */
    record(method, path, authorization) {
      const entry = { method, path, status: null, authorization };
      log.push(entry);
      if (log.length > MAX_LOG_ENTRIES) log.shift();
      return entry;
    },

    /** What stands in for the answer to this path; null when the real answer is wanted. */
    faultFor: (pathname) => (pathname.startsWith(fault.match) ? FAULTS[fault.mode] : null),

    async answer(request) {
      // Without a preflight a web page can post here, though not read the answer. Tests send no Origin.
      if (request.headers.has('origin'))
        return problem(403, 'FORBIDDEN', 'The test controls are not for web pages.');
      const url = new URL(request.url);
      const route = routes[`${request.method} ${url.pathname.slice(PREFIX.length)}`];
      if (!route) return problem(404, 'NOT_FOUND', 'There is no such test control.');
      const input =
        request.method === 'POST' ? await readJson(request) : Object.fromEntries(url.searchParams);
      return Response.json(await route(input));
    },
  };
}

function expect(condition, message) {
  if (!condition) throw new Refusal(400, 'BAD_REQUEST', message);
}

async function readJson(request) {
  const value = await request.json().catch(() => null);
  expect(value !== null && typeof value === 'object', 'The body is a JSON object.');
  return value;
}
