// The numbers of a run in the documents: docs/bench/results.json, its pictures beside it, and the tables in
// docs/performance.md. `node bench/publish.mjs` makes pictures and tables of the results.json that is there anew.

import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { root } from '../scripts/repo.mjs';
import { pictures } from './pictures.mjs';
import { tables } from './tables.mjs';

export const RESULTS = path.join(root, 'docs', 'bench', 'results.json');
const PAGE = path.join(root, 'docs', 'performance.md');
const [BEGIN, END] = ['<!-- The run: begin. Written by bench/publish.mjs. -->', '<!-- The run: end. -->'];

/** Every file that is made of a run, by its path. */
export async function published(text) {
  const result = JSON.parse(text);
  const page = await readFile(PAGE, 'utf8');
  const [before, after] = [page.indexOf(BEGIN), page.indexOf(END)];
  if (before < 0 || after < before) throw new Error(`there is no place for the tables in ${PAGE}`);
  const drawn = [...pictures(result)];
  const shown = [...drawn.map(([name, picture]) => `![${titleOf(picture)}](bench/${name})`), tables(result)];
  return new Map([
    ...drawn.map(([name, picture]) => [path.join(path.dirname(RESULTS), name), picture]),
    [PAGE, [page.slice(0, before) + BEGIN, ...shown, page.slice(after)].join('\n\n')],
  ]);
}

function titleOf(picture) {
  return /<title[^>]*>(.*?)<\/title>/.exec(picture)[1];
}

export async function publish(text) {
  await mkdir(path.dirname(RESULTS), { recursive: true });
  await writeFile(RESULTS, text);
  for (const [file, content] of await published(text)) await writeFile(file, content);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await publish(await readFile(RESULTS, 'utf8'));
