// What Latchkey adds to the start of an Electron app: the addon is loaded, and a small vault is opened.

const latchkey = require('./latchkey.cjs');
const { Vault, keyOf, newValue } = require('./stores.cjs');
const { timed } = require('./samples.cjs');

/** Chromium is still starting its own processes when an app is told that it is ready. */
const SETTLE_MS = 300;

/** `{ home, entries }`: makes the vault that the starts open. */
async function prepareStart({ home, entries }) {
  const vault = await Vault.open(home, entries);
  for (let index = 0; index < entries; index++) await vault.set(keyOf(index), newValue());
  await vault.close();
  return {};
}

/** `{ home, entries }`: milliseconds of `require`, of `open`, and of the keychain within `open`. */
async function measureStart({ home, entries }) {
  await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
  let vault;
  const load = await timed(() => latchkey.addon());
  const open = await timed(async () => {
    vault = await Vault.open(home, entries);
  });
  const keychain = vault.keychainMs();
  await vault.close();
  return { load, open, keychain, added: load + open - keychain };
}

module.exports = { measureStart, prepareStart };
