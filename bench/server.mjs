// The servers that the session's measurements talk to. In the process of the bench, so that they take no time from Electron's
// main thread.

import http from 'node:http';
import net from 'node:net';

const BODY = JSON.stringify({ id: 1, name: 'Ada Lovelace', roles: ['author', 'reader'] });
const ANSWER = answer('200 OK', BODY);
const REFUSAL = answer('401 Unauthorized', '{}');
const END_OF_REQUEST = '\r\n\r\n';

/** How long the slow route takes to renew: as over the internet. */
export const SLOW_MS = 30;

/** `{ authUrl, slowAuthUrl, apiUrl, close() }`: the first two renew tokens, the third answers requests that carry one. */
export async function startServers() {
  const [auth, api] = [authServer(), apiServer()];
  const [authUrl, apiUrl] = await Promise.all([auth, api].map(listen));
  const close = () => {
    auth.closeAllConnections();
    auth.close();
    api.close();
  };
  return { authUrl, slowAuthUrl: `${authUrl}/slow`, apiUrl, close };
}

async function listen(server) {
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${server.address().port}`;
}

function authServer() {
  let renewals = 0;
  return http.createServer((request, response) => {
    if (request.method === 'GET') return response.end(String(renewals));
    renewals += 1;
    const tokens = {
      accessToken: `access-${renewals}`,
      refreshToken: `refresh-${renewals}`,
      expiresIn: 3600,
    };
    response.setHeader('content-type', 'application/json');
    const answer = () => response.end(JSON.stringify(tokens));
    request.resume().on('end', () => (request.url === '/slow' ? setTimeout(answer, SLOW_MS) : answer()));
  });
}

// As little of HTTP as a GET needs: a real server would be slower than the clients that are measured.
function apiServer() {
  return net.createServer((socket) => {
    let pending = '';
    socket.setNoDelay(true);
    socket.on('error', () => socket.destroy());
    socket.on('data', (chunk) => {
      const requests = (pending + chunk.toString('latin1')).split(END_OF_REQUEST);
      pending = requests.pop();
      for (const request of requests) {
        socket.write(request.includes('Bearer access-') ? ANSWER : REFUSAL);
      }
    });
  });
}

function answer(status, body) {
  return [
    `HTTP/1.1 ${status}`,
    'content-type: application/json',
    `content-length: ${body.length}`,
    '',
    body,
  ].join('\r\n');
}
