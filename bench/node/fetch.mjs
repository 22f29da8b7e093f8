// The requests of a session beside Node's own fetch, which Electron 22 does not have.

import http from 'node:http';
import { openSession } from '../main/clients.cjs';
import { measureFetch } from '../main/fetch.cjs';

/** `{ home, authUrl, apiUrl, sizes }` */
export async function measureFetchInNode({ home, authUrl, apiUrl, sizes }) {
  const { vault, session } = await openSession({ home, name: 'node-fetch', authUrl, apiUrl });
  const agent = new http.Agent({ keepAlive: true, maxSockets: 64 });
  const result = await measureFetch({ session, url: apiUrl, agent, sizes });
  agent.destroy();
  await session.close();
  await vault.close();
  return result;
}
