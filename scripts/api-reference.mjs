// Writes docs/api/ from the types that the package ships: index.d.ts and the bridge's, whose doc comments are the text.
// `npm run docs:api`; the bridge must be built.

import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { relative, root } from './repo.mjs';

const ts = createRequire(import.meta.url)('typescript');

export const API_FOLDER = path.join(root, 'docs', 'api');

/** What is at each entry of package.json's `exports`, in the order in which to read them. */
const ENTRIES = {
  '.': ['addon', 'The addon: the vault, the session, the import. For the main process, and for Node.'],
  './main': ['main', 'The main process: opens vault and session, and answers pages.'],
  './preload': ['preload', 'The preload script, where a bundler makes one of it.'],
  './renderer': ['renderer', 'A page: plain web code, without Electron and without Node.'],
  './vue': ['vue', 'A page that is written in Vue.'],
  './pinia': ['pinia', 'A page that keeps its state in Pinia.'],
  './store': ['store', "electron-store's shape, sealed at rest."],
  './safe-storage': ['safe-storage', "Electron's `safeStorage`, sealed under the vault's own key."],
  './default-vault': ['default-vault', 'The vault that `Store` and `safeStorage` share.'],
};
/** Entries without types: data, and the preload script as one file. */
const WITHOUT_TYPES = new Set(['./package.json', './preload-script']);

/** `pages` by file name, and the public items without a doc comment. */
export async function apiReference() {
  const entries = await entriesWithTypes();
  const program = ts.createProgram(
    entries.map(({ types }) => types),
    {
      target: ts.ScriptTarget.ES2022,
      module: ts.ModuleKind.Preserve,
      moduleResolution: ts.ModuleResolutionKind.Bundler,
      // The package's own name, which resolves once it is installed.
      paths: { 'electron-latchkey': [path.join(root, 'index.d.ts')] },
      skipLibCheck: true,
    },
  );
  const pages = new Pages(program, entries);
  const texts = entries.map((entry) => [`${entry.name}.md`, pages.page(entry)]);
  return {
    pages: new Map([['README.md', overview(entries)], ...texts]),
    undocumented: pages.undocumented,
  };
}

async function entriesWithTypes() {
  const { exports, name: packageName } = JSON.parse(await readFile(path.join(root, 'package.json'), 'utf8'));
  const unknown = Object.keys(exports).filter((key) => !(key in ENTRIES) && !WITHOUT_TYPES.has(key));
  if (unknown.length > 0) throw new Error(`package.json exports what ENTRIES does not know: ${unknown}`);
  return Object.entries(ENTRIES)
    .filter(([key]) => key in exports)
    .map(([key, [name, about]]) => ({
      name,
      about,
      module: path.posix.join(packageName, key),
      types: path.join(root, exports[key].types),
    }));
}

function overview(entries) {
  const rows = entries.map(({ module, name, about }) => `| [\`${module}\`](${name}.md) | ${about} |`);
  return `${GENERATED}
# API reference

| Module | What it is |
|---|---|
${rows.join('\n')}

\`electron-latchkey/preload-script\` has no calls: it is the file for \`webPreferences.preload\` of an app without a bundler,
\`require.resolve('electron-latchkey/preload-script')\`, and calls \`exposeAuth()\`.

What each error code means: [errors.md](../errors.md).
`;
}

const GENERATED =
  '<!-- Written by `npm run docs:api` from the doc comments of the types. Change those. -->\n';

class Pages {
  undocumented = [];
  #checker;
  #program;
  /** Where each item is described: the first page that has it, by {@link identity}. */
  #homes = new Map();

  constructor(program, entries) {
    this.#program = program;
    this.#checker = program.getTypeChecker();
    for (const entry of entries)
      for (const { symbol } of this.#exportsOf(entry))
        if (!this.#homes.has(identity(symbol))) this.#homes.set(identity(symbol), { entry, symbol });
  }

  page(entry) {
    const all = this.#exportsOf(entry);
    const own = all.filter(({ symbol }) => this.#homeOf(symbol) === entry);
    const elsewhere = all.filter(({ symbol }) => this.#homeOf(symbol) !== entry);
    const values = own.filter(({ symbol }) => symbol.flags & ts.SymbolFlags.Value);
    const types = own.filter(({ symbol }) => !(symbol.flags & ts.SymbolFlags.Value));
    const parts = [`${GENERATED}\n# \`${entry.module}\`\n\n${entry.about}\n`];
    for (const each of [...values, ...types]) parts.push(this.#item(entry, each));
    if (elsewhere.length > 0) {
      const links = elsewhere.map(
        ({ name, symbol }) => `[\`${name}\`](${this.#address(symbol, name, entry)})`,
      );
      parts.push(`## Also exported here\n\n${links.join(', ')}\n`);
    }
    return parts.join('\n');
  }

  /** What a module exports, by name: `{ name, symbol }`, aliases followed. */
  #exportsOf({ types }) {
    const module = this.#checker.getSymbolAtLocation(this.#program.getSourceFile(types));
    // `export =` is the class itself; what stands beside it in its namespace is exported too.
    const whole = module.exports.get('export=');
    const all = this.#checker
      .getExportsOfModule(module)
      .filter(({ name }) => whole === undefined || name !== 'default');
    const exported = [...(whole === undefined ? [] : [whole]), ...all].map((symbol) => ({
      name: symbol.name,
      symbol: symbol.flags & ts.SymbolFlags.Alias ? this.#checker.getAliasedSymbol(symbol) : symbol,
    }));
    return exported
      .filter(({ name }) => !name.startsWith('__') && name !== 'prototype')
      .map((each) =>
        each.name === 'default' || each.name === 'export=' ? { ...each, name: each.symbol.name } : each,
      )
      .filter(
        ({ name, symbol }, at, list) =>
          list.findIndex((other) => other.symbol === symbol && other.name === name) === at,
      )
      .sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  #item(entry, { name, symbol }) {
    const declarations = symbol.declarations ?? [];
    const parts = [`## ${name}\n`];
    if (!declarations.some((each) => commentOf(each) !== ''))
      this.undocumented.push(`${entry.module}: ${name}`);
    const described = declarations.find((each) => commentOf(each) !== '') ?? declarations[0];
    const shaped = declarations.map((each) => this.#shape(each)).filter((each) => each !== null);
    parts.push(this.#text(described, entry, ''));
    const code = declarations
      .filter((each) => this.#shape(each) === null && !ts.isModuleDeclaration(each))
      .map(signature);
    const heads = shaped.map(head).filter((text) => text !== '');
    if (code.length + heads.length > 0) parts.push(fenced([...heads, ...code].join('\n')));
    for (const declaration of shaped) parts.push(this.#members(entry, name, declaration));
    return parts.join('\n');
  }

  /** The class or interface that a declaration is, or is another name of. */
  #shape(declaration) {
    if (ts.isInterfaceDeclaration(declaration) || ts.isClassDeclaration(declaration)) return declaration;
    if (!ts.isTypeAliasDeclaration(declaration) || !ts.isTypeReferenceNode(declaration.type)) return null;
    const symbol = this.#checker.getSymbolAtLocation(declaration.type.typeName);
    if (symbol === undefined || this.#homes.has(identity(symbol))) return null;
    return symbol.declarations.find(ts.isInterfaceDeclaration) ?? null;
  }

  #members(entry, owner, declaration) {
    const members = [...declaration.members, ...this.#inherited(declaration)].filter(isPublic);
    const calls = members.filter(isCall);
    const fields = members.filter((member) => !isCall(member) && !ts.isSetAccessor(member));
    const parts = [];
    if (fields.length > 0) {
      const rows = fields.map((field) => {
        const optional = field.questionToken ? '?' : '';
        const type = field.type ? oneLine(field.type.getText()) : '';
        return `| \`${field.name.getText()}${optional}\` | ${cell(`\`${type}\``)} | ${cell(this.#text(field, entry, owner))} |`;
      });
      parts.push(`| Field | Type | |\n|---|---|---|\n${rows.join('\n')}\n`);
    }
    for (const [name, overloads] of byName(calls)) {
      const shown = `${owner}.${name}`;
      const code = overloads.map((call) => oneLine(withoutComment(call))).join('\n');
      const texts = overloads
        .map((call) => this.#text(call, entry, owner))
        .filter((text) => text.trim() !== '');
      parts.push([`### ${shown}\n`, fenced(code), ...texts].join('\n'));
      if (texts.length === 0 && name !== 'constructor') this.undocumented.push(`${entry.module}: ${shown}`);
    }
    return parts.join('\n');
  }

  /** The members of what it extends, unless that is described by itself. */
  #inherited({ heritageClauses = [] }) {
    return heritageClauses
      .filter(({ token }) => token === ts.SyntaxKind.ExtendsKeyword)
      .flatMap(({ types }) => types)
      .map(({ expression }) => this.#checker.getSymbolAtLocation(expression))
      .map((symbol) =>
        symbol.flags & ts.SymbolFlags.Alias ? this.#checker.getAliasedSymbol(symbol) : symbol,
      )
      .filter((symbol) => !this.#homes.has(identity(symbol)) && !isOfTheLanguage(symbol))
      .flatMap(({ declarations }) => declarations)
      .flatMap((declaration) => [...(declaration.members ?? []), ...this.#inherited(declaration)]);
  }

  /** A doc comment as Markdown. */
  #text(node, entry, owner) {
    const comment = commentOf(node);
    const tags = ts
      .getJSDocTags(node)
      .filter((tag) => tag.tagName.text === 'throws')
      .map((tag) => `Throws ${plain(ts.getTextOfJSDocComment(tag.comment) ?? '')}`);
    const linked = [comment, ...tags].filter((text) => text !== '').join('\n\n');
    return `${linked.replaceAll(
      /\{@link(?:code|plain)? ([\w.]+)(?:\s*\|?\s*([^}]*))?\}/g,
      (_all, target, label) => this.#link(target, label?.trim() || target, entry, owner),
    )}\n`;
  }

  #link(target, label, entry) {
    const [name] = target.split('.');
    for (const { symbol, entry: home } of this.#homes.values())
      if (symbol.name === name) {
        const file = home === entry ? '' : `${home.name}.md`;
        return `[\`${label}\`](${file}#${this.#isCallOf(symbol, target) ? anchor(target) : anchor(name)})`;
      }
    return `\`${label}\``;
  }

  #homeOf(symbol) {
    return this.#homes.get(identity(symbol)).entry;
  }

  #isCallOf(symbol, target) {
    const [, member] = target.split('.');
    const found = member && symbol.members?.get(ts.escapeLeadingUnderscores(member));
    return Boolean(found?.declarations?.some(isCall));
  }

  #address(symbol, name, entry) {
    const home = this.#homeOf(symbol);
    const page = home === entry ? '' : `${home.name}.md`;
    return `${page}#${anchor(symbol.name === name ? name : symbol.name)}`;
  }
}

/** The bridge is compiled twice, so a type that main and pages share is declared twice. */
function identity(symbol) {
  const [declaration] = symbol.declarations ?? [];
  if (declaration === undefined) throw new Error(`${symbol.name} has no declaration`);
  const file = relative(declaration.getSourceFile().fileName).replace(/dist\/(cjs|esm)\//, '');
  return `${file}#${symbol.name}@${ts.SyntaxKind[declaration.parent.kind]}`;
}

function isOfTheLanguage({ declarations = [] }) {
  return declarations.some(
    (each) => each.getSourceFile().hasNoDefaultLib || /node_modules/.test(each.getSourceFile().fileName),
  );
}

function isPublic(member) {
  const modifiers = ts.getCombinedModifierFlags(member);
  return (
    !(modifiers & (ts.ModifierFlags.Private | ts.ModifierFlags.Protected)) &&
    !/^#|^_(?!close)/.test(member.name?.getText() ?? '')
  );
}

function byName(calls) {
  const groups = new Map();
  for (const call of calls) {
    const name = ts.isConstructorDeclaration(call) ? 'constructor' : (call.name?.getText() ?? 'call');
    groups.set(name, [...(groups.get(name) ?? []), call]);
  }
  return groups;
}

function isCall(member) {
  return (
    ts.isMethodDeclaration(member) ||
    ts.isMethodSignature(member) ||
    ts.isConstructorDeclaration(member) ||
    ts.isConstructSignatureDeclaration(member) ||
    ts.isCallSignatureDeclaration(member)
  );
}

/** The doc comment without its tags; the parts of a link are kept for `#text`. */
function commentOf(node) {
  const [comment] = ts
    .getJSDocCommentsAndTags(documented(node))
    .filter((each) => ts.isJSDoc(each))
    .slice(-1);
  return comment === undefined ? '' : plain(ts.getTextOfJSDocComment(comment.comment) ?? '');
}

// A variable's comment stands at its statement.
function documented(node) {
  return ts.isVariableDeclaration(node) ? node.parent.parent : node;
}

function plain(text) {
  return text.replaceAll('\r', '').trim();
}

function signature(declaration) {
  const node = documented(declaration);
  return withoutComment(node)
    .replace(/^export\s+/, '')
    .replace(/^default\s+/, '')
    .replace(/^declare\s+/, '')
    .replace(
      /^(type \w+ =) (.{100,})$/,
      (_all, begin, union) => `${begin}\n  | ${union.replaceAll(' | ', '\n  | ')}`,
    );
}

/** What a class or an interface is made of, where it says. */
function head(declaration) {
  const text = withoutComment(declaration);
  const line = oneLine(text.slice(0, text.indexOf('{'))).replace(/^(export |default |declare )+/, '');
  return declaration.heritageClauses || declaration.typeParameters ? `${line} { … }` : '';
}

function withoutComment(node) {
  return node.getSourceFile().text.slice(node.getStart(), node.end);
}

function oneLine(text) {
  return text
    .replaceAll(/\/\*\*?([\s\S]*?)\*\//g, '')
    .replaceAll(/\s+/g, ' ')
    .trim();
}

function cell(text) {
  return text.trim().replaceAll(/\n+/g, ' ').replaceAll('|', '\\|');
}

function fenced(code) {
  return `\`\`\`ts\n${code}\n\`\`\`\n`;
}

function anchor(heading) {
  return heading.toLowerCase().replaceAll(/[^\p{L}\p{N}\s_-]/gu, '');
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { pages, undocumented } = await apiReference();
  await rm(API_FOLDER, { recursive: true, force: true });
  await mkdir(API_FOLDER, { recursive: true });
  for (const [name, text] of pages) await writeFile(path.join(API_FOLDER, name), text);
  console.log(`${pages.size} pages in ${relative(API_FOLDER)}`);
  if (undocumented.length > 0) console.log(`without a doc comment: ${undocumented.join(', ')}`);
}
