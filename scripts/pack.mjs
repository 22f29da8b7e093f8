// npm run pack: packs electron-latchkey and the package of this platform as they are published, into .latchkey/packages.
// `--to FOLDER` packs into another one. `--addons FOLDER` packs every platform, with the addons that lie there: a release.

import path from 'node:path';
import { parseArgs } from 'node:util';
import { cache, relative } from './repo.mjs';
import { packMain, packPlatform, platforms } from './tarballs.mjs';

const { to, addons } = parseArgs({
  options: { to: { type: 'string', default: path.join(cache, 'packages') }, addons: { type: 'string' } },
}).values;
const folder = path.resolve(to);

// The platforms first: who installs electron-latchkey the moment it is published must find them.
if (addons === undefined) report(await packPlatform(folder));
else for (const platform of await platforms()) report(await packPlatform(folder, { platform, addons }));
report(await packMain(folder));

function report({ file, size, unpackedSize }) {
  console.log(`${relative(file)}: ${megabytes(size)} packed, ${megabytes(unpackedSize)} unpacked`);
}

function megabytes(bytes) {
  return `${(bytes / 1e6).toFixed(2)} MB`;
}
