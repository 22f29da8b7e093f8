// MSAL for Node, with its cache in memory, beside a session of Latchkey's, which is kept on disk. Both renew at one server;
// MSAL's requests reach it through its own seam for a network client, since its authorities must be https.

import http from 'node:http';
import { PublicClientApplication } from '@azure/msal-node';
import { openSession, refreshesOf, send } from '../main/clients.cjs';
import fresh from '../main/fresh.cjs';
import waves from '../main/waves.cjs';

const HOST = 'login.example.com';
const AUTHORITY = `https://${HOST}/tenant`;
const SCOPES = ['api'];
const HOUR_S = 3600;

/** `{ home, slowAuthUrl, sizes }` */
export async function measureMsal({ home, slowAuthUrl, sizes }) {
  const agent = new http.Agent({ keepAlive: true, maxSockets: 64 });
  const refreshes = () => refreshesOf(slowAuthUrl);
  const { vault, session, age } = await openSession({ home, name: 'msal', authUrl: slowAuthUrl });
  const msal = await signInWithMsal(slowAuthUrl, agent);
  const clients = {
    latchkey: { call: () => session.accessToken(), refreshes, age },
    msal: { call: msal.renewed, refreshes, age: async () => {} },
  };
  const results = [];
  for (const callers of sizes.waveCallers) {
    results.push(await waves.measureWaves({ clients, callers, staggered: false, turns: sizes.waves }));
  }
  await session.refresh();
  const calls = { latchkey: () => session.accessToken(), msal: msal.cached };
  const accessToken = await fresh.measureFresh(calls, sizes.peerFresh);
  await session.close();
  await vault.close();
  agent.destroy();
  return { waves: results, accessToken };
}

/** Answers its token from the cache (`cached`), and one that it asks the server for (`renewed`). */
async function signInWithMsal(url, agent) {
  const application = new PublicClientApplication({
    auth: {
      clientId: 'bench',
      authority: AUTHORITY,
      knownAuthorities: [HOST],
      authorityMetadata: JSON.stringify({
        issuer: AUTHORITY,
        authorization_endpoint: `${AUTHORITY}/authorize`,
        token_endpoint: `${AUTHORITY}/token`,
        jwks_uri: `${AUTHORITY}/jwks`,
      }),
      cloudDiscoveryMetadata: JSON.stringify({
        tenant_discovery_endpoint: `${AUTHORITY}/.well-known/openid-configuration`,
        metadata: [{ preferred_network: HOST, preferred_cache: HOST, aliases: [HOST] }],
      }),
    },
    system: { networkClient: networkClient(url, agent) },
  });
  const { account } = await application.acquireTokenByCode({
    code: 'code',
    redirectUri: 'http://localhost',
    scopes: SCOPES,
  });
  const silently = async (options) => {
    const { accessToken } = await application.acquireTokenSilent({ account, scopes: SCOPES, ...options });
    return accessToken;
  };
  return { cached: () => silently(), renewed: () => silently({ forceRefresh: true }) };
}

function networkClient(url, agent) {
  return {
    sendGetRequestAsync: async (asked) => {
      throw new Error(`MSAL asked for ${asked}, which it was given`);
    },
    sendPostRequestAsync: async () => {
      const { accessToken, refreshToken } = await send(http.request, url, { method: 'POST', agent }, {});
      return { status: 200, headers: {}, body: answer(accessToken, refreshToken) };
    },
  };
}

function answer(accessToken, refreshToken) {
  const issuedAt = Math.floor(Date.now() / 1000);
  const claims = { iss: AUTHORITY, aud: 'bench', sub: 'ada', oid: 'ada', tid: 'tenant', iat: issuedAt };
  const encoded = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
  return {
    token_type: 'Bearer',
    scope: `${SCOPES.join(' ')} openid profile offline_access`,
    expires_in: HOUR_S,
    access_token: accessToken,
    refresh_token: refreshToken,
    client_info: encoded({ uid: 'ada', utid: 'tenant' }),
    id_token: `${encoded({ alg: 'none' })}.${encoded({ ...claims, exp: issuedAt + HOUR_S })}.`,
  };
}
