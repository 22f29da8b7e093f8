// The numbers in the documents are those of one run: its tables and pictures are what its file makes.
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { bars } from '../bench/bars.mjs';
import { published, RESULTS } from '../bench/publish.mjs';
import { relative } from './repo.mjs';

if (existsSync(RESULTS)) {
  test('docs/performance.md and its pictures are made of docs/bench/results.json', async () => {
    for (const [file, content] of await published(await readFile(RESULTS, 'utf8'))) {
      const message = `${relative(file)} is another: node bench/publish.mjs`;
      assert.equal(await readFile(file, 'utf8'), content, message);
    }
  });
}

test('a picture is read aloud, and whatever a name holds is text in it', () => {
  const picture = bars({
    title: 'a < b',
    scale: 'log',
    groups: [{ name: '<script>', bars: [{ series: 'one & all', value: 1, text: '1 ms' }] }],
  });
  assert.match(picture, /<title id="title">a &lt; b<\/title>/);
  assert.match(picture, /<desc id="desc">&lt;script&gt;: one &amp; all 1 ms\.<\/desc>/);
  assert.doesNotMatch(picture, /<script>|NaN|Infinity/);
});
