// Finds the addon of this machine: in a checkout the one that was built beside this file, otherwise the package that npm chose.
// Written by hand, not the loader that napi generates: that one loads whatever file the environment variable
// NAPI_RS_NATIVE_LIBRARY_PATH names, and asks for packages by names that are not ours.

const { existsSync } = require('node:fs');
const path = require('node:path');

// The names stand in full, for bundlers to find them.
const PACKAGES = {
  'darwin-arm64': {
    addon: () => require('electron-latchkey-darwin-arm64'),
    manifest: () => require('electron-latchkey-darwin-arm64/package.json'),
  },
  'darwin-x64': {
    addon: () => require('electron-latchkey-darwin-x64'),
    manifest: () => require('electron-latchkey-darwin-x64/package.json'),
  },
  'linux-arm64-gnu': {
    addon: () => require('electron-latchkey-linux-arm64-gnu'),
    manifest: () => require('electron-latchkey-linux-arm64-gnu/package.json'),
  },
  'linux-x64-gnu': {
    addon: () => require('electron-latchkey-linux-x64-gnu'),
    manifest: () => require('electron-latchkey-linux-x64-gnu/package.json'),
  },
  'win32-arm64-msvc': {
    addon: () => require('electron-latchkey-win32-arm64-msvc'),
    manifest: () => require('electron-latchkey-win32-arm64-msvc/package.json'),
  },
  'win32-x64-msvc': {
    addon: () => require('electron-latchkey-win32-x64-msvc'),
    manifest: () => require('electron-latchkey-win32-x64-msvc/package.json'),
  },
};
const ABI = { linux: '-gnu', win32: '-msvc' };
const EXISTING = 'It exists for Linux with glibc, macOS and Windows, each on x64 and arm64.';
const INSTALL_AGAIN = 'Delete node_modules and package-lock.json, then run npm install on this machine.';

module.exports = load();

function load() {
  const machine = `${process.platform}-${process.arch}`;
  const target = machine + (ABI[process.platform] ?? '');
  const name = `electron-latchkey-${target}`;
  const built = path.join(__dirname, `latchkey.${target}.node`);
  if (existsSync(built)) return opened(() => require(built), path.basename(built));
  if (!Object.hasOwn(PACKAGES, target)) throw notLoaded(`${unsupported(machine)} ${EXISTING}`);
  const { addon, manifest } = PACKAGES[target];
  const found = installed(manifest, name);
  const { version } = require('./package.json');
  if (found.version !== version) {
    throw notLoaded(
      `${name} is version ${found.version}, and electron-latchkey is version ${version}: they must be the same. ${INSTALL_AGAIN}`,
    );
  }
  return opened(addon, name);
}

function installed(manifest, name) {
  try {
    return manifest();
  } catch (cause) {
    if (isMusl()) throw notLoaded(`${withMusl()} ${EXISTING}`, cause);
    const remedy = existsSync(path.join(__dirname, 'Cargo.toml'))
      ? 'This is a checkout: npm run build:addon builds it.'
      : `npm leaves it out under --omit=optional, and where the lock file was written on another platform. ${INSTALL_AGAIN}`;
    throw notLoaded(
      `${name} is not installed: the part of electron-latchkey for this machine. ${remedy}`,
      cause,
    );
  }
}

function opened(addon, name) {
  try {
    return addon();
  } catch (cause) {
    if (isMusl()) throw notLoaded(`${withMusl()} ${EXISTING}`, cause);
    const glibc = /GLIBC_([\d.]+)' not found/.exec(cause.message)?.[1];
    const reason = glibc ? ` It needs glibc ${glibc} or newer.` : '';
    throw notLoaded(`${name} is installed, but the system could not load it.${reason}`, cause);
  }
}

function unsupported(machine) {
  const instead =
    ABI[process.platform] || process.platform === 'darwin' ? ' Use Electron for x64 or arm64.' : '';
  return `electron-latchkey does not run on ${machine}.${instead}`;
}

function withMusl() {
  return `electron-latchkey does not run on ${process.platform}-${process.arch} with musl, nor does Electron as it is published.`;
}

function isMusl() {
  if (process.platform !== 'linux' || !process.report) return false;
  process.report.excludeNetwork = true; // or the report looks up the name of every open connection
  return process.report.getReport().header.glibcVersionRuntime === undefined;
}

function notLoaded(message, cause) {
  const error = new Error(message, cause === undefined ? undefined : { cause });
  error.name = 'LatchkeyError';
  return Object.assign(error, { code: 'ERR_ADDON_NOT_LOADED' });
}
