// Latchkey as it is measured: that of the checkout, or a copy with the addon as it is released.

const path = require('node:path');

const root = process.env.LATCHKEY_BENCH_PACKAGE ?? path.join(__dirname, '../..');

module.exports = {
  /** Loads it: a function, since some measure just that. */
  addon: () => require(path.join(root, 'index.js')),
  bridge: (part) => require(path.join(root, 'bridge/dist/cjs', part, 'index.js')),
};
