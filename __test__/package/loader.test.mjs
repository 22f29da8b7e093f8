// What somebody reads where the package has no addon to load. The machine is pretended: the loader asks process.
import assert from 'node:assert/strict';
import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { run } from '../../scripts/processes.mjs';
import { root } from '../../scripts/repo.mjs';
import { emptyFolder } from '../vault-folder.mjs';

const VERSION = '1.2.3';
const LINUX = 'electron-latchkey-linux-x64-gnu';
const EXISTING = /It exists for Linux with glibc, macOS and Windows, each on x64 and arm64\./;

for (const [machine, advice] of [
  [{ platform: 'freebsd', arch: 'x64' }, /^electron-latchkey does not run on freebsd-x64\. It exists/],
  [{ platform: 'linux', arch: 'arm' }, /does not run on linux-arm\. Use Electron for x64 or arm64\./],
  [{ platform: 'win32', arch: 'ia32' }, /does not run on win32-ia32\. Use Electron for x64 or arm64\./],
]) {
  test(`says on ${machine.platform}-${machine.arch} that there is none, and which there are`, async (t) => {
    const error = await refusal(t, { machine });
    assert.match(error.message, advice);
    assert.match(error.message, EXISTING);
  });
}

for (const [what, packages] of [
  ['the package is left out', {}],
  ['the package of glibc is there', { [LINUX]: { main: 'throw new Error("no ld-linux-x86-64.so.2")' } }],
]) {
  test(`says on musl that glibc is needed, where ${what}`, async (t) => {
    const { message } = await refusal(t, { machine: { libc: 'musl' }, packages });
    assert.match(message, /does not run on linux-x64 with musl, nor does Electron/);
    assert.match(message, EXISTING);
  });
}

for (const [platform, arch, name] of [
  ['darwin', 'arm64', 'electron-latchkey-darwin-arm64'],
  ['darwin', 'x64', 'electron-latchkey-darwin-x64'],
  ['linux', 'arm64', 'electron-latchkey-linux-arm64-gnu'],
  ['linux', 'x64', LINUX],
  ['win32', 'arm64', 'electron-latchkey-win32-arm64-msvc'],
  ['win32', 'x64', 'electron-latchkey-win32-x64-msvc'],
]) {
  test(`loads ${name} on ${platform}-${arch}`, async (t) => {
    const packages = { [name]: {} };
    assert.deepEqual(await loaded(t, { machine: { platform, arch }, packages }), { Vault: 'vault' });
  });

  test(`names ${name} where it is not installed on ${platform}-${arch}`, async (t) => {
    const { message, cause } = await refusal(t, { machine: { platform, arch } });
    assert.ok(message.startsWith(`${name} is not installed:`), message);
    assert.match(message, /--omit=optional.*run npm install on this machine\.$/);
    assert.match(cause, /Cannot find module/);
  });
}

test('tells somebody in a checkout to build it', async (t) => {
  const { message } = await refusal(t, { checkout: true });
  assert.match(message, /This is a checkout: npm run build:addon builds it\.$/);
});

test('says which glibc an addon needs that the system could not load', async (t) => {
  const main = `throw new Error("/lib/libc.so.6: version \`GLIBC_2.99' not found (required by /home/ada/x.node)")`;
  const { message, cause } = await refusal(t, { packages: { [LINUX]: { main } } });
  assert.equal(
    message,
    `${LINUX} is installed, but the system could not load it. It needs glibc 2.99 or newer.`,
  );
  assert.match(cause, /required by/, 'the system’s own words are the cause');
});

test('refuses an addon of another version', async (t) => {
  const { message } = await refusal(t, { packages: { [LINUX]: { version: '1.2.2' } } });
  assert.match(
    message,
    /-gnu is version 1\.2\.2, and electron-latchkey is version 1\.2\.3: they must be the same/,
  );
});

test('loads no file that an environment variable names', async (t) => {
  const other = path.join(await emptyFolder(t), 'other.js');
  await writeFile(other, 'exports.Vault = "somebody else’s"');
  const env = { NAPI_RS_NATIVE_LIBRARY_PATH: other, NAPI_RS_FORCE_WASI: 'true' };
  assert.deepEqual(await loaded(t, { packages: { [LINUX]: {} }, env }), { Vault: 'vault' });
});

async function refusal(t, given) {
  const { error } = await load(t, given);
  assert.deepEqual(
    { name: error.name, code: error.code },
    { name: 'LatchkeyError', code: 'ERR_ADDON_NOT_LOADED' },
    error.message,
  );
  assert.doesNotMatch(error.message, /node_modules\/|\/home|\/tmp/, 'what a page may see names no path');
  return error;
}

async function loaded(t, given) {
  return (await load(t, given)).addon;
}

/** Loads the package on a machine that is pretended, beside these packages of platforms. */
async function load(t, { machine, packages = {}, checkout = false, env = {} }) {
  const folder = await emptyFolder(t);
  const own = path.join(folder, 'node_modules', 'electron-latchkey');
  await mkdir(own, { recursive: true });
  await copyFile(path.join(root, 'loader.js'), path.join(own, 'loader.js'));
  await writeFile(path.join(own, 'package.json'), JSON.stringify({ version: VERSION, main: 'loader.js' }));
  if (checkout) await writeFile(path.join(own, 'Cargo.toml'), '');
  for (const [name, { version = VERSION, main = 'exports.Vault = "vault"' }] of Object.entries(packages)) {
    const at = path.join(folder, 'node_modules', name);
    await mkdir(at);
    await writeFile(path.join(at, 'package.json'), JSON.stringify({ name, version, main: 'addon.js' }));
    await writeFile(path.join(at, 'addon.js'), main);
  }
  const program = path.join(folder, 'program.cjs');
  await writeFile(
    program,
    `(${inMachine})(${JSON.stringify({ platform: 'linux', arch: 'x64', ...machine })})`,
  );
  return JSON.parse(await run(process.execPath, [program], { env: { ...process.env, ...env } }));
}

// Runs in the other process: the package sees this machine.
function inMachine({ platform, arch, libc = 'glibc' }) {
  Object.defineProperties(process, { platform: { value: platform }, arch: { value: arch } });
  const header = libc === 'glibc' ? { glibcVersionRuntime: '2.36' } : {};
  Object.defineProperty(process, 'report', { value: { getReport: () => ({ header }) } });
  try {
    console.log(JSON.stringify({ addon: require('electron-latchkey') }));
  } catch ({ name, code, message, cause }) {
    console.log(JSON.stringify({ error: { name, code, message, cause: cause?.message } }));
  }
}
