// The Node process that measures beside packages that Electron 22 cannot load: it runs the one measurement it is told, and
// writes what it measured to a file.

import { writeFileSync } from 'node:fs';

const { measurement, options, resultFile } = JSON.parse(process.env.LATCHKEY_BENCH);
const measure = {
  authkit: async () => (await import('./authkit.mjs')).measureAuthKit(options),
  fetch: async () => (await import('./fetch.mjs')).measureFetchInNode(options),
  msal: async () => (await import('./msal.mjs')).measureMsal(options),
}[measurement];

try {
  writeFileSync(resultFile, JSON.stringify(await measure()));
  process.exit(0);
} catch (error) {
  console.error(error);
  process.exit(1);
}
