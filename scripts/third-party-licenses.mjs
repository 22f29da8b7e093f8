// The licences of the crates inside an addon, as their authors ask for: each text once, under the crates that it covers.

import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { cratesIn } from './crates.mjs';
import { root } from './repo.mjs';

const LICENSE_FILE = /^(licen[cs]e|copying|notice|unlicense)/i;

/** The list for the addon of a platform in npm/. */
export async function thirdPartyLicenses(platform) {
  const [own, ...crates] = await cratesIn(platform);
  const texts = new Map();
  for (const crate of crates) {
    for (const text of await licenseTexts(crate)) {
      texts.set(text, [...(texts.get(text) ?? []), `${crate.name} ${crate.version}`]);
    }
  }
  const list = crates.map(({ name, version, license }) => `${name} ${version}: ${license}`);
  const chapters = [...texts].map(([text, names]) => `${'='.repeat(80)}\n${names.join(', ')}\n\n${text}`);
  return [
    `The native part of ${own.name} ${own.version} for ${platform} contains ${crates.length} crates of others. Each is used under
the terms it names here; the texts follow.`,
    list.join('\n'),
    ...chapters,
    '',
  ].join('\n\n');
}

async function licenseTexts({ name, manifest_path: manifest, license, license_file: named, authors }) {
  const folder = path.dirname(manifest);
  const files = (await readdir(folder)).filter((file) => LICENSE_FILE.test(file) || file === named).sort();
  const entries = await Promise.all(files.map((file) => readFile(path.join(folder, file), 'utf8')));
  if (entries.length > 0) return [...new Set(entries.map(normalized))];
  // Some crates name their licence and leave the text out of what they publish.
  if (!/\bMIT\b/.test(license))
    throw new Error(`${name} has no licence text, and ${license} is not one we have`);
  const mit = normalized(await readFile(path.join(root, 'LICENSE-MIT'), 'utf8'));
  const holders = authors.length > 0 ? authors.join(', ') : `the authors of ${name}`;
  return [mit.replace('The Latchkey authors', holders)];
}

// Line ends, indents and widths differ between copies of one text.
function normalized(text) {
  return text
    .replaceAll('\r\n', '\n')
    .split(/\n{2,}/)
    .map((paragraph) => paragraph.replaceAll(/\s+/g, ' ').trim())
    .filter((paragraph) => paragraph !== '')
    .join('\n\n');
}
