// Taking times, and saying what they come to.

/** Milliseconds that `work` takes, to the end of its promise if it answers one. */
async function timed(work) {
  const started = process.hrtime.bigint();
  const pending = work();
  // Awaiting what is not a promise would charge it a turn of the loop.
  if (pending instanceof Promise) await pending;
  return Number(process.hrtime.bigint() - started) / 1e6;
}

/** The median and its neighbours, in milliseconds. */
function summary(samples) {
  const sorted = [...samples].sort((a, b) => a - b);
  const at = (share) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))];
  return {
    samples: sorted.length,
    min: sorted[0],
    p25: at(0.25),
    median: at(0.5),
    p75: at(0.75),
    p95: at(0.95),
    max: sorted.at(-1),
    mean: sorted.reduce((sum, sample) => sum + sample, 0) / sorted.length,
  };
}

module.exports = { summary, timed };
