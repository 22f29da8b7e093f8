// Checks the commands of a shell block: scripts and files that they name exist, and no other program is asked for than
// those that a reader has, or is told to install.
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { root } from './blocks.mjs';

/** What a system or npm brings, and what is done with it says nothing about this project. */
const OTHERS = new Set([
  'cd',
  'cp',
  'curl',
  'git',
  'mkdir',
  'mv',
  'npx',
  'rm',
  'sudo',
  'tar',
  'unzip',
  'update-desktop-database',
  'xattr',
  'xdg-mime',
  'xdg-open',
  'xvfb-run',
]);
const NPM = new Set(['audit', 'ci', 'create', 'init', 'install', 'pack', 'pkg', 'publish', 'view']);

export function checkCommands(text) {
  let scripts = scriptsOf(root);
  const commands = text
    .replaceAll(/\\\n/g, ' ')
    .split('\n')
    .flatMap((line) => line.replace(/(^|\s)#.*$/, '').split(/&&|;/))
    .map((command) => command.trim())
    .filter((command) => command !== '');
  for (const command of commands) {
    const words = command.split(/\s+/).filter((word) => !/^[A-Z_]+=/.test(word));
    const [program, first, second] = words;
    if (program === 'cd' && existsSync(path.join(root, first, 'package.json')))
      scripts = scriptsOf(path.join(root, first));
    else if (program === 'npm') checkNpm(command, first, second, scripts);
    else if (program === 'node') checkFile(command, words.slice(1));
    else if (program === 'cargo')
      assert.match(first, /^(build|test|clippy|fmt|doc|deny|bench|fuzz|about|check|\+\w+)$/, command);
    else assert.ok(OTHERS.has(program), `nothing here knows the command: ${command}`);
  }
}

function checkNpm(command, verb, name, scripts) {
  if (NPM.has(verb)) return;
  const script = verb === 'run' ? name : verb;
  const own = new Set([
    ...Object.keys(scripts),
    ...Object.keys(scriptsOf(path.join(root, 'electron-example'))),
  ]);
  assert.ok(own.has(script), `there is no such script: ${command}`);
}

function checkFile(command, words) {
  const file = words.find((word) => !word.startsWith('-') && /\.[cm]?js$/.test(word));
  if (file === undefined) return;
  const at = path.join(root, file.replace(/\/\*.*$/, ''));
  // A file of the reader's own, which the same page shows, stands beside them.
  assert.ok(existsSync(at) || !file.includes('/'), `there is no such file: ${command}`);
}

function scriptsOf(folder) {
  return JSON.parse(readFileSync(path.join(folder, 'package.json'), 'utf8')).scripts ?? {};
}
