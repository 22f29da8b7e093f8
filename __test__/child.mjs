// Runs a function with the addon in a process of its own. A child that does not end by itself fails its test.
import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { once } from 'node:events';

const ENTRY = new URL('./child-entry.mjs', import.meta.url);
const EXIT_TIMEOUT_MS = 10_000;

/**
 * Starts a child that runs `work({ addon, say, hear }, argument)`. The function is sent as text: it sees nothing
 * of the file it is written in.
 *
 * @param {import('node:test').TestContext} t the child is killed when this test ends
 * @param {object} [options]
 * @param {object} [options.env] added to the environment
 * @param {string} [options.processType] what `process.type` says there, as Electron sets it
 * @param {number} [options.fileBlocks] the largest file it may write, in blocks of 512 bytes
 */
export function startChild(t, work, argument, { env, processType, fileBlocks } = {}) {
  const options = { env: { ...process.env, ...env }, serialization: 'advanced', silent: true };
  const child = fork(
    ENTRY,
    fileBlocks === undefined ? options : { ...options, ...withFileLimit(fileBlocks) },
  );
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += chunk));
  t.after(() => child.kill('SIGKILL'));
  child.send({ source: String(work), argument, processType });
  const exited = once(child, 'exit');

  const said = [];
  const waiting = [];
  let finish;
  const finished = new Promise((resolve) => (finish = resolve));
  child.on('message', ({ kind, value }) => {
    if (kind === 'result') finish(value);
    else if (waiting.length > 0) waiting.shift()(value);
    else said.push(value);
  });

  /** What the function resolved to, or `{ error }`; asserts that the process then ends by itself. */
  async function result() {
    const value = await Promise.race([finished, exited.then(() => undefined)]);
    const timer = setTimeout(() => child.kill('SIGKILL'), EXIT_TIMEOUT_MS);
    const [code, signal] = await exited;
    clearTimeout(timer);
    assert.deepEqual({ code, signal }, { code: 0, signal: null }, `the child did not end well\n${output}`);
    return value;
  }

  return {
    result,
    exited,
    kill: (signal) => child.kill(signal),
    tell: (value) => child.send({ value }),
    heard: () =>
      said.length > 0 ? Promise.resolve(said.shift()) : new Promise((resolve) => waiting.push(resolve)),
  };
}

/** Runs `work` in a child to its end. */
export function inChild(t, work, argument, options) {
  return startChild(t, work, argument, options).result();
}

// A write beyond the limit is an error only where the signal for it is ignored.
function withFileLimit(blocks) {
  const script = `trap '' XFSZ; ulimit -f ${blocks}; exec "$0" "$@"`;
  return { execPath: '/bin/sh', execArgv: ['-c', script, process.execPath] };
}
