// The Electron app that measures. No window: it runs the one measurement it is told, in the main process, where an
// application would open its vault, and writes what it measured to a file.

const { writeFileSync } = require('node:fs');
const { app } = require('electron');

const { measurement, options, resultFile } = JSON.parse(process.env.LATCHKEY_BENCH);
const measure = {
  idle: () => require('./idle.cjs').measureIdle(options),
  open: () => require('./open.cjs').measureOpen(options),
  reopen: () => require('./open.cjs').measureReopen(options),
  session: () => require('./session.cjs').measureSession(options),
  prepareStart: () => require('./start.cjs').prepareStart(options),
  start: () => require('./start.cjs').measureStart(options),
  store: () => require('./store.cjs').measureStore(options),
  use: () => require('./use.cjs').measureUse(options),
  versions: () => ({ ...process.versions }),
}[measurement];

app
  .whenReady()
  .then(measure)
  .then((result) => {
    writeFileSync(resultFile, JSON.stringify(result));
    app.exit(0);
  })
  .catch((error) => {
    console.error(error);
    app.exit(1);
  });
