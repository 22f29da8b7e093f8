// Waves of callers that want a token which the one at hand is too old for: all at once, or one after the other while the
// refresh is under way. What is measured is what they wait, and how often the server was asked.

const { summary, timed } = require('./samples.cjs');

/** Over so long the callers of a staggered wave come. */
const SPREAD_MS = 100;

/**
 * @param {object} options
 * @param {Record<string, { call: () => Promise<unknown>, refreshes: () => Promise<number> | number, age: () => Promise<void> }>} options.clients
 *   `call` answers a token, or rejects or answers `null` where it has none; `refreshes` counts what the server was asked so
 *   far; `age` makes the token at hand too old
 * @param {number} options.callers in each wave
 * @param {boolean} options.staggered
 * @param {number} options.turns
 */
async function measureWaves({ clients, callers, staggered, turns }) {
  const taken = Object.fromEntries(Object.keys(clients).map((name) => [name, newRecord()]));
  for (let turn = 0; turn < turns; turn++) {
    for (const [name, client] of Object.entries(clients)) {
      await client.age();
      const before = await client.refreshes();
      const waits = [];
      let served = 0;
      const one = async () => {
        const wait = await timed(async () => {
          const token = await client.call().catch(() => null);
          if (token) served += 1;
        });
        waits.push(wait);
      };
      const all = await timed(() => (staggered ? comeStaggered(one, callers) : comeAtOnce(one, callers)));
      taken[name].total.push(all);
      taken[name].longest.push(Math.max(...waits));
      taken[name].refreshes += (await client.refreshes()) - before;
      taken[name].served += served;
    }
  }
  const results = Object.entries(taken).map(([name, { total, longest, refreshes, served }]) => [
    name,
    {
      total: summary(total),
      longestWait: summary(longest),
      refreshesPerWave: refreshes / turns,
      servedShare: served / (turns * callers),
    },
  ]);
  return { callers, staggered, turns, clients: Object.fromEntries(results) };
}

function newRecord() {
  return { total: [], longest: [], refreshes: 0, served: 0 };
}

function comeAtOnce(one, callers) {
  return Promise.all(Array.from({ length: callers }, one));
}

async function comeStaggered(one, callers) {
  const calls = [];
  const started = performance.now();
  while (calls.length < callers) {
    const due = Math.min(callers, Math.ceil(((performance.now() - started) / SPREAD_MS) * callers));
    while (calls.length < due) calls.push(one());
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  await Promise.all(calls);
}

module.exports = { SPREAD_MS, measureWaves };
