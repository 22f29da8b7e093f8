// What was measured, with what, and on which machine.

import { execFileSync } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { root } from '../scripts/repo.mjs';

/** `command`: as it was typed. `addon`: the file that is measured, and `profile` how it was built. */
export async function about({ command, addon, profile, inElectron, folder }) {
  const versions = await inElectron('versions', {});
  return {
    date: new Date().toISOString().slice(0, 10),
    command,
    commit: git('rev-parse', '--short', 'HEAD'),
    uncommittedChanges: git('status', '--porcelain', '--', 'src', 'Cargo.toml', 'Cargo.lock') !== '',
    addon: { profile, ...(await sizeOf(addon)) },
    versions: {
      Electron: versions.electron,
      "Electron's Node": versions.node,
      Node: process.versions.node,
      ...(await packages()),
    },
    os: `${os.type()} ${os.release().split('.').slice(0, 2).join('.')} ${os.arch()}`,
    cpu: `${os.cpus().length} × ${os.cpus()[0]?.model ?? 'unknown'}`,
    memoryGiB: Math.round(os.totalmem() / 2 ** 30),
    fileSystem: fileSystem(folder),
    load: os.loadavg()[0],
  };
}

/** Bytes of the file as it is, and as npm's tarballs compress it. */
async function sizeOf(file) {
  const content = await readFile(file);
  return { bytes: content.length, compressedBytes: gzipSync(content, { level: 9 }).length };
}

async function packages() {
  const versionOf = async (file) => JSON.parse(await readFile(path.join(root, file), 'utf8')).version;
  const files = {
    'electron-store': 'bench/node_modules/electron-store/package.json',
    '@workos/authkit-electron': 'node_modules/@workos/authkit-electron/package.json',
    '@azure/msal-node': 'bench/node_modules/@azure/msal-node/package.json',
  };
  const found = Object.entries(files).map(async ([name, file]) => [name, await versionOf(file)]);
  return Object.fromEntries(await Promise.all(found));
}

function git(...args) {
  return outputOf('git', args, { cwd: root }) ?? 'unknown'; // a copy without its history
}

function fileSystem(folder) {
  return outputOf('df', ['--output=fstype', folder])?.split('\n').at(-1) ?? 'unknown'; // not GNU's df
}

function outputOf(command, args, options) {
  try {
    return execFileSync(command, args, {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
      ...options,
    }).trim();
  } catch {
    return null;
  }
}
