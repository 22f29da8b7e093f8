import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { test } from 'node:test';
import { run } from './processes.mjs';
import { root } from './repo.mjs';

const node = process.execPath;
const windows = process.platform === 'win32';

test('a failing command rejects with the end of what it printed, and every chunk is seen', async () => {
  let seen = '';
  const onOutput = (chunk) => {
    seen += chunk;
  };
  await assert.rejects(
    run(node, ['-e', 'console.log("a"); console.error("b"); process.exit(3)'], { onOutput }),
    {
      name: 'CommandError',
      code: 3,
      output: /a/,
    },
  );
  assert.deepEqual(seen.trim().split('\n').sort(), ['a', 'b']);
});

test('a command that is not there says so', async () => {
  await assert.rejects(run('latchkey-no-such-command', []), /is not installed/);
});

test('a command that takes too long is ended, with what it started', { skip: windows }, async () => {
  const inner = `require("child_process").spawn("sleep", ["60"], { stdio: "inherit" }); setTimeout(() => {}, 60000)`;
  // It rejects only once the pipes are closed, so once the grandchild, which holds them, is gone as well.
  await assert.rejects(run(node, ['-e', inner], { timeoutMs: 300 }), /did not end within 0\.3 s/);
});

// Each way a script can end: its own end, Ctrl-C, a plain kill, and (Linux only) kill -9, after which the kernel
// ends the children, but not what they started in turn.
for (const signal of [null, 'SIGINT', 'SIGTERM', 'SIGKILL']) {
  const skip = windows || (signal === 'SIGKILL' && process.platform !== 'linux');
  test(`no child outlives a script that ends by ${signal ?? 'itself'}`, {
    skip,
    timeout: 10_000,
  }, async () => {
    const command = signal === 'SIGKILL' ? 'echo started; exec sleep 60' : 'echo started; sleep 60';
    const script = `
      import { handleSignals, start } from ${JSON.stringify(path.join(root, 'scripts', 'processes.mjs'))};
      handleSignals();
      start('sh', ['-c', '${command}'], { stdio: 'inherit' });
      ${signal ? '' : 'setTimeout(() => process.exit(0), 500);'}`;
    const parent = spawn(node, ['--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(parent.stdout, 'data');
    if (signal) parent.kill(signal);
    // The children hold the pipe as well, so it closes only when the last of them is gone.
    await once(parent, 'close');
  });
}
