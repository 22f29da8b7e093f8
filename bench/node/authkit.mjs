// WorkOS AuthKit for Electron beside the same provider of Latchkey's, on the vendor's own emulator of its service. Its session
// manager runs as it is; its store is a variable here, where its package seals each read and write with safeStorage.

import path from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { officialClient, signInOfficially } from '../../__test__/peers/workos-official.mjs';
import { WorkOsServer } from '../../__test__/peers/workos-server.mjs';
import fresh from '../main/fresh.cjs';
import latchkey from '../main/latchkey.cjs';
import waves from '../main/waves.cjs';

/** The emulator's shortest: its tokens are over in the second after the one that they name. */
const LIFETIME_S = 2;
const OVER_MS = 3100;
const LONG_LIFETIME_S = 3600;

/** `{ home, sizes }` */
export async function measureAuthKit({ home, sizes }) {
  // It tells of each refresh that failed.
  console.warn = () => {};
  const ends = [];
  const t = { after: (end) => ends.push(end) };
  try {
    const results = [];
    for (const callers of sizes.peerCallers) {
      for (const staggered of [false, true]) {
        const clients = await clientsFor(t, path.join(home, `authkit-${callers}-${staggered}`));
        results.push(await waves.measureWaves({ clients, callers, staggered, turns: sizes.peerWaves }));
      }
    }
    return { waves: results, accessToken: await measureFresh(t, home, sizes) };
  } finally {
    for (const end of ends.reverse()) await end();
  }
}

// Each has a server of its own: a client that is refused does not stand in the other's way.
async function clientsFor(t, home, accessTokenSeconds = LIFETIME_S) {
  const [ours, theirs] = await Promise.all([1, 2].map(() => WorkOsServer.start(t, { accessTokenSeconds })));
  const { AuthSession, Vault } = latchkey.addon();
  const vault = await Vault.open({ id: 'latchkey-bench-authkit', path: home });
  const session = await AuthSession.open({ vault, provider: ours.provider });
  t.after(async () => {
    await session.close();
    await vault.close();
  });
  const enterOurs = () => ours.enter(session);
  await enterOurs();
  const user = theirs.addUser();
  const client = officialClient(theirs);
  const enterTheirs = () => signInOfficially(client, (url) => theirs.browse(url), { loginHint: user.email });
  await enterTheirs();
  // A refresh token that was used twice ends a session: each wave begins with a sign-in.
  const aged = (enter) => async () => {
    await enter();
    await setTimeout(OVER_MS);
  };
  return {
    latchkey: {
      call: () => session.accessToken(),
      refreshes: () => ours.counts.refreshes,
      age: aged(enterOurs),
    },
    authkit: {
      call: () => client.manager.getAccessToken(),
      refreshes: () => theirs.counts.refreshes,
      age: aged(enterTheirs),
    },
  };
}

async function measureFresh(t, home, { peerFresh }) {
  const clients = await clientsFor(t, path.join(home, 'authkit-fresh'), LONG_LIFETIME_S);
  const calls = Object.entries(clients).map(([name, { call }]) => [name, call]);
  return fresh.measureFresh(Object.fromEntries(calls), peerFresh);
}
