// What documents say of names: error codes, options, files, commands of the package.
import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import { test } from 'node:test';
import { documents, root } from './blocks.mjs';

const ts = createRequire(import.meta.url)('typescript');

const texts = new Map(await Promise.all((await documents()).map(async (name) => [name, await read(name)])));

function read(file) {
  return readFile(path.join(root, file), 'utf8');
}

test('documents name only error codes that docs/errors.md explains', () => {
  const explained = new Set(
    [...texts.get('docs/errors.md').matchAll(/^\| `(ERR_\w+)`/gm)].map(([, code]) => code),
  );
  const unknown = [...texts].flatMap(([name, text]) =>
    [...text.matchAll(/\bERR_[A-Z_]+[A-Z]\b/g)]
      .filter(([code]) => !explained.has(code))
      .map(([code]) => `${name}: ${code}`),
  );
  assert.deepEqual(unknown, []);
});

test('each error code is said what it means, what to tell the person, and whether to try again', () => {
  const rows = texts.get('docs/errors.md').match(/^\| `ERR_.*$/gm);
  const incomplete = rows.filter((row) => {
    const cells = row.split('|').slice(1, -1);
    return cells.length !== 4 || cells.some((cell) => cell.trim() === '');
  });
  assert.deepEqual(incomplete, []);
});

test('every option of a provider is on the page of one', async () => {
  const pages = [...texts].filter(([name]) => name.startsWith('docs/providers/')).map(([, text]) => text);
  const options = (await fieldsOf('index.d.ts', 'ProviderOptions')).filter((name) => name !== 'type');
  const unsaid = options.filter((name) => !pages.some((page) => new RegExp(`\\b${name}\\b`).test(page)));
  assert.deepEqual(unsaid, []);
});

for (const [what, file, name] of [
  ['createAuth', 'bridge/src/main/options.ts', 'CreateAuthOptions'],
  ['the vault', 'index.d.ts', 'VaultOptions'],
  ['a session', 'index.d.ts', 'AuthSessionOptions'],
])
  test(`every option of ${what} is in a document`, async () => {
    const all = [...texts.values()].join('\n');
    const unsaid = (await fieldsOf(file, name)).filter((option) => !new RegExp(`\\b${option}\\b`).test(all));
    assert.deepEqual(unsaid, []);
  });

async function fieldsOf(file, name) {
  const source = ts.createSourceFile(file, await read(file), ts.ScriptTarget.ES2022, true);
  const declaration = source.statements.find(
    (each) => ts.isInterfaceDeclaration(each) && each.name.text === name,
  );
  assert.ok(declaration, `${file} has no ${name}`);
  return declaration.members.map((member) => member.name.getText());
}

test('every document but README.md is linked from another one', async () => {
  const targets = new Set();
  for (const [name, text] of texts)
    for (const [, target] of text.matchAll(/\]\((?!https?:)([^)#\s]+)/g))
      targets.add(path.posix.normalize(path.posix.join(path.posix.dirname(name), target)));
  const alone = [...texts.keys()].filter((name) => name !== 'README.md' && !targets.has(name));
  assert.deepEqual(alone, []);
});

test('files of the repository that documents name are there', async () => {
  const folders = /^(src|bridge|docs|tests|scripts|electron-example|bench|__test__|npm|fuzz|\.github)\//;
  const files = new Set(await filesBelow('.'));
  const missing = [...texts].flatMap(([name, text]) =>
    [...text.matchAll(/`([\w./-]+\.(?:rs|mjs|ts|js|md|json|vue|yml))`/g)]
      .map(([, file]) => file)
      .filter((file) => folders.test(file) && !file.includes('/dist/') && !files.has(file))
      .map((file) => `${name}: ${file}`),
  );
  assert.deepEqual(missing, []);
});

async function filesBelow(folder) {
  const entries = await readdir(path.join(root, folder), { withFileTypes: true });
  const found = await Promise.all(
    entries
      .filter(({ name }) => !/^(node_modules|target|\.git|\.latchkey|dist)$/.test(name))
      .map((entry) => {
        const name = path.posix.join(folder, entry.name);
        return entry.isDirectory() ? filesBelow(name) : [name];
      }),
  );
  return found.flat();
}
