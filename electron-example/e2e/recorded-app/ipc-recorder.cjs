// Writes down every message between the main process and the pages, in both directions, one line of JSON each.
'use strict';
const { app, ipcMain } = require('electron');
const { appendFileSync } = require('node:fs');

exports.recordIpc = function recordIpc(file) {
  const record = (direction, channel, content) => {
    appendFileSync(file, `${JSON.stringify({ direction, channel, content }, readable)}\n`);
  };

  const { handle } = ipcMain;
  ipcMain.handle = function (channel, handler) {
    return handle.call(this, channel, async (event, ...args) => {
      record('to main', channel, args);
      try {
        const answer = await handler(event, ...args);
        record('to page', channel, answer);
        return answer;
      } catch (error) {
        record('to page', channel, { thrown: String(error), stack: error?.stack });
        throw error;
      }
    });
  };

  app.on('web-contents-created', (_event, contents) => {
    for (const name of ['ipc-message', 'ipc-message-sync']) {
      contents.on(name, (_ipcEvent, channel, ...args) => record('to main', channel, args));
    }
    watch(contents, ['send', 'sendToFrame', 'postMessage'], record);
    watch(Object.getPrototypeOf(contents.mainFrame), ['send', 'postMessage'], record);
  });
};

const watched = new WeakSet();

function watch(target, methods, record) {
  if (watched.has(target)) return;
  watched.add(target);
  for (const method of methods) {
    const original = target[method];
    if (typeof original !== 'function') continue;
    target[method] = function (...args) {
      const channel = args.find((each) => typeof each === 'string');
      record('to page', channel, args);
      return original.apply(this, args);
    };
  }
}

// Bytes as the text they hold, so that a search finds it.
function readable(_key, value) {
  if (value?.type === 'Buffer' && Array.isArray(value.data))
    return Buffer.from(value.data).toString('latin1');
  if (value instanceof ArrayBuffer) return Buffer.from(value).toString('latin1');
  if (ArrayBuffer.isView(value)) {
    return Buffer.from(value.buffer).toString('latin1'); // all the memory that crosses, not only the part in view
  }
  return value;
}
