// A Better Auth server on the loopback address: e-mail and password, bearer tokens, a libsql file.
//
//   index.mjs          the command line
//   server.mjs         starts and stops it
//   auth.mjs           the Better Auth configuration
//   database.mjs       the database file and the secret beside it
//   routes.mjs         the protected route of the example
//   pages.mjs          the web page for signing in with the browser
//   mailbox.mjs        the mail, which is lines of the log
//   http.mjs           Node's http to Request and Response
//   test-controls.mjs  faults, expiry and a request log, for tests only
import { once } from 'node:events';
import { createServer } from 'node:http';
import { betterAuth } from 'better-auth';
import { authOptions, DEFAULT_LIFETIME, ensureUser, migrate } from './auth.mjs';
import { openDatabase } from './database.mjs';
import { problem, Refusal, requestFrom, sendResponse } from './http.mjs';
import { Mailbox } from './mailbox.mjs';
import { answer } from './routes.mjs';
import { createTestControls } from './test-controls.mjs';

/** Known to everyone who reads this file, which is why the server listens on loopback only. */
export const DEMO_USER = { email: 'demo@example.com', password: 'latchkey-demo-password', name: 'Demo User' };

const HOST = '127.0.0.1';

/** What requests under way get to finish in when the server closes. */
const CLOSE_GRACE_MS = 1_000;

/**
 * Starts the server. When this resolves it is listening, and the demo user is there.
 *
 * @param {object} options
 * @param {string} options.databaseFile made when absent; a second file beside it holds the secret
 * @param {number} [options.port] 0, the default, takes any free port
 * @param {boolean} [options.testControls] mounts `/__test/…` and lifts the rate limit; off by default
 * @param {number} [options.expiresIn] seconds a session lives; 7 days by default
 * @param {number} [options.updateAge] seconds after which use makes it live longer; 1 day by default
 * @returns {Promise<{ url: string, close(): Promise<void> }>}
 */
export async function startServer({ databaseFile, port = 0, testControls = false, expiresIn, updateAge }) {
  const { db, secret, close: closeDatabase } = await openDatabase(databaseFile);
  const server = createServer();
  let lifetime = withChange(DEFAULT_LIFETIME, { expiresIn, updateAge });
  let url;
  let auth;
  let ready;
  let closed;

  const mailbox = new Mailbox(testControls ? () => undefined : undefined);
  const findUser = async (email) => {
    const { internalAdapter } = await auth.$context;
    return (await internalAdapter.findUserByEmail(email))?.user;
  };
  const options = () =>
    authOptions({ url, db, secret, lifetime, rateLimit: !testControls, mailbox, findUser });

  const controls = testControls
    ? createTestControls({
        auth: () => auth,
        mailbox,
        // Better Auth fixes the lifetime when it is made, so a change of it makes it anew.
        changeLifetime(change) {
          lifetime = withChange(lifetime, change);
          auth = betterAuth(options());
          return lifetime;
        },
      })
    : null;

  try {
    server.listen(port, HOST);
    await once(server, 'listening');
    url = `http://${HOST}:${server.address().port}`;
    ready = prepare();
    server.on('request', handle);
    await ready;
  } catch (error) {
    await close();
    throw error;
  }

  async function prepare() {
    await migrate(options());
    auth = betterAuth(options());
    await ensureUser(auth, DEMO_USER);
  }

  async function handle(incoming, outgoing) {
    const pathname = incoming.url.split('?', 1)[0];
    const forControls = controls?.owns(pathname) ?? false;
    const observed = forControls ? null : controls;
    const entry = observed?.record(incoming.method, pathname, 'authorization' in incoming.headers);
    const fault = observed?.faultFor(pathname);
    const response = fault ? fault() : await safely(() => respond(incoming, forControls));
    if (!response) return incoming.socket.destroy();
    if (entry) entry.status = response.status;
    await sendResponse(outgoing, response);
  }

  async function respond(incoming, forControls) {
    // An app that waits for the server may call before the tables are there: its answer waits too.
    await ready;
    const request = await requestFrom(incoming, url);
    return forControls ? controls.answer(request) : answer(auth, request);
  }

  function close() {
    closed ??= closeAll();
    return closed;
  }

  async function closeAll() {
    if (server.listening) {
      const ended = once(server, 'close');
      server.close();
      const cut = setTimeout(() => server.closeAllConnections(), CLOSE_GRACE_MS);
      await ended;
      clearTimeout(cut);
    }
    await closeDatabase();
  }

  return { url, close };
}

function withChange(lifetime, { expiresIn = lifetime.expiresIn, updateAge = lifetime.updateAge }) {
  return { expiresIn, updateAge };
}

async function safely(respond) {
  try {
    return await respond();
  } catch (error) {
    if (error instanceof Refusal) return error.response;
    // Name and code only: the message of a database error can hold the values of the query.
    console.error(`[server] ${error?.name ?? 'Error'} ${error?.code ?? ''}`.trimEnd());
    return problem(500, 'INTERNAL_SERVER_ERROR', 'The server failed to answer. Its log says more.');
  }
}
