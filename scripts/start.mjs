// npm start: sets up what is missing, starts the example's server and opens the example.
// `npm start -- --tour` plays the main job by itself instead.

import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { needsScreen, openDisplay } from './display.mjs';
import { electronExecutable } from './electron-runtime.mjs';
import { endEverything, handleSignals, start } from './processes.mjs';
import { cache, example, relative, root } from './repo.mjs';
import { sandboxArguments } from './sandbox.mjs';
import { startExampleServer } from './server.mjs';
import { setUp } from './setup.mjs';
import { StepError, seconds } from './steps.mjs';

const DEMO = 'demo@example.com, password latchkey-demo-password';

/** What Chromium says to itself, such as that there is no GPU: kept in the log, not shown. */
const CHROMIUMS_OWN = /^\[\d+:\d+\/\d+\.\d+:[A-Z]+:/;

const { tour } = parseArguments(process.argv.slice(2));
handleSignals();
try {
  await setUp({ screen: needsScreen(), keyring: tour });
  process.exitCode = tour ? await playTour() : await openExample();
} catch (error) {
  console.error(error instanceof StepError ? error.message : error);
  process.exitCode = 1;
} finally {
  await endEverything();
}

// Only now: what the tour needs may have been installed a moment ago.
async function playTour() {
  const { runTour } = await import('./tour.mjs');
  return runTour();
}

async function openExample() {
  const serverLog = createWriteStream(path.join(cache, 'logs', 'server.log'));
  const [display, server] = await Promise.all([
    openDisplay(),
    startExampleServer({
      databaseFile: path.join(cache, 'server', 'auth.db'),
      onOutput: (chunk) => {
        serverLog.write(chunk);
        showMail(chunk);
      },
    }),
  ]);
  console.log(`✓ Server: ${server.url}, its log in ${relative(serverLog.path)}. Sign in as ${DEMO}`);
  if (display.brought)
    console.log('· There is no screen: the window opens on a virtual one that nobody sees.');
  if (lacksSecretService()) {
    console.log('· There is no D-Bus session, so no keychain: the example will say what it needs.');
  }
  const reportWindow = path.join(root, 'scripts', 'report-window.cjs');
  const args = [...sandboxArguments(), ...display.args, '-r', reportWindow, example];
  const electron = start(electronExecutable(), args, {
    env: { ...process.env, ...display.env, LATCHKEY_API_URL: server.url },
    stdio: ['ignore', 'inherit', 'pipe', 'ipc'],
  });
  const electronLog = createWriteStream(path.join(cache, 'logs', 'electron.log'));
  createInterface({ input: electron.stderr }).on('line', (line) => {
    electronLog.write(`${line}\n`);
    if (!CHROMIUMS_OWN.test(line)) console.error(line);
  });
  electron.once('message', () => {
    console.log(
      `✓ The window is open, ${seconds(performance.now())} after the start. Ctrl-C ends everything.`,
    );
  });
  const tellServerEnd = () => console.log('· The server has ended; the example goes on, offline.');
  server.child.once('exit', tellServerEnd);
  const [code, signal] = await once(electron, 'exit');
  server.child.off('exit', tellServerEnd);
  if (code !== 0) console.error(`Electron ended with ${signal ?? code}; see ${relative(electronLog.path)}.`);
  return code === 0 ? 0 : 1;
}

/** The example's server sends its mail to its log: a code is read here. */
function showMail(chunk) {
  for (const line of String(chunk).split('\n')) if (line.startsWith('[mail]')) console.log(`✉ ${line}`);
}

function lacksSecretService() {
  return (
    process.platform === 'linux' && !process.env.DBUS_SESSION_BUS_ADDRESS && !process.env.XDG_RUNTIME_DIR
  );
}

function parseArguments(args) {
  const unknown = args.filter((argument) => argument !== '--tour');
  if (unknown.length > 0) {
    console.error(`Unknown: ${unknown.join(' ')}. npm start takes -- --tour, or nothing.`);
    process.exit(2);
  }
  return { tour: args.includes('--tour') };
}
