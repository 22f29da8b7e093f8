// The numbers as tables: medians in milliseconds, and how many times one is the other.

import { goals } from './goals.mjs';
import { count, kib, mb, ms, percent, times } from './numbers.mjs';

/** The whole report, as Markdown. */
export function tables(result) {
  const { about, start, idle, store, use, firstOpen, reopen, session, nodeFetch, authkit, msal } = result;
  const parts = [
    aboutLines(about),
    goalsTable(goals(result)),
    ...(start ? startTables(start) : []),
    ...(idle ? idleTables(idle) : []),
    ...(use ? vaultTables({ use, firstOpen, reopen }) : []),
    ...(store ? storeTables(store) : []),
    ...(session ? sessionTables(session) : []),
    ...(authkit ? peerTables('authkit', '@workos/authkit-electron', authkit) : []),
    ...(msal ? peerTables('msal', '@azure/msal-node', msal) : []),
    ...(session ? fetchTables('Electron', session.fetch) : []),
    ...(nodeFetch ? fetchTables(`Node ${about.versions.Node}`, nodeFetch) : []),
  ];
  return parts.join('\n\n');
}

function aboutLines({ addon, versions, ...about }) {
  const changes = about.uncommittedChanges ? ' with changes' : '';
  const named = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
  return [
    `\`${about.command}\`, ${about.date}, commit ${about.commit}${changes}, addon of the ${addon.profile} profile`,
    `(${mb(addon.bytes)}, ${mb(addon.compressedBytes)} compressed). ${named.join(', ')}.`,
    `${about.os}, ${about.cpu}, ${about.memoryGiB} GiB, ${about.fileSystem}; load ${about.load.toFixed(1)} at the start.`,
  ].join('\n');
}

function goalsTable(reached) {
  const words = new Map([
    [true, 'met'],
    [false, 'missed'],
    [null, 'of the release addon only'],
  ]);
  return table(
    ['goal', 'reached', ''],
    reached.map(({ goal, reached: value, met }) => [goal, value, words.get(met)]),
    'left',
  );
}

function startTables({ entries, starts, load, open, keychain, added, slowest }) {
  return [
    `What Latchkey adds to the start of an Electron app, with a vault of ${entries} entries, median ms of ${starts} starts:`,
    table(
      ['require', 'open', 'of that the keychain', 'added beyond the keychain', 'slowest'],
      [[load, open, keychain, added, slowest].map(ms)],
    ),
  ];
}

function idleTables({ turns, windowMs, memory, threads, ticks }) {
  const rows = { resident: 'resident', proportional: 'its share', unshared: 'its own' };
  return [
    `Memory of the main process of an app that does nothing, median of ${turns} starts:`,
    table(
      ['', 'without', 'with a vault and a session', 'difference'],
      Object.entries(rows).map(([field, name]) => [
        name,
        mb(memory.without[field]),
        mb(memory.with[field]),
        mb(memory.with[field] - memory.without[field]),
      ]),
    ),
    `Its threads that are not there without Latchkey, at most in ${windowMs / 1000} s (the whole process took ${ticks.without} ticks without, ${ticks.with} with):`,
    table(
      ['thread', 'how many', 'ticks of the processor', 'wake-ups'],
      threads.map((thread) => [thread.name, ...[thread.count, thread.ticks, thread.wakeUps].map(count)]),
    ),
  ];
}

function vaultTables({ use, firstOpen, reopen }) {
  return [
    `A durable \`set\` of 1 KB, median ms:`,
    table(
      [
        'entries',
        'raw append + sync',
        'synced off the JS thread',
        'vault',
        'pair',
        'vault ÷ raw',
        'pair ÷ vault',
      ],
      use.map(({ entries, set }) => [
        count(entries),
        ms(set.disk.median),
        ms(set.diskAsync.median),
        ms(set.vault.median),
        ms(set.pair.median),
        times(set.vault.median / set.disk.median),
        times(set.pair.median / set.vault.median),
      ]),
    ),
    `\`get\` of 1 KB, median ms:`,
    table(
      ['entries', 'vault', 'pair', 'pair ÷ vault'],
      use.map(({ entries, get }) => [
        count(entries),
        ms(get.vault.median),
        ms(get.pair.median),
        times(get.pair.median / get.vault.median),
      ]),
    ),
    `Size on disk, once each value has been written:`,
    table(
      ['entries', 'vault', 'pair'],
      use.map(({ entries, size }) => [count(entries), kib(size.vault.length), kib(size.pair.length)]),
    ),
    `The first open in a new process, file not in memory, median ms; \`open\` is beyond the keychain:`,
    table(
      ['', 'load the code', 'keychain', 'open', 'first get'],
      firstOpen.map(({ store, entries, load, keychain, open, firstGet }) => [
        `${store}, ${count(entries)} entries`,
        ms(load),
        ms(keychain),
        ms(open),
        firstGet ? ms(firstGet) : '',
      ]),
    ),
    `Opening the vault again in one process, median ms:`,
    table(
      ['entries', 'open', 'beyond an empty vault'],
      Object.entries(reopen).map(([entries, { median }]) => [
        count(Number(entries)),
        ms(median),
        ms(median - reopen[0].median),
      ]),
    ),
  ];
}

function storeTables(measured) {
  return [
    '`Store.set` and electron-store’s, 1 KB, median ms:',
    table(
      ['entries', 'raw append + sync', 'Store', 'electron-store', 'Store ÷ raw', 'electron-store ÷ Store'],
      measured.map(({ entries, set: { disk, store, electronStore } }) => [
        count(entries),
        ms(disk.median),
        ms(store.median),
        ms(electronStore.median),
        times(store.median / disk.median),
        times(electronStore.median / store.median),
      ]),
    ),
    '`Store.get` and electron-store’s, 1 KB, median ms:',
    table(
      ['entries', 'Store', 'electron-store', 'electron-store ÷ Store'],
      measured.map(({ entries, get: { store, electronStore } }) => [
        count(entries),
        ms(store.median),
        ms(electronStore.median),
        times(electronStore.median / store.median),
      ]),
    ),
  ];
}

function sessionTables({ storm, accessToken, waves }) {
  const { total, blocked } = storm;
  return [
    `${count(storm.callers)} callers that wait for one refresh of a server that answers at once, median ms:`,
    table(
      ['', 'latchkey', 'promise mutex', 'latchkey ÷ mutex'],
      [
        ['until all have it', total],
        ['thread blocked at most', blocked],
      ].map(([name, { latchkey, mutex }]) => [
        name,
        ms(latchkey.median),
        ms(mutex.median),
        times(latchkey.median / mutex.median),
      ]),
    ),
    `\`await accessToken()\` while fresh: ${(accessToken.median * 1000).toPrecision(2)} µs.`,
    'Callers of a token that is over, of a server that takes 30 ms; `latchkey` has stored the new one before anybody gets it:',
    wavesTable('mutex', 'promise mutex', waves),
  ];
}

function peerTables(key, name, { waves, accessToken }) {
  const { latchkey, [key]: peer } = accessToken;
  return [
    `The same beside ${name}, in Node:`,
    wavesTable(key, name, waves),
    `A token while fresh, median µs: ${ms(latchkey.median * 1000)} beside ${ms(peer.median * 1000)} of ${name} (${times(peer.median / latchkey.median)} ×).`,
  ];
}

function wavesTable(key, name, waves) {
  const half = ({ refreshesPerWave, servedShare, longestWait }) => [
    count(Number(refreshesPerWave.toFixed(1))),
    percent(servedShare),
    ms(longestWait.median),
  ];
  return table(
    [
      'callers',
      'come',
      'refreshes',
      'served',
      'longest wait, ms',
      `${name}: refreshes`,
      'served',
      'longest wait, ms',
    ],
    waves.map(({ callers, staggered, clients }) => [
      count(callers),
      staggered ? 'within 100 ms' : 'at once',
      ...half(clients.latchkey),
      ...half(clients[key]),
    ]),
  );
}

function fetchTables(where, measured) {
  const names = Object.keys(measured[0].perMillisecond);
  return [
    `Small JSON answers with a token in ${where}, requests per second:`,
    table(
      ['concurrent', ...names.map((name) => (name === 'session.fetch' ? `\`${name}\`` : name))],
      measured.map(({ concurrent, perMillisecond }) => [
        count(concurrent),
        ...names.map((name) => count(Math.round(perMillisecond[name].median * 1000))),
      ]),
    ),
  ];
}

function table(head, rows, align = 'right') {
  const widths = head.map((_name, column) =>
    Math.max(3, ...[head, ...rows].map((row) => row[column].length)),
  );
  const pad = (cell, width) => (align === 'right' ? cell.padStart(width) : cell.padEnd(width));
  const line = (cells) => `| ${cells.map((cell, column) => pad(cell, widths[column])).join(' | ')} |`;
  const rule = widths.map((width) =>
    align === 'right' ? `${'-'.repeat(width + 1)}:` : '-'.repeat(width + 2),
  );
  return [line(head), `|${rule.join('|')}|`, ...rows.map(line)].join('\n');
}
