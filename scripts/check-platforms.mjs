// npm run check:platforms: type-checks the parts for Windows and macOS on a Linux machine that can get no toolchain for them.
// Rust's standard library for both is built from its sources, by a compiler that ships with them: Debian's, of one version,
// unpacked beside the repository's own things. Nothing is installed, linked or run. The first time it loads 150 MB and takes
// several minutes.

import { existsSync } from 'node:fs';
import { chmod, mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { endEverything, handleSignals, run } from './processes.mjs';
import { cache, relative, root } from './repo.mjs';

const TARGETS = ['x86_64-pc-windows-msvc', 'aarch64-apple-darwin'];

/** The core as it is tested, its tests, and the addon. */
const CHECKS = [['--no-default-features', '--lib', '--tests'], ['--lib']];

/** The compiler, the sources of its standard library, and what it is linked with: newer than the system's. */
const PACKAGES = ['rustc', 'libstd-rust-dev', 'rust-src', 'rust-clippy'];
const LIBRARIES = [
  'libc6',
  'libgcc-s1',
  'libstdc++6',
  'zlib1g',
  'libzstd1',
  'libffi8',
  'libxml2-16',
  'libz3-4',
  'libtinfo6',
  'libedit2',
  'libbsd0',
  'libmd0',
];

const FOLDER = path.join(cache, 'platforms');
const ROOT = path.join(FOLDER, 'root');
const KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg';

handleSignals();
try {
  await check();
} catch (error) {
  console.error(error.output ? `${error.message}\n${error.output}` : error);
  process.exitCode = 1;
} finally {
  await endEverything();
}

async function check() {
  if (process.platform !== 'linux' || process.arch !== 'x64' || !existsSync(KEYRING)) {
    throw new Error(
      'This needs Debian or a child of it on x64. Elsewhere: rustup target add, then cargo check --target.',
    );
  }
  if (!existsSync(ROOT)) await unpackToolchain();
  const tools = await writeTools();
  for (const target of TARGETS) {
    for (const what of CHECKS) await checkTarget(target, what, tools);
  }
}

async function checkTarget(target, what, tools) {
  const startedAt = performance.now();
  const named = target.replaceAll('-', '_');
  const args = [
    'check',
    '--locked',
    '-Zbuild-std=std,panic_unwind',
    '--config=profile.dev.package."*".opt-level=0', // nothing of it runs
    `--target=${target}`,
    ...what,
  ];
  const env = {
    ...process.env,
    RUSTC: tools.rustc,
    RUSTC_WORKSPACE_WRAPPER: tools.clippy,
    // As `cargo clippy -- -D warnings` says it.
    CLIPPY_ARGS: '-D__CLIPPY_HACKERY__warnings__CLIPPY_HACKERY__',
    RUSTC_BOOTSTRAP: '1', // -Zbuild-std is for nightly compilers only
    CARGO_TARGET_DIR: path.join(FOLDER, 'target'),
    // The assembly in ring is not needed for its types.
    [`CC_${named}`]: tools.cc,
    [`AR_${named}`]: tools.ar,
  };
  await run('cargo', args, { cwd: root, env, onOutput: (chunk) => process.stderr.write(chunk) });
  console.log(`✓ ${target} ${what.join(' ')}  ${Math.round((performance.now() - startedAt) / 1000)} s`);
}

// With apt's own settings in a folder: the system's lists stay as they are.
async function unpackToolchain() {
  const apt = path.join(FOLDER, 'apt');
  await rm(apt, { recursive: true, force: true });
  for (const folder of ['state/lists/partial', 'cache/archives/partial', 'debs']) {
    await mkdir(path.join(apt, folder), { recursive: true });
  }
  const files = {
    status: '',
    'sources.list': `deb [signed-by=${KEYRING}] http://deb.debian.org/debian testing main\n`,
    'apt.conf': `Dir::State "${apt}/state";
Dir::State::status "${apt}/status";
Dir::Cache "${apt}/cache";
Dir::Etc::sourcelist "${apt}/sources.list";
Dir::Etc::sourceparts "/dev/null";
Acquire::Languages "none";
APT::Architecture "amd64";
APT::Sandbox::User "";
`,
  };
  for (const [name, text] of Object.entries(files)) await writeFile(path.join(apt, name), text);
  const env = { ...process.env, APT_CONFIG: path.join(apt, 'apt.conf') };
  console.log(`· Getting Debian's Rust into ${relative(FOLDER)} (150 MB)`);
  await run('apt-get', ['update', '-qq'], { env });
  const debs = path.join(apt, 'debs');
  const names = [...PACKAGES, ...(await namedByVersion(env)), ...LIBRARIES];
  await run('apt-get', ['download', '-qq', ...names], { env, cwd: debs });

  const unpacked = await mkdir(path.join(FOLDER, 'unpacking'), { recursive: true }).then(() =>
    path.join(FOLDER, 'unpacking'),
  );
  for (const deb of await readdir(debs)) await run('dpkg', ['-x', path.join(debs, deb), unpacked]);
  await rename(unpacked, ROOT);
  await rm(apt, { recursive: true, force: true });
}

// The libraries of the compiler carry its version in their names.
async function namedByVersion(env) {
  const library = dependency(
    await run('apt-cache', ['depends', 'libstd-rust-dev'], { env }),
    /libstd-rust-[\d.]+/,
  );
  const llvm = dependency(await run('apt-cache', ['depends', library], { env }), /libllvm\d+/);
  return [library, llvm];
}

function dependency(text, pattern) {
  const found = pattern.exec(text);
  if (!found) throw new Error(`Debian's Rust is put together in another way than this knows:\n${text}`);
  return found[0];
}

/** Writes what stands in for programs: the compiler with its own libraries, a C compiler and an archiver that make nothing. */
async function writeTools() {
  const folder = path.join(FOLDER, 'tools');
  await mkdir(folder, { recursive: true });
  const libraries = `${ROOT}/usr/lib/x86_64-linux-gnu`;
  const started = `exec "${libraries}/ld-linux-x86-64.so.2" --library-path "${libraries}"`;
  const tools = {
    rustc: `${started} "${ROOT}/usr/bin/rustc" --sysroot "${ROOT}/usr" "$@"`,
    clippy: `${started} "${ROOT}/usr/bin/clippy-driver" "$@" --sysroot "${ROOT}/usr"`,
    cc: `for argument in "$@"; do
  case "$before" in -o) : > "$argument" ;; esac
  case "$argument" in -o?*) : > "\${argument#-o}" ;; -Fo?*) : > "\${argument#-Fo}" ;; esac
  before=$argument
done`,
    ar: `for argument in "$@"; do
  case "$argument" in
    -out:*) printf '!<arch>\\n' > "\${argument#-out:}" ;;
    *.a | *.lib) printf '!<arch>\\n' > "$argument" ;;
  esac
done`,
  };
  for (const [name, script] of Object.entries(tools)) {
    const file = path.join(folder, name);
    await writeFile(file, `#!/bin/sh\n${script}\n`);
    await chmod(file, 0o755);
    tools[name] = file;
  }
  return tools;
}
