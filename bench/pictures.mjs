// The numbers of one run as pictures.

import { bars } from './bars.mjs';
import { count, mb, ms, multiple } from './numbers.mjs';

/** Name of the file and its content, for the parts that were measured. */
export function pictures(result) {
  const { about, use, authkit, msal, session, nodeFetch, start, idle } = result;
  return new Map(
    Object.entries({
      'set.svg': use && setPicture(use),
      'get.svg': use && getPicture(use),
      'token.svg': authkit && msal && tokenPicture({ authkit, msal }),
      'fetch.svg': session && nodeFetch && fetchPicture(session.fetch, nodeFetch, about),
      'app.svg': start && idle && appPicture(start, idle, about),
    }).filter(([, picture]) => picture),
  );
}

function setPicture(use) {
  return bars({
    title: 'A durable write of 1 KB, milliseconds (logarithmic; shorter is better)',
    scale: 'log',
    groups: use.map(({ entries, set }) => ({
      name: `${count(entries)} entries`,
      bars: [
        { series: 'Latchkey', value: set.vault.median, text: `${ms(set.vault.median)} ms` },
        {
          series: 'safeStorage + electron-store',
          value: set.pair.median,
          text: `${ms(set.pair.median)} ms, ${multiple(set.pair.median / set.vault.median)}`,
        },
        { series: 'the disk alone', value: set.disk.median, text: `${ms(set.disk.median)} ms` },
      ],
    })),
  });
}

function getPicture(use) {
  return bars({
    title: 'A read of 1 KB, microseconds (logarithmic; shorter is better)',
    scale: 'log',
    groups: use.map(({ entries, get }) => ({
      name: `${count(entries)} entries`,
      bars: [
        {
          series: 'Latchkey',
          value: get.vault.median * 1000,
          text: `${microseconds(get.vault.median)}`,
        },
        {
          series: 'safeStorage + electron-store',
          value: get.pair.median * 1000,
          text: `${microseconds(get.pair.median)}, ${multiple(get.pair.median / get.vault.median)}`,
        },
      ],
    })),
  });
}

function tokenPicture({ authkit, msal }) {
  const rows = [
    ['@workos/authkit-electron', authkit.accessToken.latchkey, authkit.accessToken.authkit],
    ['@azure/msal-node', msal.accessToken.latchkey, msal.accessToken.msal],
  ];
  return bars({
    title: 'A token while it is fresh, microseconds (logarithmic; shorter is better)',
    scale: 'log',
    groups: rows.map(([name, ours, theirs]) => ({
      name: `beside ${name.split('/')[1]}`,
      bars: [
        { series: 'Latchkey', value: ours.median * 1000, text: microseconds(ours.median) },
        {
          series: name,
          value: theirs.median * 1000,
          text: `${microseconds(theirs.median)}, ${multiple(theirs.median / ours.median)}`,
        },
      ],
    })),
  });
}

function fetchPicture(inElectron, inNode, { versions }) {
  const groups = [
    [`Electron ${versions.Electron}`, inElectron],
    [`Node ${versions.Node}`, inNode],
  ].flatMap(([where, measured]) =>
    measured.map(({ concurrent, perMillisecond }) => ({
      name: `${where}, ${concurrent} at once`,
      bars: Object.entries(perMillisecond).map(([series, { median }]) => ({
        series,
        value: median * 1000,
        text: count(Math.round(median * 1000)),
      })),
    })),
  );
  return bars({
    title: 'Small JSON answers with a token, requests per second (longer is better)',
    scale: 'linear',
    groups,
  });
}

function appPicture(start, idle, { addon }) {
  const memory = idle.memory.with.proportional - idle.memory.without.proportional;
  const bar = (value, limit, text, limitText) => [
    { series: 'measured', value: value / limit, text },
    { series: 'the goal', value: 1, text: limitText },
  ];
  const groups = [
    ['start, beyond the keychain', bar(start.added, 30, `${ms(start.added)} ms`, '30 ms')],
    ['idle memory', bar(memory, 8e6, mb(memory), '8 MB')],
  ];
  if (addon.profile === 'release') {
    groups.push(
      ['addon, stripped', bar(addon.bytes, 6e6, mb(addon.bytes), '6 MB')],
      ['addon, compressed', bar(addon.compressedBytes, 2.5e6, mb(addon.compressedBytes), '2.5 MB')],
    );
  }
  return bars({
    title: 'What Latchkey adds to an app, as a share of the goal (shorter is better)',
    scale: 'linear',
    groups: groups.map(([name, list]) => ({ name, bars: list })),
  });
}

function microseconds(milliseconds) {
  return `${ms(milliseconds * 1000)} µs`;
}
