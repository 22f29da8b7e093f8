// Runs in each page before the page's own scripts, and notes every element with a test id that is ever put into
// the document, even one that is taken out again before the next frame.
'use strict';
const { contextBridge } = require('electron');

const insertions = {};

function note(node) {
  if (node.nodeType !== Node.ELEMENT_NODE) return;
  for (const element of [node, ...node.querySelectorAll('[data-testid]')]) {
    const id = element.getAttribute('data-testid');
    if (id !== null) insertions[id] = (insertions[id] ?? 0) + 1;
  }
}

new MutationObserver((records) => {
  for (const { addedNodes } of records) addedNodes.forEach(note);
}).observe(document, { childList: true, subtree: true });

contextBridge.exposeInMainWorld('e2e', { insertions: () => insertions });
