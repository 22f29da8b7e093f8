// Compiles the bridge: CommonJS for main and preload, ES modules for pages.
import { spawnSync } from 'node:child_process';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, posix } from 'node:path';
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

// A sandboxed preload script can load nothing but `electron`. For apps without a bundler the package has one file that is
// whole: the preload's modules in functions, and the one line that an app would write.
const modules = new Map();
collect('preload/index.js');
writeFileSync(
  join(bridge, 'dist', 'preload-script.js'),
  `"use strict";
const modules = {
${[...modules].map(([name, code]) => `${JSON.stringify(name)}(exports, load) {\n${code}\n},\n`).join('')}};
const loaded = {};
function load(name) {
  if (loaded[name] === undefined) {
    loaded[name] = {};
    modules[name](loaded[name], load);
  }
  return loaded[name];
}
load("preload/index.js").exposeAuth();
`,
);

function collect(name) {
  if (modules.has(name)) return;
  modules.set(name, '');
  const code = readFileSync(join(bridge, 'dist', 'cjs', name), 'utf8');
  const inlined = code.replaceAll(/\brequire\("(\.[^"]+)"\)/g, (_all, relative) => {
    const other = posix.join(posix.dirname(name), relative);
    collect(other);
    return `load(${JSON.stringify(other)})`;
  });
  modules.set(name, inlined);
}
