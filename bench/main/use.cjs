// Setting and getting 1 KB in stores that hold so many already. The machine may be noisy: the stores take turns,
// and only what was measured in the same turns is compared.

const assert = require('node:assert/strict');
const { mkdirSync } = require('node:fs');
const { randomInt } = require('node:crypto');
const { Disk, Pair, Vault, keyOf, newValue, sizeOnDisk } = require('./stores.cjs');
const { summary, timed } = require('./samples.cjs');

/** How often the others write while the pair writes once: they are quick, and their medians want samples. */
const WRITES_PER_TURN = 5;
/** One get from memory is too short for a clock. */
const GETS_PER_SAMPLE = 100;

/** `{ home, entries, turns }`; leaves the filled stores behind, for the measurements of opening. */
async function measureUse({ home, entries, turns }) {
  mkdirSync(home, { recursive: true });
  const pair = Pair.open(home, entries);
  pair.requireKeychain();
  pair.fill(entries);
  const vault = await Vault.open(home, entries);
  const empty = sizeOnDisk(Vault.folder(home, entries)).length;
  await vault.fill(entries);
  const size = {
    vault: sizeOnDisk(Vault.folder(home, entries)),
    pair: sizeOnDisk(Pair.folder(home, entries)),
  };
  const disk = new Disk(home, entries, Math.round((size.vault.length - empty) / entries));

  const set = await measureSet({ disk, vault, pair, entries, turns });
  const get = await measureGet({ vault, pair, entries, turns });
  disk.close();
  await vault.close();
  return { entries, set, get, size };
}

async function measureSet({ disk, vault, pair, entries, turns }) {
  const writers = {
    disk: () => disk.append(),
    diskAsync: () => disk.appendAsync(),
    vault: (key, value) => vault.set(key, value),
    pair: (key, value) => pair.set(key, value),
  };
  const samples = { disk: [], diskAsync: [], vault: [], pair: [] };
  const write = async (name) => {
    const [key, value] = [keyOf(randomInt(entries)), newValue()];
    samples[name].push(await timed(() => writers[name](key, value)));
    if (name === 'vault') assert.equal(await vault.get(key), value);
    if (name === 'pair') assert.equal(pair.get(key), value);
  };
  const order = ['disk', 'vault', 'diskAsync'];
  for (let turn = 0; turn < turns; turn++) {
    for (let repeat = 0; repeat < WRITES_PER_TURN; repeat++) {
      for (const name of order) await write(name);
      order.push(order.shift()); // whoever comes first after the pair, or after a pause, changes
    }
    await write('pair');
  }
  return Object.fromEntries(Object.entries(samples).map(([name, taken]) => [name, summary(taken)]));
}

async function measureGet({ vault, pair, entries, turns }) {
  const samples = { vault: [], pair: [] };
  for (let turn = 0; turn < turns; turn++) {
    const keys = Array.from({ length: GETS_PER_SAMPLE }, () => keyOf(randomInt(entries)));
    const all = await timed(async () => {
      for (const key of keys) await vault.get(key);
    });
    samples.vault.push(all / GETS_PER_SAMPLE);
    samples.pair.push(await timed(() => void pair.get(keys[0])));
  }
  return { vault: summary(samples.vault), pair: summary(samples.pair) };
}

module.exports = { measureUse };
