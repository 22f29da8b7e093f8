// What is measured by starting Electron again and again: the first open of a store, what Latchkey adds to the start of an
// app, and what an app takes that does nothing.

import path from 'node:path';
import { onPath, run } from '../scripts/processes.mjs';

// An empty store beside a full one: the difference is what the entries cost, the rest is the keychain's.
export async function measureFirstOpen({ inElectron, home, entries, starts }) {
  await inElectron('reopen', { home, sizes: [0], turns: 1 }); // makes the empty vault
  const kinds = ['vault', 'pair'].flatMap((store) => [0, entries].map((held) => ({ store, entries: held })));
  const runs = new Map(kinds.map((kind) => [kind, []]));
  for (let turn = 0; turn < starts; turn++) {
    for (const [kind, times] of runs) {
      await dropFromPageCache(home, kind);
      times.push(await inElectron('open', { home, ...kind }));
    }
  }
  return Array.from(runs, ([kind, times]) => ({ ...kind, ...medians(times) }));
}

/** Milliseconds that loading the addon and opening a small vault add, the keychain's own apart. */
export async function measureStart({ inElectron, home, entries, starts }) {
  const options = { home: path.join(home, 'start'), entries };
  await inElectron('prepareStart', options);
  const times = [];
  for (let turn = 0; turn < starts; turn++) times.push(await inElectron('start', options));
  return { entries, starts, ...medians(times), slowest: Math.max(...times.map(({ added }) => added)) };
}

/** The same app with Latchkey and without, in turns. `null` where the kernel says nothing of memory and threads. */
export async function measureIdle({ inElectron, home, servers, turns, settleMs, windowMs }) {
  if (process.platform !== 'linux') return null;
  const options = { home, ...servers, settleMs, windowMs };
  const runs = { without: [], with: [] };
  for (let turn = 0; turn < turns; turn++) {
    runs.without.push(await inElectron('idle', { ...options, latchkey: false }));
    runs.with.push(await inElectron('idle', { ...options, latchkey: true }));
  }
  const memory = Object.entries(runs).map(([kind, taken]) => [
    kind,
    medians(taken.map((taking) => taking.memory)),
  ]);
  return {
    turns,
    windowMs,
    memory: Object.fromEntries(memory),
    threads: addedThreads(runs),
    // The timer that ends the measurement is one, and both have it.
    activeResources: {
      without: runs.without.at(-1).resources,
      with: runs.with.at(-1).resources,
    },
    ticks: {
      without: median(runs.without.map(ticksOf)),
      with: median(runs.with.map(ticksOf)),
    },
  };
}

function ticksOf({ threads }) {
  return threads.reduce((sum, { ticks }) => sum + ticks, 0);
}

/** The threads that are there with Latchkey only, by name: how many, and what they did at most. */
function addedThreads(runs) {
  const names = new Set(runs.without.flatMap(({ threads }) => threads.map(({ name }) => name)));
  const added = new Map();
  for (const { threads } of runs.with) {
    for (const [name, group] of byName(threads)) {
      if (names.has(name)) continue;
      const most = added.get(name) ?? { name, count: 0, ticks: 0, wakeUps: 0 };
      added.set(name, {
        name,
        count: Math.max(most.count, group.length),
        ticks: Math.max(most.ticks, sum(group, 'ticks')),
        wakeUps: Math.max(most.wakeUps, sum(group, 'wakeUps')),
      });
    }
  }
  return [...added.values()];
}

function byName(threads) {
  const groups = new Map();
  for (const thread of threads) groups.set(thread.name, [...(groups.get(thread.name) ?? []), thread]);
  return groups;
}

function sum(items, field) {
  return items.reduce((total, item) => total + item[field], 0);
}

// So that the first open reads from the disk, as after the start of the machine. Only where GNU dd can ask for it.
async function dropFromPageCache(home, { store, entries }) {
  const name = { vault: 'vault.latchkey', pair: 'config.json' }[store];
  const file = path.join(home, `${store}-${entries}`, name);
  if (process.platform !== 'linux' || !onPath('dd')) return;
  await run('dd', [`if=${file}`, 'iflag=nocache', 'count=0', 'status=none']).catch(() => {});
}

function medians(times) {
  const parts = Object.keys(times[0]);
  return Object.fromEntries(parts.map((part) => [part, median(times.map((time) => time[part]))]));
}

function median(samples) {
  return [...samples].sort((a, b) => a - b)[Math.floor(samples.length / 2)];
}
