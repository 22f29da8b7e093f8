// Small JSON answers with a token: the session's own requests beside the clients that are there without it. In Electron's
// main process and in Node; each has some that the other has not.

const assert = require('node:assert/strict');
const http = require('node:http');
const { send } = require('./clients.cjs');
const latchkey = require('./latchkey.cjs');
const { summary, timed } = require('./samples.cjs');

/** `{ session, url, agent, sizes }`; requests per millisecond, for each number that is in flight at once. */
async function measureFetch({ session, url, agent, sizes }) {
  const clients = clientsFor({ session, url, agent });
  const results = [];
  for (const [concurrent, requests] of sizes.requests) {
    const samples = Object.fromEntries(Object.keys(clients).map((name) => [name, []]));
    // The first turn makes connections.
    for (let turn = 0; turn <= sizes.fetchTurns; turn++) {
      for (const [name, client] of Object.entries(clients)) {
        const all = await timed(() => inParallel(client, concurrent, requests));
        if (turn > 0) samples[name].push(requests / all);
      }
    }
    const perMillisecond = Object.entries(samples).map(([name, taken]) => [name, summary(taken)]);
    results.push({ concurrent, perMillisecond: Object.fromEntries(perMillisecond) });
  }
  return results;
}

function clientsFor({ session, url, agent }) {
  const standard = latchkey.bridge('main').createFetch(session);
  const headers = async () => ({ authorization: `Bearer ${await session.accessToken()}` });
  const clients = {
    'session.fetch': async () => JSON.parse((await session.fetch(url)).body.toString()),
    createFetch: async () => (await standard(url)).json(),
    'node:http': async () => send(http.request, url, { agent, headers: await headers() }),
  };
  // Node 18 and later, and so Electron 28 and later.
  if (typeof globalThis.fetch === 'function') {
    clients["Node's fetch"] = async () => (await globalThis.fetch(url, { headers: await headers() })).json();
  }
  const net = process.versions.electron ? require('electron').net : null;
  // Electron 25 and later; net.request is what it is made of.
  if (net?.fetch) {
    clients['net.fetch'] = async () => (await net.fetch(url, { headers: await headers() })).json();
  } else if (net) {
    clients['net.request'] = async () => send(netRequest(net), url, { headers: await headers() });
  }
  return clients;
}

function netRequest(net) {
  return (url, { headers = {}, method = 'GET' }) => {
    const request = net.request({ url, method });
    for (const [name, value] of Object.entries(headers)) request.setHeader(name, value);
    return request;
  };
}

async function inParallel(client, concurrent, requests) {
  let left = requests;
  const one = async () => {
    while (left-- > 0) assert.equal((await client()).id, 1);
  };
  await Promise.all(Array.from({ length: concurrent }, one));
}

module.exports = { measureFetch };
