// Opening: once in a process that has just started, or again and again in one.

const latchkey = require('./latchkey.cjs');
const { Pair, Vault, keyOf } = require('./stores.cjs');
const { summary, timed } = require('./samples.cjs');

/** Chromium is still starting its own processes when an app is told that it is ready. */
const SETTLE_MS = 300;

/** `{ home, entries, store }`: times, in milliseconds, of the first open in this process. */
async function measureOpen({ home, entries, store }) {
  await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
  return store === 'vault' ? openVault(home, entries) : openPair(home, entries);
}

async function openVault(home, entries) {
  let vault;
  const load = await timed(() => latchkey.addon());
  const open = await timed(async () => {
    vault = await Vault.open(home, entries);
  });
  const firstGet = entries > 0 ? await timed(() => vault.get(keyOf(0))) : 0;
  const keychain = vault.keychainMs();
  return { load, keychain, open: open - keychain, firstGet };
}

// The pair asks the keychain at its first use, and reads its file when it is made and again for each get.
async function openPair(home, entries) {
  const { safeStorage } = require('electron');
  let pair;
  const load = await timed(() => require('electron-store'));
  const keychain = await timed(() => safeStorage.isEncryptionAvailable());
  const open = await timed(() => {
    pair = Pair.open(home, entries);
  });
  const firstGet = entries > 0 ? await timed(() => void pair.get(keyOf(0))) : 0;
  return { load, keychain, open, firstGet };
}

/** `{ home, sizes, turns }`: the vaults of each size opened in turns, in a process that has opened one before. */
async function measureReopen({ home, sizes, turns }) {
  const samples = new Map(sizes.map((entries) => [entries, []]));
  await (await Vault.open(home, sizes[0])).close();
  for (let turn = 0; turn < turns; turn++) {
    for (const entries of sizes) {
      let vault;
      const took = await timed(async () => {
        vault = await Vault.open(home, entries);
      });
      samples.get(entries).push(took);
      await vault.close();
    }
  }
  return Object.fromEntries([...samples].map(([entries, taken]) => [entries, summary(taken)]));
}

module.exports = { measureOpen, measureReopen };
