// How much is measured: enough for medians that mean something, in less than ten minutes; or as little as shows that every
// part runs.

/** Entries in the store, and how many turns the stores take: the pair's writes cost more the more it holds. */
const FULL = {
  use: [
    [10, 200],
    [100, 200],
    [1000, 100],
    [10_000, 30],
  ],
  /** The drop-in beside electron-store: entries, and turns. */
  store: [
    [10, 400],
    [1000, 100],
  ],
  /** Starts of Electron for each kind of first open. */
  firstOpens: 12,
  reopenTurns: 20,
  starts: 15,
  startEntries: 10,
  /** Threads that served one call go away after 10 s. */
  idle: { turns: 3, settleMs: 11_000, windowMs: 8000 },
  session: {
    stormCallers: 1000,
    storms: 20,
    fresh: { reads: 100, readsPerSample: 1000 },
    waveCallers: [1, 10, 100, 1000],
    waves: 10,
    /** How many requests are in flight at once, and how many each sample sends. */
    requests: [
      [1, 200],
      [64, 2000],
    ],
    fetchTurns: 14,
    peerCallers: [10, 100],
    peerWaves: 2,
    peerFresh: { reads: 50, readsPerSample: 50 },
  },
};

const QUICK = {
  use: [[10, 5]],
  store: [[10, 5]],
  firstOpens: 1,
  reopenTurns: 2,
  starts: 2,
  startEntries: 10,
  idle: { turns: 1, settleMs: 200, windowMs: 300 },
  session: {
    stormCallers: 20,
    storms: 2,
    fresh: { reads: 5, readsPerSample: 20 },
    waveCallers: [1, 10],
    waves: 2,
    requests: [
      [1, 10],
      [8, 40],
    ],
    fetchTurns: 2,
    peerCallers: [5],
    peerWaves: 1,
    peerFresh: { reads: 5, readsPerSample: 5 },
  },
};

export function sizesOf({ quick }) {
  return quick ? QUICK : FULL;
}
