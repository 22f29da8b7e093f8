// The session beside what one writes by hand: a promise as the mutex of a refresh, and the HTTP clients at hand. All talk to
// the same servers in another process, and take turns.

const assert = require('node:assert/strict');
const http = require('node:http');
const { HOUR_MS, openSession, promiseMutex, refreshesOf } = require('./clients.cjs');
const { measureFetch } = require('./fetch.cjs');
const { measureFresh } = require('./fresh.cjs');
const { summary, timed } = require('./samples.cjs');
const { measureWaves } = require('./waves.cjs');

/** `{ home, authUrl, slowAuthUrl, apiUrl, sizes }` */
async function measureSession({ home, authUrl, slowAuthUrl, apiUrl, sizes }) {
  const agent = new http.Agent({ keepAlive: true, maxSockets: 64 });
  const { vault, session } = await openSession({ home, name: 'session', authUrl, apiUrl });
  const result = {
    storm: await measureStorm(session, promiseMutex(authUrl, agent), sizes),
    accessToken: await measureAccessToken(session, sizes.fresh),
    waves: await measureAllWaves({ home, slowAuthUrl, agent, sizes }),
    fetch: await measureFetch({ session, url: apiUrl, agent, sizes }),
  };
  agent.destroy();
  await session.close();
  await vault.close();
  return result;
}

// Each caller asks for a token that lives as long as a new one: all of them wait for one refresh.
async function measureStorm(session, mutex, { stormCallers, storms }) {
  const callers = {
    latchkey: () => session.accessToken({ minValidityMs: HOUR_MS - 1 }),
    mutex: mutex.renewed,
  };
  const samples = { latchkey: [], mutex: [] };
  const blocked = { latchkey: [], mutex: [] };
  for (let turn = 0; turn < storms; turn++) {
    for (const [name, call] of Object.entries(callers)) {
      const thread = watchThread();
      samples[name].push(
        await timed(async () => {
          const tokens = await Promise.all(Array.from({ length: stormCallers }, call));
          assert.equal(new Set(tokens).size, 1);
        }),
      );
      blocked[name].push(await thread.longest());
    }
  }
  return {
    callers: stormCallers,
    total: { latchkey: summary(samples.latchkey), mutex: summary(samples.mutex) },
    blocked: { latchkey: summary(blocked.latchkey), mutex: summary(blocked.mutex) },
  };
}

/** How long the thread's loop stood still at most, in milliseconds. */
function watchThread() {
  let last = performance.now();
  let longest = 0;
  let watching = true;
  const look = () => {
    const now = performance.now();
    longest = Math.max(longest, now - last);
    last = now;
    if (watching) setImmediate(look);
  };
  setImmediate(look);
  return {
    longest: () =>
      new Promise((resolve) => {
        setImmediate(() => {
          watching = false;
          resolve(longest);
        });
      }),
  };
}

async function measureAccessToken(session, fresh) {
  await session.refresh();
  const { latchkey } = await measureFresh({ latchkey: () => session.accessToken() }, fresh);
  return latchkey;
}

// The server takes its time to renew, so that there is a while in which callers can come.
async function measureAllWaves({ home, slowAuthUrl, agent, sizes }) {
  const { vault, session, age } = await openSession({ home, name: 'waves', authUrl: slowAuthUrl });
  const mutex = promiseMutex(slowAuthUrl, agent);
  const refreshes = () => refreshesOf(slowAuthUrl);
  const clients = {
    latchkey: { call: () => session.accessToken(), refreshes, age },
    mutex: { call: mutex.accessToken, refreshes, age: mutex.age },
  };
  const results = [];
  for (const callers of sizes.waveCallers) {
    for (const staggered of [false, true]) {
      results.push(await measureWaves({ clients, callers, staggered, turns: sizes.waves }));
    }
  }
  await session.close();
  await vault.close();
  return results;
}

module.exports = { measureSession };
