// docs/api/ is written from the doc comments of the types.
import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { API_FOLDER, apiReference } from '../../scripts/api-reference.mjs';

const { pages, undocumented } = await apiReference();

test('every public item has a doc comment', () => {
  assert.deepEqual(undocumented, []);
});

test('docs/api/ is as `npm run docs:api` writes it', async () => {
  assert.deepEqual((await readdir(API_FOLDER)).sort(), [...pages.keys()].sort());
  for (const [name, text] of pages)
    assert.equal(await readFile(path.join(API_FOLDER, name), 'utf8'), text, `${name}: run npm run docs:api`);
});

test('links inside docs/api/ lead somewhere', () => {
  const broken = [...pages].flatMap(([name, text]) =>
    [...text.matchAll(/\]\(([\w-]+\.md)?#([\w-]+)\)/g)]
      .filter(([, file, anchor]) => !anchorsOf(pages.get(file ?? name) ?? '').has(anchor))
      .map(([link]) => `${name}: ${link}`),
  );
  assert.deepEqual(broken, []);
});

function anchorsOf(text) {
  const headings = [...text.matchAll(/^#+ (.*)$/gm)].map(([, heading]) => heading);
  return new Set(headings.map((heading) => heading.toLowerCase().replaceAll(/[^\w-]/g, '')));
}
