// What was aimed at, and whether this run reached it.

import { mb, ms, multiple } from './numbers.mjs';

/** `[{ goal, reached, met }]`, for the parts that were measured. `met` is `null` where this run cannot tell. */
export function goals({ about, use, store, firstOpen, start, idle, session }) {
  return [
    ...(start ? startGoals(start) : []),
    ...(idle ? idleGoals(idle) : []),
    ...sizeGoals(about.addon),
    ...(use ? vaultGoals(use, firstOpen) : []),
    ...(store ? storeGoals(store) : []),
    ...(session ? sessionGoals(session) : []),
  ];
}

function startGoals({ added }) {
  return [atMost('`require` and `open` of a small vault, beyond the keychain', added, 30, msOf)];
}

function idleGoals({ memory, threads, windowMs }) {
  const added = memory.with.proportional - memory.without.proportional;
  const [ticks, wakeUps] = ['ticks', 'wakeUps'].map((field) =>
    threads.reduce((sum, thread) => sum + thread[field], 0),
  );
  return [
    atMost('idle memory over the same app without it', added, 8e6, mb),
    {
      goal: 'no thread busy when idle',
      reached: `${ticks} ticks of the processor and ${wakeUps} wake-ups in ${windowMs / 1000} s`,
      met: ticks === 0 && wakeUps === 0,
    },
  ];
}

function sizeGoals({ profile, bytes, compressedBytes }) {
  const ofRelease = (goal) => (profile === 'release' ? goal : { ...goal, met: null });
  return [
    ofRelease(atMost('the addon, stripped', bytes, 6e6, mb)),
    ofRelease(atMost('the addon, compressed', compressedBytes, 2.5e6, mb)),
  ];
}

function vaultGoals(use, firstOpen) {
  const at = (wanted) => use.find(({ entries }) => entries === wanted);
  const raw = use.map(({ set }) => set.vault.median / set.disk.median);
  const [few, many] = [at(10), at(10_000)];
  return [
    atMost('`set` beside raw append + sync, at every size', Math.max(...raw), 1.5, multiple),
    few && atLeast('`set` beside the pair at 10 entries', few.set.pair.median / few.set.vault.median, 5),
    many &&
      atLeast('`set` beside the pair at 10,000 entries', many.set.pair.median / many.set.vault.median, 300),
    few && atLeast('`get` beside the pair at 10 entries', few.get.pair.median / few.get.vault.median, 30),
    many &&
      atLeast('`get` beside the pair at 10,000 entries', many.get.pair.median / many.get.vault.median, 5000),
    many && atMost('first open of 10,000 entries, beyond the keychain', coldOpen(firstOpen), 50, msOf),
  ].filter(Boolean);
}

function coldOpen(firstOpen) {
  return firstOpen.find(({ store, entries }) => store === 'vault' && entries > 0).open;
}

function storeGoals(store) {
  const wanted = new Map([
    [10, { get: 20, set: 5 }],
    [1000, { get: 1000, set: 100 }],
  ]);
  return store.flatMap(({ entries, get, set }) => {
    const goal = wanted.get(entries);
    const name = `at ${entries.toLocaleString('en')} entries`;
    return [
      atLeast(
        `\`Store.get\` beside electron-store ${name}`,
        get.electronStore.median / get.store.median,
        goal.get,
      ),
      atLeast(
        `\`Store.set\` beside electron-store ${name}`,
        set.electronStore.median / set.store.median,
        goal.set,
      ),
    ];
  });
}

function sessionGoals({ storm, accessToken, fetch }) {
  const { total, blocked } = storm;
  const name = `${storm.callers.toLocaleString('en')} callers`;
  return [
    atMost(`${name}, beside a promise mutex`, total.latchkey.median / total.mutex.median, 3, multiple),
    atMost(`${name} block the JavaScript thread`, blocked.latchkey.median, 20, msOf),
    atMost('`accessToken()` while fresh, awaited', accessToken.median * 1000, 3, microseconds),
    ...fetch.map(({ concurrent, perMillisecond: { 'session.fetch': ours, ...others } }) =>
      atLeast(
        `\`session.fetch\` beside the best client, ${concurrent} at once`,
        ours.median / Math.max(...Object.entries(others).map(median)),
        2,
      ),
    ),
  ];
}

/** Of `createFetch`, which is ours too, nothing is to be gained. */
function median([name, { median }]) {
  return name === 'createFetch' ? 0 : median;
}

function atMost(goal, value, limit, shown) {
  return { goal: `${goal}: at most ${shown(limit)}`, reached: shown(value), met: value <= limit };
}

function atLeast(goal, value, limit) {
  return { goal: `${goal}: at least ${multiple(limit)}`, reached: multiple(value), met: value >= limit };
}

const msOf = (value) => `${ms(value)} ms`;
const microseconds = (value) => `${value.toPrecision(2)} µs`;
