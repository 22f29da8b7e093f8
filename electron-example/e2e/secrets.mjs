// Looks for known tokens, and for parts of them, wherever they must not be.
import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Shorter parts could occur by chance; one of this length has 2^70 possibilities. */
const PART_LENGTH = 12;

/** Every way in which a part of the token could lie in memory or on disk. */
export function needles(tokens) {
  const found = new Set();
  for (const token of tokens) {
    assert.ok(token.length >= 3 * PART_LENGTH, 'the test must know whole tokens');
    for (let start = 0; start + PART_LENGTH <= token.length; start += 1) {
      const part = Buffer.from(token.slice(start, start + PART_LENGTH));
      found.add(part.toString('latin1'));
      found.add(part.toString('hex'));
      found.add(part.toString('base64')); // whole groups of three bytes: one of the parts lies on a boundary
      found.add(Buffer.from(part.toString('latin1'), 'utf16le').toString('latin1'));
    }
  }
  assert.ok(found.size > 0, 'there is nothing to look for');
  return [...found];
}

/** The first part of a token that occurs in a text or in bytes, or null. */
export function findToken(tokens, content) {
  const bytes = Buffer.isBuffer(content) ? content : Buffer.from(content, 'latin1');
  return needles(tokens).find((needle) => bytes.includes(needle, 0, 'latin1')) ?? null;
}

export function assertNoToken(tokens, content, where) {
  // The message must not print the token either: its place is what helps.
  assert.equal(findToken(tokens, content) === null, true, `part of a token in ${where}`);
}

/** Searches the names and contents of all files under a folder; answers how many there were. */
export async function assertNoTokenUnder(tokens, folder) {
  let files = 0;
  for (const entry of await readdir(folder, { withFileTypes: true, recursive: true })) {
    const path = join(entry.path, entry.name);
    assertNoToken(tokens, path, `the name of ${path}`);
    if (!entry.isFile()) continue;
    files += 1;
    assertNoToken(tokens, await readFile(path), path);
  }
  return files;
}
