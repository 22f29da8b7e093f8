// node server/index.mjs: starts the example's server with what the environment says.
import { fileURLToPath } from 'node:url';
import { startServer } from './server.mjs';

const DEFAULT_DATABASE_FILE = fileURLToPath(new URL('../../.latchkey/server/auth.db', import.meta.url));
const DEFAULT_PORT = 4711;
const HIGHEST_PORT = 65_535;

const { env } = process;

try {
  const server = await startServer({
    port: wholeNumber('PORT', { max: HIGHEST_PORT }) ?? DEFAULT_PORT,
    databaseFile: env.DATABASE_FILE || DEFAULT_DATABASE_FILE,
    expiresIn: wholeNumber('SESSION_EXPIRES_IN', { min: 1 }),
    updateAge: wholeNumber('SESSION_UPDATE_AGE'),
    testControls: env.LATCHKEY_TEST_CONTROLS === '1',
  });
  // Whoever stops the server gets its exit code 0 once the database is closed.
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, server.close);
  console.log(`listening ${server.url}`);
} catch (error) {
  console.error(
    error.code === 'EADDRINUSE'
      ? `Port ${env.PORT || DEFAULT_PORT} is taken by another program. Set PORT to a free one.`
      : `The server could not start: ${error.message}`,
  );
  process.exitCode = 1;
}

function wholeNumber(name, { min = 0, max = Number.MAX_SAFE_INTEGER } = {}) {
  if (!env[name]) return undefined;
  const value = Number(env[name]);
  if (!Number.isInteger(value) || value < min || value > max) {
    throw new Error(`${name} must be a whole number from ${min} to ${max}.`);
  }
  return value;
}
