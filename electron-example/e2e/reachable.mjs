// Everything that scripts of the page can reach: its heap, its document, its storage, and what the broker answers.

/** As one text to search in. */
export async function reachableFrom(app, apiUrl, routes) {
  const { page } = app;
  const answers = await page.evaluate(brokerAnswers, [apiUrl, routes]);
  const documentAndStorage = await page.evaluate(storedValues);
  return [answers, documentAndStorage, await heapStrings(page)].join('\n');
}

/** The answers to every call that changes nothing, bodies as text. */
async function brokerAnswers([apiUrl, routes]) {
  const text = (_key, value) =>
    ArrayBuffer.isView(value) ? new TextDecoder('latin1').decode(value.buffer) : value;
  const answers = [await window.auth.snapshot()];
  for (const route of routes) answers.push(await window.auth.fetch(apiUrl + route));
  window.answers = answers; // so that the heap snapshot has them too
  return JSON.stringify(answers, text);
}

async function storedValues() {
  const inputs = [...document.querySelectorAll('input, textarea')].map(({ value }) => value);
  const databases = (await indexedDB.databases?.()) ?? [];
  const cacheNames = await caches.keys().catch(() => []); // refused on this scheme, which is as good
  return JSON.stringify([
    document.documentElement.outerHTML,
    document.cookie,
    inputs,
    { ...localStorage },
    { ...sessionStorage },
    history.state,
    location.href,
    performance.getEntries().map(({ name }) => name),
    databases,
    cacheNames,
  ]);
}

/** Every string in the page's heap, its preload script's included. */
async function heapStrings(page) {
  const session = await page.context().newCDPSession(page);
  const chunks = [];
  session.on('HeapProfiler.addHeapSnapshotChunk', ({ chunk }) => chunks.push(chunk));
  await session.send('HeapProfiler.takeHeapSnapshot', { reportProgress: false });
  await session.detach();
  return JSON.parse(chunks.join('')).strings.join('\n');
}
