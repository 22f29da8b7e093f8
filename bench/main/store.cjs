// The drop-in `Store` beside electron-store, call for call: both synchronous, both durable when they return. Values of 1 KB
// in stores that hold so many already; the stores take turns, and the raw append is the limit.

const assert = require('node:assert/strict');
const { mkdirSync } = require('node:fs');
const path = require('node:path');
const { randomInt } = require('node:crypto');
const latchkey = require('./latchkey.cjs');
const { Disk, keyOf, newValue, sizeOnDisk } = require('./stores.cjs');
const { summary, timed } = require('./samples.cjs');

/** One get from memory is too short for a clock. */
const GETS_PER_SAMPLE = 100;

/** `{ home, entries, turns }` */
async function measureStore({ home, entries, turns }) {
  mkdirSync(home, { recursive: true });
  const folder = path.join(home, `store-${entries}`);
  latchkey.bridge('default-vault').configure({
    id: `latchkey-bench-store-${entries}`,
    path: folder,
  });
  const stores = {
    store: new (latchkey.bridge('store'))(),
    electronStore: new (require('electron-store'))({ cwd: path.join(home, `electron-store-${entries}`) }),
  };
  const before = sizeOnDisk(folder).length;
  const content = Object.fromEntries(
    Array.from({ length: entries }, (_, index) => [keyOf(index), newValue()]),
  );
  for (const store of Object.values(stores)) store.store = content;
  const disk = new Disk(home, entries, Math.round((sizeOnDisk(folder).length - before) / entries));
  const set = await measureSet({ disk, stores, entries, turns });
  const get = await measureGet({ stores, entries, turns });
  disk.close();
  return { entries, set, get };
}

async function measureSet({ disk, stores, entries, turns }) {
  const samples = { disk: [], store: [], electronStore: [] };
  const order = Object.keys(samples);
  for (let turn = 0; turn < turns; turn++) {
    for (const name of order) {
      const [key, value] = [keyOf(randomInt(entries)), newValue()];
      const write = name === 'disk' ? () => disk.append() : () => stores[name].set(key, value);
      samples[name].push(await timed(write));
      if (name !== 'disk') assert.equal(stores[name].get(key), value);
    }
    order.push(order.shift()); // whoever comes first changes
  }
  return summaries(samples);
}

async function measureGet({ stores, entries, turns }) {
  const samples = { store: [], electronStore: [] };
  for (let turn = 0; turn < turns; turn++) {
    const keys = Array.from({ length: GETS_PER_SAMPLE }, () => keyOf(randomInt(entries)));
    const all = await timed(() => {
      for (const key of keys) stores.store.get(key);
    });
    samples.store.push(all / GETS_PER_SAMPLE);
    samples.electronStore.push(await timed(() => void stores.electronStore.get(keys[0])));
  }
  return summaries(samples);
}

function summaries(samples) {
  return Object.fromEntries(Object.entries(samples).map(([name, taken]) => [name, summary(taken)]));
}

module.exports = { measureStore };
