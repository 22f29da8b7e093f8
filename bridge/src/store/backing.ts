import type { StoreChange, StoreRecords, StoreUpdate } from 'electron-latchkey';
import { type Bookkeeping, Contents, Draft, type Item } from './contents.js';
import { refused } from './refused.js';
import { frozen } from './values.js';

/** A format of the app's own for the whole store. */
export interface Codec {
  serialize(store: Record<string, unknown>): string;
  deserialize(text: string): Record<string, unknown>;
}

/** The record of the bookkeeping. Its being there says that the store was written before. */
const BOOKKEEPING = 'm';
/** The one record of a store with a format of the app's own. */
const WHOLE = 'w';
/** Before a key: the record of one value, its order, a space, and JSON. */
const VALUE = 'v\0';

/**
 * A store's contents and their records in the vault. One record for each key: a change costs what its keys cost, in one
 * frame. With a codec one record for the whole store, as its `serialize` wants it.
 */
export class Backing {
  readonly #records: StoreRecords;
  readonly #codec: Codec | null;
  #contents = new Contents();
  /** The text of the whole store, where it is kept so; undecoded until somebody reads it. */
  #whole: string | null = null;
  #isDecoded = true;
  #version: number | undefined;
  /** Counts what others wrote, as far as this has read. */
  revision = 0;

  constructor(records: StoreRecords, codec: Codec | null) {
    this.#records = records;
    this.#codec = codec;
  }

  /** What the store holds. Call `sync()` first. */
  get contents(): Contents {
    if (!this.#isDecoded) this.#decode();
    return this.#contents;
  }

  /** Takes over what other processes, and other instances, have written. */
  sync(): void {
    const update = this.#records.since(this.#version);
    if (update !== null) this.#apply(update);
  }

  /** Makes a change of what any process has written so far: durably, in one frame, or not at all. */
  edit(change: (draft: Draft) => void): void {
    if (this.#codec !== null) this.#editWhole(change, this.#codec);
    else this.#editByKey(change);
  }

  /** Commits a draft of these contents unless anybody has written since; says whether it did. */
  commit(draft: Draft): boolean {
    if (draft.isEmpty) return true;
    const changes = this.#codec === null ? this.#encode(draft) : this.#encodeWhole(draft, this.#codec);
    const isWritten = this.#write((update) =>
      update.isWhole || update.records.length > 0 ? null : changes.records,
    );
    if (isWritten) this.#adopt(draft, changes.whole);
    return isWritten;
  }

  /** Calls `listener` when something may have been written. Returns what stops it. */
  onChange(listener: () => void): () => void {
    return this.#records.onChange(listener);
  }

  #editByKey(change: (draft: Draft) => void): void {
    let draft: Draft | undefined;
    // Nothing in here runs code of the app: the vault is locked.
    this.#write((update) => {
      this.#apply(update);
      draft = new Draft(this.contents);
      change(draft);
      return draft.isEmpty ? [] : this.#encode(draft).records;
    });
    if (draft !== undefined && !draft.isEmpty) this.#adopt(draft, null);
  }

  /** The app's `serialize` must not run while the vault is locked, for it may use the vault. */
  #editWhole(change: (draft: Draft) => void, codec: Codec): void {
    for (;;) {
      this.sync();
      const draft = new Draft(this.contents);
      change(draft);
      draft.bookkeeping ??= {};
      const changes = this.#encodeWhole(draft, codec);
      const isWritten = this.#write((update) =>
        update.isWhole || update.records.length > 0 ? null : changes.records,
      );
      if (!isWritten) continue;
      this.#adopt(draft, changes.whole);
      return;
    }
  }

  #write(decide: (update: StoreUpdate) => StoreChange[] | null): boolean {
    const version = this.#records.edit(this.#version, decide);
    if (version === null) return false;
    this.#version = version;
    return true;
  }

  #adopt(draft: Draft, whole: string | null): void {
    this.#contents.commit(draft);
    this.#whole = whole;
    this.#isDecoded = whole === null;
  }

  #encode(draft: Draft): { records: StoreChange[]; whole: null } {
    const records: StoreChange[] = [];
    draft.bookkeeping ??= {};
    if (draft.bookkeeping !== this.#contents.bookkeeping) records.push(bookkeepingRecord(draft.bookkeeping));
    // What a codec kept in one record goes into one for each key.
    const items: Iterable<[string, Item | null]> =
      this.#whole === null ? draft.changed : draft.keys().map((key) => [key, draft.item(key) ?? null]);
    if (this.#whole !== null) records.push({ name: WHOLE, text: null });
    for (const [key, item] of items) {
      records.push({
        name: VALUE + key,
        text: item === null ? null : `${item.order} ${JSON.stringify(item.value)}`,
      });
    }
    return { records, whole: null };
  }

  #encodeWhole(draft: Draft, codec: Codec): { records: StoreChange[]; whole: string } {
    const whole = codec.serialize(draft.toObject());
    const bookkeeping = draft.bookkeeping ?? {};
    draft.bookkeeping = bookkeeping;
    const records: StoreChange[] = [{ name: WHOLE, text: whole }];
    if (bookkeeping !== this.#contents.bookkeeping) records.push(bookkeepingRecord(bookkeeping));
    if (this.#whole === null) {
      for (const key of this.#contents.items().keys()) records.push({ name: VALUE + key, text: null });
    }
    return { records, whole };
  }

  #apply(update: StoreUpdate): void {
    this.#version = update.version;
    if (!update.isWhole && update.records.length === 0) return;
    this.revision += 1;
    if (update.isWhole) {
      this.#contents = new Contents();
      this.#whole = null;
      this.#isDecoded = true;
    }
    for (const { name, text } of update.records) {
      if (name === BOOKKEEPING) this.#contents.bookkeeping = text === null ? null : parseBookkeeping(text);
      else if (name === WHOLE) this.#takeWhole(text);
      else if (name.startsWith(VALUE)) this.#takeValue(name.slice(VALUE.length), text);
    }
  }

  #takeWhole(text: string | null): void {
    this.#whole = text;
    this.#isDecoded = text === null;
  }

  #takeValue(key: string, text: string | null): void {
    // Beside the whole store's record these are being removed.
    if (text === null) this.#contents.remove(key);
    else this.#contents.put(key, parseItem(text));
  }

  #decode(): void {
    const decoded = new Contents();
    decoded.bookkeeping = this.#contents.bookkeeping;
    const store = this.#codec?.deserialize(this.#whole ?? '') ?? parseForeignWhole(this.#whole ?? '');
    for (const [key, value] of Object.entries(asStore(store))) {
      if (value !== undefined) decoded.put(key, { order: decoded.nextOrder, value: frozen(value) });
    }
    this.#contents = decoded;
    this.#isDecoded = true;
  }
}

/** What is no object holds no items. */
export function asStore(value: unknown): Record<string, unknown> {
  const isStore = typeof value === 'object' && value !== null && !Array.isArray(value);
  return isStore ? (value as Record<string, unknown>) : {};
}

function bookkeepingRecord(bookkeeping: Bookkeeping): StoreChange {
  return { name: BOOKKEEPING, text: JSON.stringify(bookkeeping) };
}

function parseBookkeeping(text: string): Bookkeeping {
  const { version, completedRanges } = JSON.parse(text);
  return {
    ...(typeof version === 'string' ? { version } : {}),
    ...(Array.isArray(completedRanges) ? { completedRanges } : {}),
  };
}

function parseItem(text: string): Item {
  const space = text.indexOf(' ');
  return { order: Number(text.slice(0, space)), value: frozen(JSON.parse(text.slice(space + 1))) };
}

function parseForeignWhole(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw refused(
      'This store was written with the option `serialize`, and not as JSON. Give the `deserialize` that reads it.',
    );
  }
}
