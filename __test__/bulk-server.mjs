// A server for large bodies, in a process of its own, so that its memory is not taken for the client's.
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import http from 'node:http';

const PIECE = Buffer.alloc(64 * 1024, 'latchkey');
const seen = { sent: 0, received: 0, open: 0, authorization: undefined };
/** A request whose body nobody reads, until asked to. */
let deaf;

const server = http.createServer(async (request, response) => {
  const { pathname, searchParams } = new URL(request.url, 'http://localhost');
  if (pathname === '/hear') deaf?.resume();
  if (pathname === '/seen' || pathname === '/hear') return response.end(JSON.stringify(seen));
  Object.assign(seen, { sent: 0, received: 0, authorization: request.headers.authorization });
  seen.open++;
  response.once('close', () => seen.open--);
  if (pathname === '/download') return send(response, Number(searchParams.get('pieces')));
  if (pathname === '/deaf') {
    deaf = request.on('error', () => undefined);
    return;
  }
  await receive(request, response);
});

async function send(response, pieces) {
  for (let piece = 0; piece < pieces && !response.destroyed; piece++) {
    // As Node does it: a piece more when the socket has taken the one before.
    if (!response.write(PIECE)) await Promise.race([once(response, 'drain'), once(response, 'close')]);
    seen.sent += PIECE.length;
  }
  response.end();
}

async function receive(request, response) {
  const hash = createHash('sha256');
  for await (const piece of request) {
    hash.update(piece);
    seen.received += piece.length;
  }
  response.end(hash.digest('hex'));
}

server.listen(0, '127.0.0.1', () => process.send(server.address().port));
process.once('disconnect', () => process.exit());
