// The fenced code blocks of the documents, and what their info strings say of them.
//
// ```js main              runs where Electron's main process would: type-checked, then executed
// ```js page              the same for a page; `preload` and `server` likewise
// ```js main no-run: why  type-checked only
// ```js none: why         not code of its own: a piece that another file is made of
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('../..', import.meta.url));

/** Where code can run. */
export const SCENES = ['main', 'preload', 'page', 'server'];

const FENCE = /^( *)(`{3,})(.*)$/;

/**
 * Every document, as a path from the root. The API reference is left out: what stands in it is cut from the compiled
 * types.
 */
export async function documents() {
  const top = (await readdir(root)).filter((name) => name.endsWith('.md'));
  const below = (await readdir(path.join(root, 'docs'), { recursive: true }))
    .filter((name) => name.endsWith('.md'))
    .map((name) => path.posix.join('docs', name.split(path.sep).join('/')))
    .filter((name) => !name.startsWith('docs/api/'));
  return [...top, ...below, 'electron-example/README.md'].sort();
}

/** The blocks of a document: `{ document, line, language, scene, noRun, none, title, code }`. */
export async function blocksOf(document) {
  const lines = (await readFile(path.join(root, document), 'utf8')).split('\n');
  const blocks = [];
  let open = null;
  for (const [index, line] of lines.entries()) {
    const [, indent, ticks, info] = FENCE.exec(line) ?? [];
    if (open === null) {
      if (ticks !== undefined) open = { indent, ticks, line: index + 1, info, code: [] };
    } else if (ticks === open.ticks && info.trim() === '') {
      blocks.push({ document, line: open.line, ...readInfo(open), code: `${open.code.join('\n')}\n` });
      open = null;
    } else {
      open.code.push(line.slice(open.indent.length));
    }
  }
  if (open !== null) throw new Error(`${document}:${open.line}: the block has no end`);
  return blocks;
}

function readInfo({ info }) {
  const [language = '', ...rest] = info.trim().split(' ');
  const words = rest.join(' ');
  return {
    language,
    scene: SCENES.find((scene) => rest[0] === scene) ?? null,
    title: /\btitle=(\S+)/.exec(words)?.[1] ?? null,
    noRun: /\bno-run:\s*(.+)$/.exec(words)?.[1] ?? null,
    none: /\bnone:\s*(.+)$/.exec(words)?.[1] ?? null,
  };
}

/** What a patch leaves: its lines without those that it takes away. */
export function patched(code) {
  return code
    .split('\n')
    .filter((line) => !line.startsWith('-'))
    .map((line) => line.slice(1))
    .join('\n');
}

/** The script of a component, at the lines where it stands. */
export function scriptOf(component) {
  const [all, head, script] = /^([\s\S]*?<script[^>]*>)([\s\S]*?)<\/script>/.exec(component) ?? [];
  return all === undefined ? '' : head.replaceAll(/[^\n]/g, '') + script;
}

/** Where a block stands, for messages. */
export function place({ document, line }) {
  return `${document}:${line}`;
}
