// The numbers as a person reads them: medians in milliseconds, and how many times one is the other.

/** The whole report, as Markdown. */
export function tables({ about, store, ...vault }) {
  const parts = [aboutLine(about), ...storeTables(store), ...(vault.use ? vaultTables(vault) : [])];
  return parts.join('\n\n');
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

function vaultTables({ use, firstOpen, reopen, session }) {
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
    `The first open in a new process, file not in memory, median ms:`,
    table(
      ['', 'load the code', 'keychain', 'open', 'first get'],
      firstOpen.map(({ store, entries, load, keychain, open, firstGet }) => [
        `${store}, ${count(entries)} entries`,
        ms(load),
        keychain === undefined ? 'in open' : ms(keychain),
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
    ...sessionTables(session),
  ];
}

function sessionTables({ storm, accessToken, fetch }) {
  const { total, blocked } = storm;
  return [
    `${count(storm.callers)} callers that wait for one refresh, median ms:`,
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
    `Small JSON answers with a token, requests per second:`,
    table(
      ['concurrent', 'session.fetch', 'createFetch', 'node:http', "Electron's net", 'session.fetch ÷ better'],
      fetch.map(({ concurrent, perMillisecond: { fetch, createFetch, http, net } }) => [
        count(concurrent),
        ...[fetch, createFetch, http, net].map(({ median }) => count(Math.round(median * 1000))),
        times(fetch.median / Math.max(http.median, net.median)),
      ]),
    ),
  ];
}

function aboutLine(about) {
  return [
    `${about.date}, commit ${about.commit}${about.uncommittedChanges ? ' with changes' : ''}`,
    `addon of the ${about.addon.profile} profile (${(about.addon.bytes / 1e6).toFixed(1)} MB)`,
    `Electron ${about.electron}, electron-store ${about['electron-store']}`,
    `${about.os}, ${about.cpu}, ${about.memoryGiB} GiB, ${about.fileSystem}`,
  ].join('; ');
}

function table(head, rows) {
  const widths = head.map((_name, column) =>
    Math.max(3, ...[head, ...rows].map((row) => row[column].length)),
  );
  const line = (cells) => `| ${cells.map((cell, column) => cell.padStart(widths[column])).join(' | ')} |`;
  const rule = `|${widths.map((width) => `${'-'.repeat(width + 1)}:`).join('|')}|`;
  return [line(head), rule, ...rows.map(line)].join('\n');
}

function count(entries) {
  return entries.toLocaleString('en');
}

function ms(value) {
  return Math.abs(value) < 100 ? value.toPrecision(2) : value.toFixed(0);
}

function times(value) {
  return value < 10 ? value.toFixed(2) : Math.round(value).toLocaleString('en');
}

function kib(bytes) {
  return `${Math.round(bytes / 1024).toLocaleString('en')} KiB`;
}
