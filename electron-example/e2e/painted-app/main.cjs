// Starts the built example unchanged and looks at every frame that its window paints. When a screen has stood for a while it
// prints what was painted and when, and quits.
'use strict';
const path = require('node:path');
const { app, session } = require('electron');

/** The screens, each with its colour: see markers.cjs. */
const COLOURS = {
  splash: [1, 2, 253],
  'sign-in-form': [253, 2, 1],
  account: [2, 253, 1],
  locked: [253, 1, 253],
  unavailable: [253, 253, 1],
};
/** How long the last screen must have stood. */
const SETTLED_MS = 700;
/** The marker is 24 px high, across the window; a display may have any number of pixels per px. */
const MARKED_ROW = 12;

const frames = [];
let shownAtMs = null;
let end = null;

app.on('browser-window-created', (_event, window) => {
  const { webContents } = window;
  window.once('show', () => {
    shownAtMs = performance.now();
  });
  webContents.beginFrameSubscription(false, (image) => {
    const atMs = performance.now();
    const screen = screenOn(image);
    const isNew = screen !== frames.at(-1)?.screen;
    frames.push({ screen, atMs });
    if (!isNew || screen === null || screen === 'splash') return;
    clearTimeout(end);
    end = setTimeout(finish, SETTLED_MS);
  });
});

app.whenReady().then(() => {
  const filePath = path.join(__dirname, 'markers.cjs');
  const { defaultSession } = session;
  if (typeof defaultSession.registerPreloadScript === 'function') {
    defaultSession.registerPreloadScript({ type: 'frame', filePath });
  } else {
    defaultSession.setPreloads([filePath]); // Electron before 35
  }
});

require('../../dist/main/index.cjs');

function screenOn(image) {
  const { width, height } = image.getSize();
  if (width === 0 || height === 0) return null;
  const marked = image.crop({ x: Math.floor(width / 2), y: MARKED_ROW, width: 1, height: 1 });
  const [blue, green, red] = marked.toBitmap();
  const near = (one, other) => Math.abs(one - other) < 3;
  const found = Object.entries(COLOURS).find(
    ([, colour]) => near(colour[0], red) && near(colour[1], green) && near(colour[2], blue),
  );
  return found ? found[0] : null;
}

function finish() {
  const sinceShown = frames.map(({ screen, atMs }) => ({ screen, afterMs: atMs - shownAtMs }));
  process.stdout.write(`${JSON.stringify({ frames: sinceShown, shownAfterMs: shownAtMs })}\n`, () =>
    app.exit(),
  );
}
