import { isDeepStrictEqual } from 'node:util';
import { frozen } from './values.js';

/** A value, and where it stands among the others. */
export interface Item {
  /** Grows from item to item in the order in which they were first set. */
  readonly order: number;
  /** Frozen all the way down, where it is plain data. */
  readonly value: unknown;
}

/** What the store remembers about its migrations. */
export interface Bookkeeping {
  /** The last version that the store was migrated to. */
  version?: string;
  /** The ranges whose steps have run. */
  completedRanges?: string[];
}

/** What a store holds, in memory. */
export class Contents {
  #items = new Map<string, Item>();
  #isSorted = true;
  /** Null until anything was ever written to the store. */
  bookkeeping: Bookkeeping | null = null;
  nextOrder = 0;

  get size(): number {
    return this.#items.size;
  }

  item(key: string): Item | undefined {
    return this.#items.get(key);
  }

  /** In the order in which they were first set. */
  items(): ReadonlyMap<string, Item> {
    if (!this.#isSorted) {
      this.#items = new Map([...this.#items].sort(([, first], [, second]) => first.order - second.order));
      this.#isSorted = true;
    }
    return this.#items;
  }

  put(key: string, item: Item): void {
    const before = this.#items.get(key);
    // One that keeps its place, and one that comes last, are where they belong.
    if (before === undefined ? item.order < this.nextOrder : item.order !== before.order)
      this.#isSorted = false;
    this.#items.set(key, item);
    this.nextOrder = Math.max(this.nextOrder, item.order + 1);
  }

  remove(key: string): void {
    this.#items.delete(key);
  }

  /** Becomes what `draft` made of it. */
  commit(draft: Draft): void {
    for (const [key, item] of draft.changed) {
      if (item === null) this.remove(key);
      else this.put(key, item);
    }
    this.bookkeeping = draft.bookkeeping;
  }
}

/** Changes that are made to a store all at once, or not. */
export class Draft {
  /** What was put (an item) and what was removed (null), beside what the store holds. */
  readonly changed = new Map<string, Item | null>();
  bookkeeping: Bookkeeping | null;
  readonly #base: Contents;
  #nextOrder: number;

  constructor(base: Contents) {
    this.#base = base;
    this.bookkeeping = base.bookkeeping;
    this.#nextOrder = base.nextOrder;
  }

  get(key: string): unknown {
    return this.item(key)?.value;
  }

  set(key: string, value: unknown): void {
    const order = this.item(key)?.order ?? this.#nextOrder;
    this.#nextOrder = Math.max(this.#nextOrder, order + 1);
    this.#change(key, { order, value: frozen(value) });
  }

  delete(key: string): void {
    if (this.item(key) !== undefined) this.#change(key, null);
  }

  keys(): string[] {
    return [...this.#items().keys()];
  }

  toObject(): Record<string, unknown> {
    return toObject(this.#items());
  }

  /** Puts exactly `values`, in their order, in the place of everything. */
  replace(values: ReadonlyMap<string, unknown>): void {
    const before = this.#items();
    for (const key of before.keys()) if (!values.has(key)) this.delete(key);
    let last = -1;
    for (const [key, value] of values) {
      const order = before.get(key)?.order;
      // Once one has moved to the end, all after it do.
      const isInPlace = order !== undefined && order > last && last < this.#base.nextOrder;
      last = isInPlace ? order : this.#nextOrder++;
      this.#change(key, { order: last, value: frozen(value) });
    }
  }

  /** Remembers how the draft is now; the answer makes it so again. */
  checkpoint(): () => void {
    const changed = new Map(this.changed);
    const { bookkeeping } = this;
    return () => {
      this.changed.clear();
      for (const [key, item] of changed) this.changed.set(key, item);
      this.bookkeeping = bookkeeping;
    };
  }

  /** Whether it would change anything. */
  get isEmpty(): boolean {
    return this.changed.size === 0 && this.bookkeeping === this.#base.bookkeeping;
  }

  item(key: string): Item | undefined {
    const changed = this.changed.get(key);
    if (changed !== undefined) return changed ?? undefined;
    return this.#base.item(key);
  }

  #change(key: string, item: Item | null): void {
    const before = this.#base.item(key);
    const isSame =
      item === null
        ? before === undefined
        : before?.order === item.order && isDeepStrictEqual(before.value, item.value);
    if (isSame) this.changed.delete(key);
    else this.changed.set(key, item);
  }

  #items(): ReadonlyMap<string, Item> {
    if (this.changed.size === 0) return this.#base.items();
    const items = new Contents();
    for (const [key, item] of this.#base.items()) if (!this.changed.has(key)) items.put(key, item);
    for (const [key, item] of this.changed) if (item !== null) items.put(key, item);
    return items.items();
  }
}

/** The values by their keys, without a prototype: a key may be called anything. */
export function toObject(items: ReadonlyMap<string, Item>): Record<string, unknown> {
  const object: Record<string, unknown> = Object.create(null);
  for (const [key, { value }] of items) object[key] = value;
  return object;
}
