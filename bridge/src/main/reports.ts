import type { Lifecycle } from './lifecycle.js';

/** What main sees of pages and the session does not. */
export type Report = 'unknownSender' | 'invalidCall' | 'tooManyCalls';

/** So many reports of one kind are passed on in a minute. The vault's list has one row a minute for a kind in any case. */
const MOST_REPORTS = 60;
const REPORTS_PERIOD_MS = 60_000;
/** A flood that goes on is told again after this time. */
const FLOOD_PERIOD_MS = 60_000;

/** Tells the session of anomalies, and not of each call of a flood: what pages do must not keep main busy. */
export class Reports {
  readonly #periods = new Map<Report, { sinceMs: number; count: number }>();
  readonly #floods = new WeakMap<object, Map<string, number>>();

  /** @param now milliseconds of a clock that never goes back */
  constructor(
    private readonly lifecycle: Pick<Lifecycle, 'opened'>,
    private readonly now: () => number = () => performance.now(),
  ) {}

  report(kind: Report): void {
    const nowMs = this.now();
    const period = this.#periods.get(kind);
    if (period === undefined || nowMs - period.sinceMs >= REPORTS_PERIOD_MS) {
      this.#periods.set(kind, { sinceMs: nowMs, count: 1 });
    } else {
      period.count += 1;
      if (period.count > MOST_REPORTS) return;
    }
    // While the vault cannot be opened there is nowhere to keep it.
    this.lifecycle
      .opened()
      .then(({ session }) => session.reportAnomaly(kind))
      .catch(() => undefined);
  }

  /** A window has made one call too many of a kind: told once, and once more while it goes on. */
  reportFlood(sender: object, of: string): void {
    const nowMs = this.now();
    const told = this.#floods.get(sender) ?? new Map<string, number>();
    this.#floods.set(sender, told);
    const toldAtMs = told.get(of);
    if (toldAtMs !== undefined && nowMs - toldAtMs < FLOOD_PERIOD_MS) return;
    told.set(of, nowMs);
    this.report('tooManyCalls');
  }
}
