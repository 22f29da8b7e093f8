// Type-checks blocks against the types that the package ships, all blocks of a scene at once.
import { mkdir, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { place, root } from './blocks.mjs';

const ts = createRequire(import.meta.url)('typescript');

/**
 * Where the blocks are written: inside the example, so that `electron-latchkey` and everything that the example uses
 * resolve as they do in an app; among what is built, so that nobody commits them.
 */
export const WORKSHOP = path.join(root, 'electron-example', 'dist', 'documents');

const OPTIONS = {
  target: ts.ScriptTarget.ES2022,
  module: ts.ModuleKind.Preserve,
  moduleResolution: ts.ModuleResolutionKind.Bundler,
  strict: true,
  // What a block of JavaScript cannot say:
  noImplicitAny: false,
  useUnknownInCatchVariables: false,
  skipLibCheck: true,
  noEmit: true,
  // The package's own name, for its types of pages: it resolves by itself once the package is installed.
  paths: { 'electron-latchkey': [path.join(root, 'index.d.ts')] },
  types: [],
};
const NODE = { lib: ['lib.es2022.d.ts', 'lib.esnext.disposable.d.ts'], types: ['node'] };
const WEB = { lib: ['lib.es2022.d.ts', 'lib.dom.d.ts', 'lib.dom.iterable.d.ts'] };
const SCENES = {
  main: { ...NODE, globals: 'main.d.ts' }, // the preload script's too
  page: { ...WEB, globals: 'page.d.ts' },
  server: { ...NODE, globals: 'server.d.ts' },
};

/** What is wrong with the blocks of one scene. */
export async function typeErrors(scene, blocks) {
  const { globals, ...options } = SCENES[scene];
  await mkdir(WORKSHOP, { recursive: true });
  const files = new Map();
  for (const block of blocks) {
    const file = path.join(WORKSHOP, `${nameOf(block)}.ts`);
    await writeFile(file, asTypeScript(block));
    files.set(file, block);
  }
  const program = ts.createProgram({
    rootNames: [fileURLToPath(new URL(`./scenes/${globals}`, import.meta.url)), ...files.keys()],
    options: { ...OPTIONS, ...options, typeRoots: [path.join(root, 'node_modules', '@types')] },
  });
  return [...files].flatMap(([file, block]) => {
    const source = program.getSourceFile(file);
    const diagnostics = [
      ...program.getSyntacticDiagnostics(source),
      ...program.getSemanticDiagnostics(source),
    ];
    return diagnostics.map((diagnostic) => describe(block, source, diagnostic));
  });
}

/** A name for the block's files. */
export function nameOf({ document, line }) {
  return `${document.replaceAll(/[^A-Za-z0-9]+/g, '-')}-${line}`;
}

// A block of JavaScript is checked as TypeScript, which is stricter: only `require` is spelled otherwise there. The line
// numbers stay.
function asTypeScript({ code }) {
  const imports = code
    .replaceAll(/^const (\{[^}]*\}) = require\(('[^']+')\);/gm, (_all, names, from) => {
      return `import ${names.replaceAll(/(\w+):\s*(\w+)/g, '$1 as $2')} from ${from};`;
    })
    .replaceAll(/^const (\w+) = require\(('[^']+')\);/gm, 'import $1 = require($2);');
  return `${imports}\nexport {};\n`;
}

function describe(block, source, { start, messageText }) {
  const { line } = source.getLineAndCharacterOfPosition(start ?? 0);
  const text = ts.flattenDiagnosticMessageText(messageText, '\n  ');
  return `${place({ ...block, line: block.line + 1 + line })}: ${text}`;
}
