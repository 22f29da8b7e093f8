// The bills of materials that a release carries. That they fit CycloneDX's own schema was tried by hand: it has no package that
// brings the schema without a validator's tree of dependencies.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { addonMaterials, packageMaterials } from '../../scripts/materials.mjs';
import { root } from '../../scripts/repo.mjs';
import { platforms } from '../../scripts/tarballs.mjs';

const lock = await readFile(path.join(root, 'Cargo.lock'), 'utf8');
const ONLY_ON = {
  darwin: 'apple-native-keyring-store',
  linux: 'zbus-secret-service-keyring-store',
  win32: 'windows-native-keyring-store',
};

for (const platform of await platforms()) {
  test(`the bill of ${platform} lists the crates in the addon, each as Cargo.lock has it`, async () => {
    const { components, metadata } = await addonMaterials(platform);
    assert.equal(metadata.component.name, `electron-latchkey-${platform}`);
    for (const { name, version, hashes } of components) {
      const entry = `name = "${name}"\nversion = "${version}"\n`;
      const [, rest] = lock.split(entry);
      assert.ok(
        rest?.split('\n\n', 1)[0].includes(`checksum = "${hashes[0].content}"`),
        `${name} ${version}`,
      );
    }
    const names = components.map(({ name }) => name);
    for (const name of ['ring', 'rustls', 'napi', 'tokio']) assert.ok(names.includes(name), name);
    for (const [system, name] of Object.entries(ONLY_ON)) {
      assert.equal(names.includes(name), platform.startsWith(system), name);
    }
    for (const name of ['proptest', 'napi-build', 'serde_derive', 'electron-latchkey']) {
      assert.ok(!names.includes(name), `${name} is not in the addon`);
    }
  });

  test(`in the bill of ${platform} everything is reached from the package, and names what is there`, async () => {
    const { components, dependencies, metadata } = await addonMaterials(platform);
    assertConnected({ components, dependencies, metadata });
  });
}

test('the bill of the package lists the npm packages that it installs', async () => {
  const bill = await packageMaterials();
  const { dependencies } = JSON.parse(await readFile(path.join(root, 'package.json'), 'utf8'));
  const names = bill.components.map(({ name }) => name);
  for (const name of Object.keys(dependencies)) assert.ok(names.includes(name), name);
  for (const { purl, hashes } of bill.components) {
    assert.match(purl, /^pkg:npm\//);
    assert.match(hashes[0].content, /^[0-9a-f]{128}$/);
  }
  assertConnected(bill);
});

function assertConnected({ components, dependencies, metadata }) {
  const on = new Map(dependencies.map(({ ref, dependsOn }) => [ref, dependsOn]));
  const reached = new Set([metadata.component['bom-ref']]);
  for (const ref of reached) for (const next of on.get(ref)) reached.add(next);
  const refs = [metadata.component, ...components].map((component) => component['bom-ref']);
  assert.equal(new Set(refs).size, refs.length, 'no two have one name');
  assert.deepEqual([...reached].sort(), refs.sort());
}
