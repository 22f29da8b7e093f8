// The session beside what one writes by hand: a promise as the mutex of a refresh, and the two HTTP clients at hand. All talk
// to the same servers in another process, and take turns.

const assert = require('node:assert/strict');
const http = require('node:http');
const path = require('node:path');
const { net } = require('electron');
const { AuthSession, Vault } = require('../..');
const { createFetch } = require('../../bridge/dist/cjs/main/index.js');
const { summary, timed } = require('./samples.cjs');

const HOUR_MS = 3_600_000;
const WAITING_CALLERS = 1000;
const STORMS = 20;
const READS_PER_SAMPLE = 1000;
const READS = 100;
/** How many requests are in flight at once, and how many each sample sends. */
const REQUESTS = new Map([
  [1, 200],
  [64, 2000],
]);
const FETCH_TURNS = 15;

/** `{ home, authUrl, apiUrl }` */
async function measureSession({ home, authUrl, apiUrl }) {
  const vault = await Vault.open({ id: 'electron-latchkey-bench', path: path.join(home, 'session') });
  const session = await AuthSession.open({
    vault,
    provider: { type: 'token-endpoint', refreshUrl: authUrl },
    allowedOrigins: [apiUrl],
  });
  await session.signIn({
    method: 'tokens',
    accessToken: 'access-0',
    refreshToken: 'refresh-0',
    expiresInMs: HOUR_MS,
    user: { id: 'bench' },
  });
  const agent = new http.Agent({ keepAlive: true, maxSockets: 64 });
  const result = {
    storm: await measureStorm(session, byHand(authUrl, agent)),
    accessToken: await measureAccessToken(session),
    fetch: await measureFetch(session, apiUrl, agent),
  };
  agent.destroy();
  session.close();
  await vault.close();
  return result;
}

/** The usual way: whoever comes first refreshes, the others wait for the same promise. Nothing is stored. */
function byHand(url, agent) {
  let refreshToken = 'refresh-0';
  let refreshing = null;
  const refresh = async () => {
    const answer = await send(http.request, url, { method: 'POST', agent }, { refreshToken });
    ({ refreshToken } = answer);
    return answer.accessToken;
  };
  return () => {
    refreshing ??= refresh().finally(() => {
      refreshing = null;
    });
    return refreshing;
  };
}

// Each caller asks for a token that lives as long as a new one: all of them wait for one refresh.
async function measureStorm(session, mutex) {
  const callers = {
    latchkey: () => session.accessToken({ minValidityMs: HOUR_MS - 1 }),
    mutex,
  };
  const samples = { latchkey: [], mutex: [] };
  const blocked = { latchkey: [], mutex: [] };
  for (let turn = 0; turn < STORMS; turn++) {
    for (const [name, call] of Object.entries(callers)) {
      const thread = watchThread();
      samples[name].push(
        await timed(async () => {
          const tokens = await Promise.all(Array.from({ length: WAITING_CALLERS }, call));
          assert.equal(new Set(tokens).size, 1);
        }),
      );
      blocked[name].push(await thread.longest());
    }
  }
  return {
    callers: WAITING_CALLERS,
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

async function measureAccessToken(session) {
  await session.refresh();
  const samples = [];
  for (let sample = 0; sample < READS; sample++) {
    const all = await timed(async () => {
      for (let read = 0; read < READS_PER_SAMPLE; read++) await session.accessToken();
    });
    samples.push(all / READS_PER_SAMPLE);
  }
  return summary(samples);
}

async function measureFetch(session, url, agent) {
  const standard = createFetch(session);
  const headers = async () => ({ authorization: `Bearer ${await session.accessToken()}` });
  const clients = {
    fetch: async () => JSON.parse((await session.fetch(url)).body.toString()),
    createFetch: async () => (await standard(url)).json(),
    http: async () => send(http.request, url, { agent, headers: await headers() }),
    net: async () => send(netRequest, url, { headers: await headers() }),
  };
  const results = [];
  for (const [concurrent, requests] of REQUESTS) {
    const samples = Object.fromEntries(Object.keys(clients).map((name) => [name, []]));
    for (let turn = 0; turn < FETCH_TURNS; turn++) {
      for (const [name, client] of Object.entries(clients)) {
        const all = await timed(() => inParallel(client, concurrent, requests));
        // The first turn makes connections.
        if (turn > 0) samples[name].push(requests / all);
      }
    }
    const perMillisecond = Object.entries(samples).map(([name, taken]) => [name, summary(taken)]);
    results.push({ concurrent, perMillisecond: Object.fromEntries(perMillisecond) });
  }
  return results;
}

async function inParallel(client, concurrent, requests) {
  let left = requests;
  const one = async () => {
    while (left-- > 0) assert.equal((await client()).id, 1);
  };
  await Promise.all(Array.from({ length: concurrent }, one));
}

function netRequest(url, { headers = {}, method = 'GET' }) {
  const request = net.request({ url, method });
  for (const [name, value] of Object.entries(headers)) request.setHeader(name, value);
  return request;
}

/** Sends a request of either kind, and answers its JSON. */
function send(makeRequest, url, options, body) {
  return new Promise((resolve, reject) => {
    const request = makeRequest(url, options);
    request.on('error', reject);
    request.on('response', (response) => {
      const chunks = [];
      response.on('data', (chunk) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () => resolve(JSON.parse(Buffer.concat(chunks).toString())));
    });
    if (body) request.write(JSON.stringify(body));
    request.end();
  });
}

module.exports = { measureSession };
