// What the person's authenticator app shows.
import { createHmac } from 'node:crypto';

/** What an authenticator shows now (RFC 6238). */
export function totp(secret, atMs = Date.now()) {
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(Math.floor(atMs / 30_000)));
  const digest = createHmac('sha1', base32(secret)).update(counter).digest();
  const offset = digest[19] & 15;
  const number = (digest.readUInt32BE(offset) & 0x7fffffff) % 1_000_000;
  return String(number).padStart(6, '0');
}

/** A code that no authenticator with this secret shows about now. */
export function wrongTotp(secret) {
  const near = [-60_000, -30_000, 0, 30_000, 60_000].map((shift) => totp(secret, Date.now() + shift));
  for (let number = 0; ; number++) {
    const code = String(number).padStart(6, '0');
    if (!near.includes(code)) return code;
  }
}

function base32(text) {
  const bits = [...text.replace(/=+$/, '')]
    .map((letter) => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(letter).toString(2).padStart(5, '0'))
    .join('');
  return Buffer.from(bits.match(/.{8}/g).map((byte) => Number.parseInt(byte, 2)));
}
