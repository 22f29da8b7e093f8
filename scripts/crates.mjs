// The crates that are compiled into the addon of a platform: what its licence list and its bill of materials name.

import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { run } from './processes.mjs';
import { root } from './repo.mjs';

/** The Rust target of each platform in npm/. */
const TARGETS = {
  'darwin-arm64': 'aarch64-apple-darwin',
  'darwin-x64': 'x86_64-apple-darwin',
  'linux-arm64-gnu': 'aarch64-unknown-linux-gnu',
  'linux-x64-gnu': 'x86_64-unknown-linux-gnu',
  'win32-arm64-msvc': 'aarch64-pc-windows-msvc',
  'win32-x64-msvc': 'x86_64-pc-windows-msvc',
};

/** The platform in npm/ that a Rust target is for. */
export function platformOf(target) {
  const found = Object.keys(TARGETS).find((platform) => TARGETS[platform] === target);
  if (!found) throw new Error(`There is no package for ${target}.`);
  return found;
}

/**
 * The crates of a platform's addon, without what only builds or tests it, sorted by name; the addon's own first. Each is as
 * `cargo metadata` describes it, with `dependencies` the ids of those it uses itself, and `checksum` from Cargo.lock.
 */
export async function cratesIn(platform) {
  const args = ['metadata', '--format-version=1', '--locked', `--filter-platform=${TARGETS[platform]}`];
  const { packages, resolve } = JSON.parse(await run('cargo', args, { cwd: root }));
  const byId = new Map(packages.map((crate) => [crate.id, crate]));
  const nodes = new Map(resolve.nodes.map((node) => [node.id, node]));
  const checksums = await lockedChecksums();
  const found = new Map();
  const visit = (id) => {
    if (found.has(id)) return;
    const crate = byId.get(id);
    const dependencies = nodes
      .get(id)
      .deps.filter(({ dep_kinds }) => dep_kinds.some(({ kind }) => kind === null))
      .map(({ pkg }) => pkg)
      .filter((dependency) => !isMacro(byId.get(dependency)));
    found.set(id, { ...crate, dependencies, checksum: checksums.get(`${crate.name} ${crate.version}`) });
    for (const dependency of dependencies) visit(dependency);
  };
  visit(resolve.root);
  const [own, ...others] = found.values();
  return [own, ...others.sort((a, b) => compare(a.name, b.name) || compare(a.version, b.version))];
}

// A procedural macro runs in the compiler; what it writes is part of the crate that calls it.
function isMacro({ targets }) {
  return targets.some(({ kind }) => kind.includes('proc-macro'));
}

async function lockedChecksums() {
  const lock = await readFile(path.join(root, 'Cargo.lock'), 'utf8');
  const entries = lock.matchAll(/^name = "(.+)"\nversion = "(.+)"\nsource = .+\nchecksum = "(.+)"$/gm);
  return new Map([...entries].map(([, name, version, checksum]) => [`${name} ${version}`, checksum]));
}

function compare(a, b) {
  return a < b ? -1 : Number(a > b);
}
