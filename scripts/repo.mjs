// Where things are. Every path the scripts touch starts here.

import path from 'node:path';
import { fileURLToPath } from 'node:url';

/** The root of the checkout. */
export const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');

/** The example application, an npm project of its own. */
export const example = path.join(root, 'electron-example');

/** What the scripts keep between runs: fingerprints, logs, the Electron runtime, the example's database. */
export const cache = path.join(root, '.latchkey');

/** A path below the root, for people to read. */
export function relative(file) {
  return path.relative(root, file) || '.';
}
