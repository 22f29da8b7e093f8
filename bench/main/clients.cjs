// Who keeps a token fresh: a session of Latchkey's, and what one writes by hand. Both ask the same server, which also says
// how often it was asked.

const http = require('node:http');
const path = require('node:path');
const latchkey = require('./latchkey.cjs');

const HOUR_MS = 3_600_000;
/** Of a token this old nothing is left to be served. */
const NO_LIFE_MS = 1;

/** A session with somebody signed in: `{ vault, session, age }`. `age` makes the token at hand too old. */
async function openSession({ home, name, authUrl, apiUrl }) {
  const { AuthSession, Vault } = latchkey.addon();
  const vault = await Vault.open({ id: `latchkey-bench-${name}`, path: path.join(home, name) });
  const session = await AuthSession.open({
    vault,
    provider: { type: 'token-endpoint', refreshUrl: authUrl },
    allowedOrigins: apiUrl ? [apiUrl] : [],
  });
  const enter = (expiresInMs) =>
    session.signIn({
      method: 'tokens',
      accessToken: 'access-0',
      refreshToken: 'refresh-0',
      expiresInMs,
      user: { id: 'bench' },
    });
  await enter(HOUR_MS);
  return { vault, session, age: () => enter(NO_LIFE_MS) };
}

/** The usual way: whoever comes first refreshes, the others wait for the same promise. Nothing is stored. */
function promiseMutex(url, agent) {
  let token = null;
  let refreshToken = 'refresh-0';
  let refreshing = null;
  const refresh = async () => {
    const answer = await send(http.request, url, { method: 'POST', agent }, { refreshToken });
    ({ refreshToken } = answer);
    token = { value: answer.accessToken, expiresAtMs: Date.now() + answer.expiresIn * 1000 };
    return token.value;
  };
  const renewed = () => {
    refreshing ??= refresh().finally(() => {
      refreshing = null;
    });
    return refreshing;
  };
  const accessToken = async () => (token && Date.now() < token.expiresAtMs ? token.value : renewed());
  const age = async () => {
    token = null;
  };
  return { accessToken, renewed, age };
}

/** How many refreshes this server has been asked for. */
async function refreshesOf(authUrl) {
  return send(http.request, authUrl, { method: 'GET' });
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

module.exports = { HOUR_MS, openSession, promiseMutex, refreshesOf, send };
