// The example as people would get it: electron-builder makes it from what an app's repository would hold, the built pages
// and the published packages.

import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { electronExecutable, electronVersion } from './electron-runtime.mjs';
import { npm } from './processes.mjs';
import { example, root } from './repo.mjs';
import { unpackInto } from './tarballs.mjs';

const NAME = 'latchkey-example';

/**
 * Packages the example for this Linux, unpacked, into the folder `to`. Answers the program to start. Everything must have
 * been built.
 */
export async function packageExample({ to, onOutput }) {
  if (process.platform !== 'linux') {
    throw new Error('This makes the Linux build. Elsewhere: npm run package in a copy of electron-example.');
  }
  const electron = electronExecutable();
  const app = await mkdtemp(path.join(tmpdir(), 'latchkey-app-'));
  try {
    await stage(app);
    const settings = {
      'directories.app': app,
      'directories.output': to,
      // The Electron that runs everything else here, instead of a download.
      electronDist: path.dirname(electron),
      electronVersion: await electronVersion(electron),
      afterExtract: path.join(root, 'scripts', 'without-default-app.cjs'),
    };
    const options = Object.entries(settings).map(([key, value]) => `-c.${key}=${value}`);
    await npm(['run', '--silent', 'package', '--', '--linux', 'dir', ...options], { cwd: example, onOutput });
  } finally {
    await rm(app, { recursive: true, force: true });
  }
  const unpacked = (await readdir(to)).find((name) => /^linux(-\w+)?-unpacked$/.test(name));
  return path.join(to, unpacked, NAME);
}

// In the checkout electron-latchkey is a link to its own sources, and package.json names what the server needs. An app that
// takes both from npm packages its own folder as it is.
async function stage(app) {
  const { main, type, description } = JSON.parse(await readFile(path.join(example, 'package.json'), 'utf8'));
  const { name, version, license } = JSON.parse(await readFile(path.join(root, 'package.json'), 'utf8'));
  const manifest = {
    name: NAME,
    version,
    description,
    author: 'The Latchkey authors',
    license,
    type,
    main,
    dependencies: { [name]: version },
  };
  await mkdir(app, { recursive: true });
  await writeFile(path.join(app, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`);
  await cp(path.join(example, 'dist'), path.join(app, 'dist'), { recursive: true });
  await unpackInto(app);
}
