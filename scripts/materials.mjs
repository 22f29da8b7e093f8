// Bills of materials (CycloneDX 1.5) of what is published: the crates in the addon of each platform, and the npm packages that
// electron-latchkey needs.

import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { cratesIn } from './crates.mjs';
import { root } from './repo.mjs';

/** What is in the addon of a platform in npm/. */
export async function addonMaterials(platform) {
  const [own, ...crates] = await cratesIn(platform);
  const product = await productOf(path.join(root, 'npm', platform));
  const refs = new Map(crates.map((crate) => [crate.id, `pkg:cargo/${crate.name}@${crate.version}`]));
  refs.set(own.id, product.purl);
  return bill({
    product,
    components: crates.map((crate) => crateComponent(crate, refs.get(crate.id))),
    dependencies: [own, ...crates].map(({ id, dependencies }) => [
      refs.get(id),
      dependencies.map((dependency) => refs.get(dependency)),
    ]),
  });
}

/**
 * The npm packages that electron-latchkey installs. From the lock file, and not by `npm sbom`: that leaves out what a
 * development dependency overrides.
 */
export async function packageMaterials() {
  const product = await productOf(root);
  const { packages } = await readJson(path.join(root, 'package-lock.json'));
  const components = new Map();
  const dependencies = [];
  const visit = (from, ref) => {
    const needed = Object.keys(packages[from].dependencies ?? {}).map((name) =>
      resolved(packages, from, name),
    );
    dependencies.push([ref, needed.map((at) => purlOf(packages, at))]);
    for (const at of needed) {
      const purl = purlOf(packages, at);
      if (components.has(purl)) continue;
      components.set(purl, npmComponent(packages[at], nameAt(at), purl));
      visit(at, purl);
    }
  };
  visit('', product.purl);
  return bill({ product, components: [...components.values()], dependencies });
}

function bill({ product, components, dependencies }) {
  return {
    bomFormat: 'CycloneDX',
    specVersion: '1.5',
    serialNumber: `urn:uuid:${randomUUID()}`,
    version: 1,
    metadata: { timestamp: new Date().toISOString(), component: product },
    components,
    dependencies: dependencies.map(([ref, on]) => ({ ref, dependsOn: [...new Set(on)].sort() })),
  };
}

async function productOf(folder) {
  const { name, version, license } = await readJson(path.join(folder, 'package.json'));
  const purl = `pkg:npm/${name}@${version}`;
  return { type: 'library', 'bom-ref': purl, name, version, licenses: [{ expression: license }], purl };
}

function crateComponent({ name, version, license, checksum, repository }, purl) {
  return {
    type: 'library',
    'bom-ref': purl,
    name,
    version,
    ...(checksum ? { hashes: [{ alg: 'SHA-256', content: checksum }] } : {}),
    // Older crates write a slash where SPDX has OR.
    licenses: [{ expression: license.replaceAll(/\s*\/\s*/g, ' OR ') }],
    purl,
    ...(repository ? { externalReferences: [{ type: 'vcs', url: repository }] } : {}),
  };
}

function npmComponent({ version, license, integrity }, name, purl) {
  const [, sha512] = /^sha512-(\S+)/.exec(integrity);
  const content = Buffer.from(sha512, 'base64').toString('hex');
  return {
    type: 'library',
    'bom-ref': purl,
    name,
    version,
    hashes: [{ alg: 'SHA-512', content }],
    licenses: [{ expression: license }],
    purl,
  };
}

// Node's own way: beside who asks, then in each folder above.
function resolved(packages, from, name) {
  for (let folder = from; ; folder = folder.slice(0, Math.max(0, folder.lastIndexOf('/node_modules/')))) {
    const at = `${folder}${folder ? '/' : ''}node_modules/${name}`;
    if (packages[at]) return at;
    if (folder === '') throw new Error(`${name} is not in package-lock.json`);
  }
}

function purlOf(packages, at) {
  return `pkg:npm/${nameAt(at).replace('@', '%40')}@${packages[at].version}`;
}

function nameAt(at) {
  return at.slice(at.lastIndexOf('node_modules/') + 'node_modules/'.length);
}

async function readJson(file) {
  return JSON.parse(await readFile(file, 'utf8'));
}
