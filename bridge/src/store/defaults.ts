import type { Draft } from './contents.js';
import { isBlocked, type Path, valueAt, withValueAt } from './path.js';
import type { Schema } from './schema.js';
import { frozen } from './values.js';

/** The option `defaults`, and what `reset()` goes back to. */
export class Defaults {
  readonly #entries: readonly (readonly [key: string, path: Path, value: unknown])[];
  readonly #schema: Schema | null;
  /** Those of the schema below those of the option, as one store. */
  readonly #all: unknown;

  constructor(entries: [string, unknown][], pathOf: (key: string) => Path | null, schema: Schema | null) {
    this.#schema = schema;
    this.#entries = entries.flatMap(([key, value]) => {
      const path = pathOf(key);
      return path === null ? [] : [[key, path, frozen(value)] as const];
    });
    this.#all = this.#entries.reduce<unknown>(
      (all, [key, path, value]) => (isBlocked(all, path) ? all : withValueAt(all, path, value, key)),
      frozen(schema?.defaults() ?? {}),
    );
  }

  /** The default at a path; undefined when it has none. */
  at(path: Path): unknown {
    return valueAt(this.#all, path);
  }

  /** Fills in what `draft` does not hold. While a migration runs, the schema has no say. */
  fill(draft: Draft, isMigrating: boolean): void {
    for (const [key, [top, ...rest], value] of this.#entries) {
      const name = String(top);
      const held = draft.get(name);
      if (rest.length === 0) {
        if (held === undefined) draft.set(name, value);
        continue;
      }
      if (valueAt(held, rest) !== undefined) continue;
      // What the schema would fill in above must not be kept out by what lies below it.
      const above = held ?? (isMigrating ? undefined : this.#schema?.defaultOf(name));
      if (above !== undefined && isBlocked({ [name]: above }, [name, ...rest])) continue;
      draft.set(name, withValueAt(above, rest, value, key));
    }
  }
}
