// Has anything a step depends on changed? Contents are hashed, not times: a fresh checkout gives every
// file a new time, and the inputs together are well under a megabyte.

import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { root } from './repo.mjs';

/**
 * One hash over the named files and folders (a missing one counts as absent, which is a state too) and
 * any further values that decide the outcome, such as the Node version.
 */
export async function fingerprint(paths, { ignore = [], values = [], base = root } = {}) {
  const files = (await Promise.all(paths.map((entry) => filesUnder(base, entry, ignore)))).flat().sort();
  const hash = createHash('sha256').update(JSON.stringify(values));
  const contents = await Promise.all(files.map((file) => readFile(path.join(base, file))));
  files.forEach((file, index) => {
    // The length separates a name from its content, so no two different trees feed the same bytes.
    hash.update(`\n${file.split(path.sep).join('/')} ${contents[index].length}\n`).update(contents[index]);
  });
  return hash.digest('hex');
}

async function filesUnder(base, entry, ignore) {
  if (ignore.includes(path.basename(entry))) return [];
  let children;
  try {
    children = await readdir(path.join(base, entry));
  } catch (error) {
    if (error.code === 'ENOTDIR') return [entry];
    if (error.code === 'ENOENT') return [];
    throw error;
  }
  return (await Promise.all(children.map((name) => filesUnder(base, path.join(entry, name), ignore)))).flat();
}
