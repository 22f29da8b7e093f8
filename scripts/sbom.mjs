// npm run sbom: writes the bills of materials of the packages into .latchkey/sbom, or into the folder that is given.

import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { addonMaterials, packageMaterials } from './materials.mjs';
import { cache, relative } from './repo.mjs';
import { platforms } from './tarballs.mjs';

const [to = path.join(cache, 'sbom')] = process.argv.slice(2);

await mkdir(to, { recursive: true });
await write('electron-latchkey', await packageMaterials());
for (const platform of await platforms()) {
  await write(`electron-latchkey-${platform}`, await addonMaterials(platform));
}

async function write(name, materials) {
  const file = path.join(to, `${name}.cdx.json`);
  await writeFile(file, `${JSON.stringify(materials, null, 2)}\n`);
  console.log(`${relative(file)}: ${materials.components.length} components`);
}
