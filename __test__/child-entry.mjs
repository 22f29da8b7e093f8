// The other side of child.mjs: takes a function as text, runs it with the addon, and sends what came of it.
import { createRequire } from 'node:module';

// Heard from the first moment on: what arrives while nobody listens is lost.
const heard = [];
const waiting = [];
process.on('message', (message) => {
  if (waiting.length > 0) waiting.shift()(message);
  else heard.push(message);
});
// Only whoever waits for a message keeps the process alive.
process.channel.unref();
const next = async () => {
  if (heard.length > 0) return heard.shift();
  process.channel.ref();
  const message = await new Promise((resolve) => waiting.push(resolve));
  if (waiting.length === 0) process.channel.unref();
  return message;
};

const { source, argument, processType } = await next();
// As Electron says it, and before the addon is loaded.
if (processType !== undefined) process.type = processType;
const addon = createRequire(import.meta.url)('../index.js');
const { default: work } = await import(
  `data:text/javascript,${encodeURIComponent(`export default ${source};`)}`
);

const send = (message) => new Promise((resolve) => process.send(message, resolve));
const say = (value) => send({ kind: 'said', value });
const hear = async () => (await next()).value;

let value;
try {
  value = await work({ addon, say, hear }, argument);
} catch (error) {
  value = {
    error: { isError: error instanceof Error, name: error.name, code: error.code, message: error.message },
  };
}
await send({ kind: 'result', value });
