// A reader of vaults written from docs/format.md alone, with nothing of src/: if the page is wrong or leaves something out,
// this does not read what the addon writes. Vaults under a keychain's key; Node has no Argon2id for the others.
import { createDecipheriv, createHash, hkdfSync } from 'node:crypto';

const HEADER = 128;
const MAX_FRAME = 67_108_864;

/**
 * What a vault holds: a `Map` for each space, `{ names, records }`. `item(account)` is the keychain's secret, or `null`. Throws
 * an error whose message is the code.
 */
export function readVault(bytes, { vaultId, item }) {
  const header = readHeader(bytes, vaultId);
  const root = keyOf(header, item);
  const info = Buffer.concat([Buffer.from('latchkey v1 data key'), u32(header.epoch), Buffer.from(vaultId)]);
  const dataKey = Buffer.from(hkdfSync('sha256', root, header.fileId, info, 32));
  const digest = sha256(bytes.subarray(0, HEADER));

  const contents = { names: new Map(), records: new Map() };
  let previous = Buffer.alloc(16);
  let at = HEADER;
  for (let sequence = 0n; at < bytes.length; sequence += 1n) {
    const rest = bytes.subarray(at);
    const opened = openFrame(rest, dataKey, Buffer.concat([digest, u64(sequence), previous]));
    if (opened === null) {
      if (sequence === 0n || !isTorn(rest, at)) throw new Error('ERR_VAULT_TAMPERED');
      return contents;
    }
    apply(opened.payload, contents);
    previous = opened.tag;
    at += opened.length;
  }
  if (at === HEADER) throw new Error('ERR_VAULT_TAMPERED');
  return contents;
}

/** "A reader checks, in this order". */
function readHeader(bytes, vaultId) {
  if (bytes.length < HEADER || bytes.toString('latin1', 0, 8) !== 'LATCHKEY')
    throw new Error('ERR_VAULT_CORRUPT');
  const version = bytes.readUInt16LE(8);
  if (version !== 1) throw new Error(version > 1 ? 'ERR_VAULT_VERSION' : 'ERR_VAULT_CORRUPT');
  const source = bytes[10];
  if (bytes[11] !== 1 || (source !== 1 && source !== 2)) throw new Error('ERR_VAULT_CORRUPT');
  const reserved = [[124, 128], source === 1 ? [64, 92] : [108, 124]];
  if (reserved.some(([from, to]) => !isZero(bytes.subarray(from, to)))) throw new Error('ERR_VAULT_CORRUPT');
  if (!bytes.subarray(32, 48).equals(sha256(Buffer.from(vaultId)).subarray(0, 16)))
    throw new Error('ERR_VAULT_FOREIGN');
  return {
    epoch: bytes.readUInt32LE(12),
    fileId: bytes.subarray(16, 32),
    keyDigest: bytes.subarray(48, 64),
    slot: bytes.toString('hex', 108, 124),
  };
}

/** The key of the keychain item that sealed the file: current or pending. */
function keyOf({ epoch, keyDigest, slot }, item) {
  const secret = item(`latchkey-root-key.${slot}`);
  if (secret === null) throw new Error('ERR_KEY_MISSING');
  const record = Buffer.from(secret, 'base64');
  if (record[0] !== 1 || (record.length !== 45 && record.length !== 81)) throw new Error('ERR_KEY_INVALID');
  const found = [9, 45]
    .filter((at) => at < record.length)
    .map((at) => ({ epoch: record.readUInt32LE(at), key: record.subarray(at + 4, at + 36) }))
    .find((each) => each.epoch === epoch && keyId(each.key).equals(keyDigest));
  if (found === undefined) throw new Error('ERR_KEY_INVALID');
  return found.key;
}

function keyId(key) {
  return Buffer.from(hkdfSync('sha256', key, '', 'latchkey v1 key id', 32)).subarray(0, 16);
}

function openFrame(rest, dataKey, associated) {
  if (rest.length < 4) return null;
  const length = rest.readUInt32LE(0);
  if (!isLength(length) || length > rest.length || rest.readUInt32LE(length - 4) !== length) return null;
  const nonce = rest.subarray(4, 28);
  const ciphertext = rest.subarray(28, length - 20);
  const tag = rest.subarray(length - 20, length - 4);
  const payload = openXChaCha20Poly1305(dataKey, nonce, ciphertext, tag, associated);
  return payload && { payload, tag, length };
}

function isLength(length) {
  return length % 32 === 0 && length >= 48 && length <= MAX_FRAME;
}

/** "The rule for a tail that does not open". */
function isTorn(rest, at) {
  if (rest.length < 48) return true;
  const missing = sectorMissing(rest, at);
  const end = rest.readUInt32LE(rest.length - 4);
  if (isLength(end) && end <= rest.length) {
    if (end === rest.length) return missing;
    if (rest.readUInt32LE(rest.length - end) === end) return false;
  }
  const begin = rest.readUInt32LE(0);
  return missing || (isLength(begin) && begin > rest.length);
}

function sectorMissing(rest, at) {
  for (let from = 0; from < rest.length; ) {
    const to = Math.min(rest.length, from + 512 - ((at + from) % 512));
    if (isZero(rest.subarray(from, to))) return true;
    from = to;
  }
  return false;
}

function apply(payload, contents) {
  let at = 0;
  const take = (count) => {
    if (at + count > payload.length) throw new Error('ERR_VAULT_CORRUPT');
    at += count;
    return payload.subarray(at - count, at);
  };
  const key = () => take(take(4).readUInt32LE()).toString('utf8');
  while (at < payload.length) {
    const [operation] = take(1);
    if (operation === 0) {
      if (!isZero(payload.subarray(at))) throw new Error('ERR_VAULT_CORRUPT');
      return;
    }
    const [space] = take(1);
    const entries = [contents.names, contents.records][space];
    if (entries === undefined) throw new Error('ERR_VAULT_CORRUPT');
    if (operation === 1) {
      const name = key();
      const [kind] = take(1);
      const expiresAtMs = take(8).readBigUInt64LE();
      const value = take(take(4).readUInt32LE());
      const alive = expiresAtMs === 0n || expiresAtMs > BigInt(Date.now());
      entries.delete(name);
      if (alive) entries.set(name, kind === 1 ? value.toString('utf8') : Buffer.from(value));
    } else if (operation === 2) {
      entries.delete(key());
    } else if (operation === 3) {
      entries.clear();
    } else if (operation === 4 && space === 1) {
      take(8);
    } else {
      throw new Error('ERR_VAULT_CORRUPT');
    }
  }
}

/** XChaCha20-Poly1305 (draft-irtf-cfrg-xchacha): HChaCha20 of the first 16 bytes of the nonce, then RFC 8439. */
function openXChaCha20Poly1305(key, nonce, ciphertext, tag, associated) {
  const subkey = hChaCha20(key, nonce.subarray(0, 16));
  const iv = Buffer.concat([Buffer.alloc(4), nonce.subarray(16)]);
  const decipher = createDecipheriv('chacha20-poly1305', subkey, iv, { authTagLength: 16 });
  decipher.setAAD(associated, { plaintextLength: ciphertext.length });
  decipher.setAuthTag(tag);
  try {
    return Buffer.concat([decipher.update(ciphertext), decipher.final()]);
  } catch {
    return null;
  }
}

function hChaCha20(key, nonce) {
  const words = Buffer.concat([Buffer.from('expand 32-byte k'), key, nonce]);
  const x = Uint32Array.from({ length: 16 }, (_none, at) => words.readUInt32LE(at * 4));
  const turn = (a, b, c, d) => {
    const mix = (p, q, r, bits) => {
      x[p] += x[q];
      x[r] ^= x[p];
      x[r] = (x[r] << bits) | (x[r] >>> (32 - bits));
    };
    mix(a, b, d, 16);
    mix(c, d, b, 12);
    mix(a, b, d, 8);
    mix(c, d, b, 7);
  };
  for (let round = 0; round < 10; round += 1) {
    for (const column of [0, 1, 2, 3]) turn(column, column + 4, column + 8, column + 12);
    for (const [a, b, c, d] of [
      [0, 5, 10, 15],
      [1, 6, 11, 12],
      [2, 7, 8, 13],
      [3, 4, 9, 14],
    ])
      turn(a, b, c, d);
  }
  const out = Buffer.alloc(32);
  for (const at of [0, 1, 2, 3]) {
    out.writeUInt32LE(x[at], at * 4);
    out.writeUInt32LE(x[at + 12], 16 + at * 4);
  }
  return out;
}

function sha256(bytes) {
  return createHash('sha256').update(bytes).digest();
}

function isZero(bytes) {
  return bytes.every((byte) => byte === 0);
}

function u32(value) {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

function u64(value) {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(value);
  return bytes;
}
