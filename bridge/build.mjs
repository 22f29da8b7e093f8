// Compiles the bridge: CommonJS for main and preload, ES modules for pages.
import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const bridge = fileURLToPath(new URL('.', import.meta.url));
const root = join(bridge, '..');
const tsc = createRequire(import.meta.url).resolve('typescript/bin/tsc');

rmSync(join(bridge, 'dist'), { recursive: true, force: true });
for (const [format, type] of [
  ['cjs', 'commonjs'],
  ['esm', 'module'],
]) {
  const { status } = spawnSync(process.execPath, [tsc, '--project', join(root, `tsconfig.${format}.json`)], {
    stdio: 'inherit',
  });
  if (status !== 0) process.exit(status ?? 1);
  const out = join(bridge, 'dist', format);
  mkdirSync(out, { recursive: true });
  writeFileSync(join(out, 'package.json'), `${JSON.stringify({ type })}\n`);
}
