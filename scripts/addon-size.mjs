// node scripts/addon-size.mjs: measures the addon that was built for this machine, and fails where a release would be too large.

import { readFile } from 'node:fs/promises';
import { gzipSync } from 'node:zlib';
import { addonFile } from './builds.mjs';
import { relative } from './repo.mjs';

// A little above what it is, so that it does not grow unseen. The aim is 6,000,000 and 2,500,000: see docs/releasing.md.
const MOST_BYTES = 9_600_000;
const MOST_BYTES_PACKED = 4_250_000;

const addon = await readFile(addonFile());
const packed = gzipSync(addon, { level: 9 }).length; // as npm packs
console.log(`${relative(addonFile())}: ${addon.length} bytes, ${packed} packed`);
if (addon.length > MOST_BYTES || packed > MOST_BYTES_PACKED) {
  console.log(`✗ It may be ${MOST_BYTES} bytes at most, ${MOST_BYTES_PACKED} packed.`);
  process.exitCode = 1;
}
