// Child processes that never outlive the script. Each runs in a process group of its own, so that ending it
// ends what it started (npm → cargo → rustc, Electron → its renderers); Ctrl-C, a kill and an ordinary end
// of the script all end every group.

import { spawn, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { constants } from 'node:os';
import path from 'node:path';

const windows = process.platform === 'win32';
const live = new Set();
const cleanups = [];
let ending;

/** How long a child may take to end by itself before it is killed. */
const GRACE_MS = 4000;

/** Starts a child in a group of its own. Standard input is closed unless asked for: nothing here may prompt. */
export function start(command, args, options = {}) {
  if (ending) throw new Error('stopped');
  const stdio = options.stdio ?? ['ignore', 'pipe', 'pipe'];
  const [program, list] = tiedToThisProcess(command, args);
  const child = spawn(program, list, { windowsHide: true, ...options, stdio, detached: !windows });
  live.add(child);
  child.once('exit', () => {
    signalGroup(child, 'SIGKILL'); // whatever of the group is left
    live.delete(child);
  });
  child.once('error', () => live.delete(child));
  return child;
}

/**
 * Runs a command to its end. Rejects with its last lines when it fails; `onOutput` sees every chunk; `shown` is
 * what an error calls the command.
 */
export function run(
  command,
  args,
  { onOutput, timeoutMs, input, shown = [command, ...args].join(' '), ...options } = {},
) {
  return new Promise((resolve, reject) => {
    const stdio = [input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'];
    const child = start(command, args, { ...options, stdio });
    const stdout = [];
    let tail = '';
    let timedOut = false;
    const giveUp = () => {
      timedOut = true;
      stop(child);
    };
    const timer = timeoutMs && setTimeout(giveUp, timeoutMs);
    const keep = (chunk) => {
      tail = (tail + chunk).slice(-8000);
      onOutput?.(chunk);
    };
    child.stdout.on('data', (chunk) => stdout.push(chunk));
    child.stdout.on('data', keep);
    child.stderr.on('data', keep);
    child.stdin?.on('error', () => {}); // a child that ended before it read everything says so by its exit code
    child.stdin?.end(input);
    child.once('error', (error) => {
      clearTimeout(timer);
      const reason = error.code === 'ENOENT' ? 'is not installed' : error.message;
      reject(new CommandError(`${command}: ${reason}`, { code: error.code, output: '' }));
    });
    child.once('close', (code, signal) => {
      clearTimeout(timer);
      if (code === 0) return resolve(Buffer.concat(stdout).toString());
      const how = timedOut ? `did not end within ${timeoutMs / 1000} s` : `ended with ${signal ?? code}`;
      reject(new CommandError(`${shown} ${how}`, { code, output: tail }));
    });
  });
}

/**
 * Waits until a child that stays says the line that means it is ready, and answers the match. Rejects, with
 * what it printed instead, when it ends or is silent for too long.
 */
export function ready(child, { name, pattern, stream = child.stdout, timeoutMs = 15_000 }) {
  return new Promise((resolve, reject) => {
    let text = '';
    const fail = (why) => {
      clearTimeout(timer);
      reject(new Error(`${name} ${why}\n${text}`.trimEnd()));
    };
    const timer = setTimeout(fail, timeoutMs, `was not ready within ${timeoutMs / 1000} s`);
    const read = (chunk) => {
      text += chunk;
      const match = pattern.exec(text);
      if (!match) return;
      clearTimeout(timer);
      resolve(match);
    };
    for (const output of new Set([stream, child.stderr])) output.on('data', read);
    child.once('error', (error) => fail(error.code === 'ENOENT' ? 'is not installed' : error.message));
    child.once('exit', (code, signal) => fail(`ended with ${signal ?? code}`));
  });
}

/** A command that failed, with the end of what it printed. */
export class CommandError extends Error {
  constructor(message, { code, output }) {
    super(message);
    this.name = 'CommandError';
    this.code = code;
    this.output = output;
  }
}

/** Is there a program of this name on the PATH? */
export function onPath(name) {
  const directories = (process.env.PATH ?? '').split(path.delimiter);
  const endings = windows ? ['.exe', '.cmd', '.bat'] : [''];
  return directories.some((directory) =>
    endings.some((ending) => existsSync(path.join(directory, name + ending))),
  );
}

/** Runs npm, by the very npm that runs this script where there is one. */
export function npm(args, options) {
  const self = process.env.npm_execpath;
  const shown = ['npm', ...args].join(' ');
  if (self?.endsWith('.js')) return run(process.execPath, [self, ...args], { shown, ...options });
  // npm is a batch file on Windows, which only a shell can start; the arguments are all our own words.
  return run('npm', args, { ...options, shell: windows });
}

/** Asks a child to end, so that it can end its own children in order; kills the group when it does not. */
export async function stop(child) {
  if (!live.has(child)) return;
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  const timer = setTimeout(() => signalGroup(child, 'SIGKILL'), GRACE_MS);
  await ended;
  clearTimeout(timer);
}

/** Runs `task` when the script ends, in whatever way it ends; the last one added runs first. */
export function atEnd(task) {
  cleanups.push(task);
}

/** Ends every child, newest first, then runs what `atEnd` collected. From then on nothing can be started. */
export function endEverything() {
  ending ??= (async () => {
    for (const child of [...live].reverse()) await stop(child);
    while (cleanups.length > 0) await cleanups.pop()();
  })();
  return ending;
}

/** Whether the script is on its way out. */
export function isEnding() {
  return ending !== undefined;
}

/** Ctrl-C, kill and a closed terminal end the children first, then the script. */
export function handleSignals() {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    process.once(signal, async () => {
      await endEverything();
      process.exit(128 + constants.signals[signal]);
    });
  }
}

process.on('exit', () => {
  for (const child of live) signalGroup(child, 'SIGKILL');
});

function signalGroup(child, signal) {
  if (child.pid === undefined) return;
  if (windows) {
    if (live.has(child)) spawnSync('taskkill', ['/pid', String(child.pid), '/T', '/F'], { stdio: 'ignore' });
    return;
  }
  try {
    process.kill(-child.pid, signal);
  } catch (error) {
    // Gone, or (on macOS) only zombies left: what was asked for.
    if (error.code !== 'ESRCH' && error.code !== 'EPERM') throw error;
  }
}

// A script that is killed outright (kill -9) cannot clean up. Linux can do it for us: the kernel sends the
// child a signal when its parent dies.
function tiedToThisProcess(command, args) {
  const found = path.isAbsolute(command) || onPath(command); // else let spawn say that it is not there
  if (process.platform !== 'linux' || !found || !existsSync('/usr/bin/setpriv')) return [command, args];
  return ['/usr/bin/setpriv', ['--pdeathsig', 'TERM', '--', command, ...args]];
}
