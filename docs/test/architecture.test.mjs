// ARCHITECTURE.md against the tree: its map names what is there, and its dependencies are those of the manifests.
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { root } from './blocks.mjs';

const text = await readFile(path.join(root, 'ARCHITECTURE.md'), 'utf8');

function section(title) {
  const [, after] = text.split(`\n## ${title}\n`);
  assert.ok(after, `there is no section ${title}`);
  return after.split('\n## ')[0];
}

/** The words in backticks of a text. */
function named(of) {
  return [...of.matchAll(/`([^`]+)`/g)].map(([, word]) => word);
}

/** The first column of a section's tables: `Where`. */
function firstCells(of) {
  return [...of.matchAll(/^\| (`[^|]*) \|/gm)].map(([, cell]) => cell);
}

test('what the code map names is there', () => {
  const missing = firstCells(section('Code map')).flatMap((cell) => {
    let folder = '.';
    return named(cell).filter((name) => {
      // `src/vault/header.rs`, `frame.rs`: the second lies where the first does.
      const candidates = [name, path.join(folder, name)];
      const found = candidates.find((each) => existsSync(path.join(root, each)));
      if (found) folder = found.endsWith('/') ? path.dirname(found) : path.dirname(found);
      return found === undefined;
    });
  });
  assert.deepEqual(missing, []);
});

test('every folder with code is in the code map, by itself or by what lies in it', async () => {
  const names = named(section('Code map'));
  const isNamed = (folder) => names.some((name) => name.startsWith(`${folder}/`));
  const top = (await readdir(root, { withFileTypes: true }))
    .filter((entry) => entry.isDirectory() && !/^\.|^(node_modules|target|dist)$/.test(entry.name))
    .map(({ name }) => name);
  const below = (await Promise.all(['src', 'bridge/src'].map(foldersBelow))).flat();
  assert.deepEqual(
    [...top, ...below].filter((folder) => !isNamed(folder)),
    [],
  );
});

async function foldersBelow(folder) {
  const entries = await readdir(path.join(root, folder), { withFileTypes: true, recursive: true });
  return entries
    .filter((entry) => entry.isDirectory())
    .map(({ path: parent, name }) => path.relative(root, path.join(parent, name)).split(path.sep).join('/'));
}

test('the crates are those of Cargo.toml', async () => {
  const manifest = await readFile(path.join(root, 'Cargo.toml'), 'utf8');
  const crates = new Set();
  let inDependencies = false;
  for (const line of manifest.split('\n')) {
    if (line.startsWith('[')) inDependencies = /dependencies\]$/.test(line);
    const [, name] = /^([a-z][\w-]*)\s*=/.exec(line) ?? [];
    if (inDependencies && name) crates.add(name);
  }
  const described = new Set(firstCells(section('Dependencies')).flatMap(named));
  const withoutWhy = [...crates].filter((name) => !described.has(name));
  assert.deepEqual(withoutWhy, [], 'in Cargo.toml and not in ARCHITECTURE.md');
});

test('the npm packages are those of package.json and of the example', async () => {
  const described = new Set(named(section('Dependencies')));
  for (const file of ['package.json', 'electron-example/package.json']) {
    const manifest = JSON.parse(await readFile(path.join(root, file), 'utf8'));
    const names = Object.keys({
      ...manifest.dependencies,
      ...manifest.devDependencies,
      ...manifest.peerDependencies,
    });
    const withoutWhy = names.filter((name) => name !== 'electron-latchkey' && !described.has(name));
    assert.deepEqual(withoutWhy, [], `in ${file} and not in ARCHITECTURE.md`);
  }
});
