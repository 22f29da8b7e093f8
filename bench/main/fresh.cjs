// A token that is fresh, asked for again and again: what each request of an application pays.

const { summary, timed } = require('./samples.cjs');

/** Milliseconds of one call. `calls`: who is asked, by name; they take turns. One call is too short for a clock. */
async function measureFresh(calls, { reads, readsPerSample }) {
  const samples = Object.fromEntries(Object.keys(calls).map((name) => [name, []]));
  for (let sample = 0; sample < reads; sample++) {
    for (const [name, call] of Object.entries(calls)) {
      const all = await timed(async () => {
        for (let read = 0; read < readsPerSample; read++) await call();
      });
      samples[name].push(all / readsPerSample);
    }
  }
  const summaries = Object.entries(samples).map(([name, taken]) => [name, summary(taken)]);
  return Object.fromEntries(summaries);
}

module.exports = { measureFresh };
