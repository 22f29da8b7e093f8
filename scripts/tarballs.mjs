// The npm packages as they are published: electron-latchkey, and one for each platform with the addon in it. The tests
// install these, and the release publishes them; nothing is published from the checkout itself.

import { existsSync } from 'node:fs';
import { copyFile, cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { addonFile } from './builds.mjs';
import { npm, run } from './processes.mjs';
import { root } from './repo.mjs';
import { thirdPartyLicenses } from './third-party-licenses.mjs';

/** What package.json says to those who work on the package, not to those who use it. */
const DEVELOPMENT_FIELDS = ['scripts', 'devDependencies', 'overrides', 'napi'];
const LICENSES = ['LICENSE-MIT', 'LICENSE-APACHE'];

/** The packages of the platforms, by the name of their folder in npm/. */
export async function platforms() {
  const entries = await readdir(path.join(root, 'npm'), { withFileTypes: true });
  return entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
}

/** The platform of this machine, `linux-x64-gnu` for one. */
export function platformHere() {
  return /^latchkey\.(.+)\.node$/.exec(path.basename(addonFile()))[1];
}

/**
 * Packs electron-latchkey into the folder `to`. Answers `{ file, name, version, files, size, unpackedSize }`: the tarball and what
 * npm says is in it. The bridge must have been built.
 */
export async function packMain(to) {
  const built = path.join(root, 'bridge', 'dist');
  if (!existsSync(built)) throw new Error('The bridge is not built: npm run build:bridge builds it.');
  return inStage(async (stage) => {
    const manifest = await readManifest(root);
    for (const field of DEVELOPMENT_FIELDS) delete manifest[field];
    // Only here: npm would look for them in a checkout, too, and they are not published when it is made.
    manifest.optionalDependencies = Object.fromEntries(
      (await platforms()).map((platform) => [`${manifest.name}-${platform}`, manifest.version]),
    );
    for (const file of manifest.files)
      await cp(path.join(root, file), path.join(stage, file), { recursive: true });
    await copyFile(path.join(root, 'README.md'), path.join(stage, 'README.md')); // npm takes it without being told
    await writeManifest(stage, manifest);
    return packStage(stage, to);
  });
}

/** Packs the package of one platform, with the addon that lies in the folder `addons`; answers as `packMain` does. */
export async function packPlatform(to, { platform = platformHere(), addons = root } = {}) {
  return inStage(async (stage) => {
    const source = path.join(root, 'npm', platform);
    const manifest = await readManifest(source);
    await copyFile(path.join(source, 'README.md'), path.join(stage, 'README.md'));
    await copyFile(path.join(addons, manifest.main), path.join(stage, manifest.main));
    for (const file of LICENSES) await copyFile(path.join(root, file), path.join(stage, file));
    await writeFile(path.join(stage, 'THIRD-PARTY-LICENSES.txt'), await thirdPartyLicenses(platform));
    await writeManifest(stage, manifest);
    return packStage(stage, to);
  });
}

/**
 * Puts the two packages of this machine and what they depend on into `folder`/node_modules, as npm would, but from the disk alone.
 * For tests of what is done with an installed package; that npm can install it is another test.
 */
export async function unpackInto(folder) {
  await inStage(async (stage) => {
    for (const { file, name } of await Promise.all([packMain(stage), packPlatform(stage)])) {
      const to = path.join(folder, 'node_modules', name);
      await rm(to, { recursive: true, force: true });
      await mkdir(to, { recursive: true });
      await run('tar', ['-xzf', file, '--strip-components=1', '-C', to]);
    }
  });
  for (const name of Object.keys((await readManifest(root)).dependencies)) {
    const from = path.join(root, 'node_modules', name);
    await cp(from, path.join(folder, 'node_modules', name), { recursive: true });
  }
}

async function packStage(stage, to) {
  await mkdir(to, { recursive: true });
  const args = ['pack', '--json', '--ignore-scripts', '--silent', `--pack-destination=${to}`];
  const [{ filename, ...packed }] = JSON.parse(await npm(args, { cwd: stage }));
  return { file: path.join(to, filename), ...packed };
}

async function inStage(work) {
  const stage = await mkdtemp(path.join(tmpdir(), 'latchkey-pack-'));
  try {
    return await work(stage);
  } finally {
    await rm(stage, { recursive: true, force: true });
  }
}

// A release says in which repository it was built, which is what npm holds its provenance against.
async function writeManifest(folder, manifest) {
  const { GITHUB_SERVER_URL, GITHUB_REPOSITORY } = process.env;
  const repository = GITHUB_REPOSITORY && {
    type: 'git',
    url: `git+${GITHUB_SERVER_URL}/${GITHUB_REPOSITORY}.git`,
  };
  const text = JSON.stringify({ ...manifest, ...(repository ? { repository } : {}) }, null, 2);
  await writeFile(path.join(folder, 'package.json'), `${text}\n`);
}

async function readManifest(folder) {
  return JSON.parse(await readFile(path.join(folder, 'package.json'), 'utf8'));
}
