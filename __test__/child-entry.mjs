// The other side of child.mjs: takes a function as text, runs it with the addon, and sends what came of it.
import { once } from 'node:events';
import { createRequire } from 'node:module';

const [{ source, argument, processType }] = await once(process, 'message');
// As Electron says it, and before the addon is loaded.
if (processType !== undefined) process.type = processType;
const addon = createRequire(import.meta.url)('../index.js');
const { default: work } = await import(
  `data:text/javascript,${encodeURIComponent(`export default ${source};`)}`
);

const send = (message) => new Promise((resolve) => process.send(message, resolve));
const say = (value) => send({ kind: 'said', value });
const hear = async () => (await once(process, 'message'))[0].value;

let value;
try {
  value = await work({ addon, say, hear }, argument);
} catch (error) {
  value = {
    error: { isError: error instanceof Error, name: error.name, code: error.code, message: error.message },
  };
}
await send({ kind: 'result', value });
