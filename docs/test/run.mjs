// Runs blocks, each in a process of its own: on the built addon and bridge, with a real Better Auth server, a vault in a
// folder of its own, and a stand-in for Electron.
import { fork } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { nameOf, WORKSHOP } from './types.mjs';

const ts = createRequire(import.meta.url)('typescript');
const STAGE = fileURLToPath(new URL('./stage.mjs', import.meta.url));
/** No block takes that long; one that hangs must not hang the run. */
const TIMEOUT_MS = 60_000;

/** Runs the block against `server`, `{ url, email, password }` of somebody it knows; rejects with what went wrong in it. */
export async function runBlock(block, server) {
  await mkdir(WORKSHOP, { recursive: true });
  const file = path.join(WORKSHOP, `${nameOf(block)}.run.mjs`);
  await writeFile(file, await runnable(block, server.url));
  const folder = await mkdtemp(path.join(tmpdir(), 'latchkey-document-'));
  try {
    await stage([file, block.scene, JSON.stringify(server), folder]);
  } finally {
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

async function stage(args) {
  const folder = args.at(-1);
  const env = { ...process.env, XDG_DATA_HOME: folder, LATCHKEY_DOCUMENT: '1' };
  const child = fork(STAGE, args, { stdio: ['ignore', 'pipe', 'pipe', 'ipc'], env, timeout: TIMEOUT_MS });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += chunk));
  const { code, signal } = await new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => resolve({ code, signal }));
  });
  if (code !== 0) throw new Error(`ended with ${signal ?? code}\n${output}`);
}

/**
 * The block as a module: its default export runs it and answers what it declares; `uses` are the names that it takes from
 * its scene.
 */
async function runnable({ code, scene }, serverUrl) {
  const local = code.replaceAll('https://api.example.com', serverUrl);
  const { outputText } = ts.transpileModule(local, {
    compilerOptions: { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022, removeComments: true },
  });
  const { imports, rest, declared, names } = taken(outputText);
  const uses = (await namesOf(scene)).filter((name) => names.has(name) && !declared.includes(name));
  return `export const uses = ${JSON.stringify(uses)};
export default async function (require, loaded, { ${uses.join(', ')} }) {
const load = (name) => loaded(name, (each) => import(each));
${imports.join('\n')}
${rest}
return { ${declared.join(', ')} };
}
`;
}

/** What `scenes/*.d.ts` says that there is. */
async function namesOf(scene) {
  if (scene === 'preload' || scene === 'server') return [];
  const globals = await readFile(new URL(`./scenes/${scene}.d.ts`, import.meta.url), 'utf8');
  return [...globals.matchAll(/^ {2}(?:const|function) (\w+)/gm)].map(([, name]) => name);
}

// Imports become calls, so that the stage can put its stand-ins in; exports become plain declarations.
function taken(text) {
  const source = ts.createSourceFile('block.mjs', text, ts.ScriptTarget.ES2022, true, ts.ScriptKind.JS);
  const imports = [];
  const declared = [];
  const names = new Set();
  visit(source);
  let rest = text;
  const blank = (from, to) => {
    rest = rest.slice(0, from) + rest.slice(from, to).replaceAll(/[^\n]/g, ' ') + rest.slice(to);
  };
  for (const statement of source.statements) {
    if (ts.isImportDeclaration(statement)) {
      imports.push(asCall(statement));
      for (const name of namesIn(statement)) declared.push(name.text);
      blank(statement.getStart(), statement.end);
    } else if (ts.isExportDeclaration(statement) || ts.isExportAssignment(statement)) {
      blank(statement.getStart(), statement.end);
    } else if (ts.isVariableStatement(statement)) {
      const [exported] = statement.modifiers ?? [];
      if (exported) blank(exported.getStart(), exported.end);
      for (const { name } of statement.declarationList.declarations) declare(name);
    } else if (ts.isFunctionDeclaration(statement)) {
      declare(statement.name);
    }
  }
  return { imports, rest, declared, names };

  function declare(name) {
    if (ts.isIdentifier(name)) declared.push(name.text);
    else for (const element of name.elements) declare(element.name);
  }

  function visit(node) {
    if (ts.isIdentifier(node) && !(ts.isPropertyAccessExpression(node.parent) && node.parent.name === node))
      names.add(node.text);
    ts.forEachChild(node, visit);
  }
}

function namesIn({ importClause }) {
  const { name, namedBindings } = importClause ?? {};
  const named = namedBindings && ts.isNamespaceImport(namedBindings) ? [namedBindings.name] : [];
  return [...(name ? [name] : []), ...named, ...(namedBindings?.elements ?? []).map((each) => each.name)];
}

function asCall({ importClause, moduleSpecifier }) {
  const loaded = `await load(${moduleSpecifier.getText()})`;
  if (importClause === undefined) return `${loaded};`;
  const { name, namedBindings } = importClause;
  if (namedBindings && ts.isNamespaceImport(namedBindings))
    return `const ${namedBindings.name.text} = ${loaded};`;
  const names = (namedBindings?.elements ?? []).map(
    ({ propertyName, name }) => `${propertyName ? `${propertyName.text}: ` : ''}${name.text}`,
  );
  if (name) names.push(`default: ${name.text}`);
  return `const { ${names.join(', ')} } = ${loaded};`;
}
