// Runs in each page before the page's own scripts: gives each screen a colour that nothing else has, so that a painted
// frame says which screen is on it.
'use strict';
const { webFrame } = require('electron');

/** As in main.cjs, which a sandboxed preload script cannot load. */
const COLOURS = {
  splash: 'rgb(1, 2, 253)',
  'sign-in-form': 'rgb(253, 2, 1)',
  account: 'rgb(2, 253, 1)',
  locked: 'rgb(253, 1, 253)',
  unavailable: 'rgb(253, 253, 1)',
};

for (const [screen, colour] of Object.entries(COLOURS)) {
  webFrame.insertCSS(`[data-testid="${screen}"]::before {
    content: ""; position: fixed; inset: 0 0 auto; height: 24px; z-index: 9999; background: ${colour};
  }`);
}
