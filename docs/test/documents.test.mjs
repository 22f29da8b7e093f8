// Every code block of the documents is what it says: it compiles against the package's types, it runs, it parses, or its
// commands exist.
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { DEMO_USER, startServer } from '../../electron-example/server/server.mjs';
import { blocksOf, documents, patched, place, root, scriptOf } from './blocks.mjs';
import { checkCommands } from './commands.mjs';
import { runBlock } from './run.mjs';
import { typeErrors, WORKSHOP } from './types.mjs';

const require = createRequire(path.join(root, 'electron-example', 'package.json'));

const blocks = (await Promise.all((await documents()).map(blocksOf))).flat();
const CODE = new Set(['js', 'ts', 'diff']);
const code = blocks
  .filter(({ none }) => none === null)
  // A component with a file name belongs to a project that another test builds.
  .filter(({ language, title }) => CODE.has(language) || (language === 'vue' && title === null))
  .map((block) => {
    if (block.language === 'diff') return { ...block, code: patched(block.code) };
    if (block.language === 'vue')
      return { ...block, code: scriptOf(block.code), scene: 'page', noRun: 'a component' };
    return block;
  });

test('every block names its language, and code says where it runs, or why it cannot be checked', () => {
  const silent = blocks.filter(
    (block) => block.language === '' || (CODE.has(block.language) && !isPlaced(block)),
  );
  assert.deepEqual(silent.map(place), []);
});

function isPlaced({ scene, none }) {
  return scene !== null || none !== null;
}

describe('code compiles against the types of the package', () => {
  const SCENES = { main: ['main', 'preload'], page: ['page'], server: ['server'] };
  for (const [name, scenes] of Object.entries(SCENES))
    test(name, async () => {
      const errors = await typeErrors(
        name,
        code.filter(({ scene }) => scenes.includes(scene)),
      );
      assert.equal(errors.join('\n'), '');
    });
});

describe('code runs', { concurrency: 2 }, () => {
  let folder;
  let server;
  before(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'latchkey-documents-'));
    server = await startServer({ databaseFile: path.join(folder, 'auth.db'), testControls: true });
  });
  after(async () => {
    await server?.close();
    await rm(folder, { recursive: true, force: true });
    await rm(WORKSHOP, { recursive: true, force: true });
  });

  for (const block of code)
    if (block.noRun === null && block.scene !== null)
      test(place(block), () => runBlock(block, { url: server.url, ...DEMO_USER }));
});

describe('what is not code parses', () => {
  const PARSERS = {
    json: (text) => JSON.parse(text),
    html: (text) => parseHtml(text),
    vue: (text) => parseVue(text),
    sh: (text) => checkCommands(text),
    ini: (text) => assert.match(text, /^(\s*([#;].*|\[[^\]]+\]|[^=]+=.*)?\n)+$/),
    yaml: (text) => assert.doesNotMatch(text, /\t/),
    xml: (text) => assert.match(text, /^\s*<[\s\S]*>\s*$/),
    text: () => undefined, // diagrams, and bytes of the format
  };

  for (const block of blocks)
    if (!CODE.has(block.language))
      test(place(block), () => {
        const parse = PARSERS[block.language];
        assert.ok(parse, `nothing here knows ${block.language}`);
        return parse(block.code);
      });

  function parseHtml(text) {
    const problems = [];
    require('@vue/compiler-dom').parse(text, {
      parseMode: 'html',
      onError: ({ message }) => problems.push(message),
    });
    assert.deepEqual(problems, []);
  }

  function parseVue(text) {
    const { parse, compileScript } = require('@vue/compiler-sfc');
    const { descriptor, errors } = parse(text);
    assert.deepEqual(errors, []);
    compileScript(descriptor, { id: 'block', inlineTemplate: true }); // throws for what it cannot compile
  }
});

describe('links between documents lead somewhere', () => {
  for (const document of new Set(blocks.map((block) => block.document)))
    test(document, async () => {
      const text = await readFile(path.join(root, document), 'utf8');
      const targets = [...text.matchAll(/\]\((?!https?:|mailto:)([^)\s]+)\)/g)].map(([, target]) => target);
      const broken = [];
      for (const target of targets) {
        const [file, anchor] = target.split('#');
        const at = file === '' ? path.join(root, document) : path.resolve(root, path.dirname(document), file);
        if (!existsSync(at)) broken.push(target);
        else if (anchor && !anchorsOf(await readFile(at, 'utf8')).has(anchor)) broken.push(target);
      }
      assert.deepEqual(broken, []);
    });

  // As GitHub makes them.
  function anchorsOf(text) {
    return new Set(
      [...text.matchAll(/^#+ (.*)$/gm)].map(([, heading]) =>
        heading
          .toLowerCase()
          .replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1')
          .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
          .replaceAll(' ', '-'),
      ),
    );
  }
});
