// npm run build:release: builds the addon as it is published, beside index.js. `-- --target TRIPLE` builds it for another machine,
// `--output-dir FOLDER` puts it elsewhere.
//
// Not by `napi build`: Cargo leaves the link-time optimisation of a release out, silently, where a library is also built for other
// crates, as ours is for its tests. Only `cargo rustc` can leave that half away; the addon is half as large without it.

import { copyFile, mkdir } from 'node:fs/promises';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { addonFile } from './builds.mjs';
import { platformOf } from './crates.mjs';
import { run } from './processes.mjs';
import { relative, root } from './repo.mjs';

const LIBRARY = {
  darwin: 'libelectron_latchkey.dylib',
  linux: 'libelectron_latchkey.so',
  win32: 'electron_latchkey.dll',
};

const { target, 'output-dir': folder = root } = parseArgs({
  options: { target: { type: 'string' }, 'output-dir': { type: 'string' } },
}).values;
const name = target ? `latchkey.${platformOf(target)}.node` : path.basename(addonFile());
const file = path.resolve(folder, name);
const [, system] = /^latchkey\.([a-z0-9]+)-/.exec(name);

const crossing = target ? [`--target=${target}`] : [];
const args = ['rustc', '--locked', '--release', '--lib', '--crate-type=cdylib', ...crossing];
await run('cargo', args, { cwd: root, onOutput: (chunk) => process.stderr.write(chunk) });

const { target_directory: built } = JSON.parse(
  await run('cargo', ['metadata', '--format-version=1', '--no-deps'], { cwd: root }),
);
await mkdir(path.dirname(file), { recursive: true });
await copyFile(path.join(built, target ?? '', 'release', LIBRARY[system]), file);
console.log(`${relative(file)} is built.`);
