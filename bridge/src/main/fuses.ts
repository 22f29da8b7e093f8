import { open } from 'node:fs/promises';

/** Marks the fuses in Electron's executable: version, count, and one character for each (`@electron/fuses` writes it). */
const SENTINEL = Buffer.from('dL7pKGdnNz796PbbjQWNKmHXBZaB9tsX');
const WIRE_VERSION = 1;
/** As long as a wire can be: its count is one byte. */
const LONGEST_WIRE = SENTINEL.length + 2 + 0xff;
const CHUNK_BYTES = 1024 * 1024;

/** In the order of the wire, version 1. */
const FUSES = [
  'runAsNode',
  'cookieEncryption',
  'nodeOptions',
  'nodeCliInspect',
  'asarIntegrity',
  'onlyLoadAppFromAsar',
] as const;

export type Fuse = (typeof FUSES)[number];

/** Whether each is on. What this Electron does not have is left out. */
export type FuseStates = Partial<Record<Fuse, boolean>>;

/**
 * The fuses of an executable; of a universal one, of each half. Empty when it has none that can be read: it is none of
 * Electron's, or of a version that came after this was written.
 *
 * Rejects with the file system's errors.
 */
export async function readFuses(executable: string): Promise<FuseStates[]> {
  const found: FuseStates[] = [];
  const file = await open(executable, 'r');
  try {
    const buffer = Buffer.alloc(CHUNK_BYTES + LONGEST_WIRE);
    // Chunks overlap by a whole wire, and only what begins in a chunk's own part counts: once, and never cut off.
    for (let at = 0; ; at += CHUNK_BYTES) {
      const { bytesRead } = await file.read(buffer, 0, buffer.length, at);
      const chunk = buffer.subarray(0, bytesRead);
      for (let wire = chunk.indexOf(SENTINEL); wire !== -1; wire = chunk.indexOf(SENTINEL, wire + 1)) {
        const states = wire < CHUNK_BYTES ? parseWire(chunk.subarray(wire + SENTINEL.length)) : null;
        if (states !== null) found.push(states);
      }
      if (bytesRead <= CHUNK_BYTES) return found;
    }
  } finally {
    await file.close();
  }
}

function parseWire(wire: Buffer): FuseStates | null {
  const [version, count = 0] = wire;
  if (version !== WIRE_VERSION || wire.length < 2 + count) return null;
  const states: FuseStates = {};
  for (const [index, fuse] of FUSES.entries()) {
    const state = index < count ? String.fromCharCode(wire[2 + index] as number) : '';
    // Anything else is a fuse that this Electron has removed.
    if (state === '0' || state === '1') states[fuse] = state === '1';
  }
  return states;
}
