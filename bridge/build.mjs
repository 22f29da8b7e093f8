// Compiles the bridge: CommonJS for main and preload, ES modules for pages.
import { spawnSync } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const bridge = fileURLToPath(new URL('.', import.meta.url));
const root = join(bridge, '..');
const tsc = createRequire(import.meta.url).resolve('typescript/bin/tsc');

rmSync(join(bridge, 'dist'), { recursive: true, force: true });
for (const format of ['cjs', 'esm']) {
  const { status } = spawnSync(process.execPath, [tsc, '--project', join(root, `tsconfig.${format}.json`)], {
    stdio: 'inherit',
  });
  if (status !== 0) process.exit(status ?? 1);
}
// The package is CommonJS, so only the other half says what it is. A package.json in dist/cjs would also cut main off
// from the addon, which it requires by the package's own name.
writeFileSync(join(bridge, 'dist', 'esm', 'package.json'), `${JSON.stringify({ type: 'module' })}\n`);
