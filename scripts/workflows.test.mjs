// The workflows are YAML that nothing here runs; what can be known of them without running them is.
import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { parse } from 'yaml';
import { root } from './repo.mjs';

const folder = path.join(root, '.github', 'workflows');
const texts = new Map();
for (const file of await readdir(folder)) texts.set(file, await readFile(path.join(folder, file), 'utf8'));
const workflows = new Map([...texts].map(([file, text]) => [file, parse(text, { strict: true })]));
const { scripts, napi } = JSON.parse(await readFile(path.join(root, 'package.json'), 'utf8'));
const release = workflows.get('release.yml');

test('each action is pinned to a commit, with its version beside it', () => {
  for (const text of texts.values()) {
    for (const [line] of text.matchAll(/^.*\buses:.*$/gm)) {
      assert.match(line, /uses: [\w-]+\/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/);
    }
  }
});

test('a job may read the repository and nothing else, but the one that publishes', () => {
  for (const [file, { permissions, jobs }] of workflows) {
    assert.deepEqual(permissions, { contents: 'read' }, file);
    for (const [name, job] of Object.entries(jobs)) {
      if (job.permissions) assert.equal(`${file} ${name}`, 'release.yml publish');
    }
  }
  assert.deepEqual(release.jobs.publish.permissions, { contents: 'write', 'id-token': 'write' });
});

test('every npm script that a workflow calls exists', () => {
  for (const { run } of steps()) {
    for (const [, script] of run.matchAll(/\bnpm run ([\w:]+)/g)) assert.ok(scripts[script], script);
  }
});

test('every file that a workflow names exists', async () => {
  for (const { run } of steps()) {
    for (const [file] of run.matchAll(/(?:scripts|__test__)\/[\w./-]+\.mjs|\.ci\/run/g)) {
      await readFile(path.join(root, file));
    }
  }
});

test('a release builds each platform of the package', () => {
  const targets = release.jobs.build.strategy.matrix.include.map(({ target }) => target);
  assert.deepEqual(targets.sort(), [...napi.targets].sort());
});

test('nothing is published that was not checked and built, and all of it with its provenance', () => {
  assert.equal(release.jobs.build.needs, 'check');
  assert.equal(release.jobs.publish.needs, 'build');
  const publishing = steps().filter(({ run }) => run.includes('npm publish'));
  assert.equal(publishing.length, 1);
  assert.match(publishing[0].run, /npm publish .* --provenance --access public/);
});

function steps() {
  const jobs = [...workflows.values()].flatMap(({ jobs }) => Object.values(jobs));
  return jobs.flatMap(({ steps }) => steps).filter(({ run }) => run !== undefined);
}
