// A package registry of a few packages, for npm to install them from as it does from its own.

import { once } from 'node:events';
import { createReadStream } from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { run } from '../../scripts/processes.mjs';

export class Registry {
  /** The tarballs that were asked for, by name. */
  fetched = [];
  #packages = new Map();
  #files = new Map();
  #server = http.createServer((request, response) => this.#answer(request, response));

  /** @param {import('node:test').TestContext} t it is gone when this test ends */
  static async start(t) {
    const registry = new Registry();
    registry.#server.listen(0, '127.0.0.1');
    await once(registry.#server, 'listening');
    t.after(() => {
      registry.#server.close();
      registry.#server.closeAllConnections();
    });
    return registry;
  }

  get url() {
    return `http://127.0.0.1:${this.#server.address().port}/`;
  }

  /** Publishes a tarball as `packMain` and `packPlatform` answer it. */
  async publish({ file, integrity }) {
    const manifest = JSON.parse(await run('tar', ['-xzOf', file, 'package/package.json']));
    this.#files.set(`/${path.basename(file)}`, file);
    this.describe(manifest, { integrity, tarball: path.basename(file) });
  }

  /** Publishes what is known of a package, without the package itself. */
  describe(manifest, { integrity, tarball = `${manifest.name}.tgz` } = {}) {
    const { name, version } = manifest;
    const dist = { tarball: `${this.url}${tarball}`, ...(integrity ? { integrity } : {}) };
    this.#packages.set(`/${name}`, {
      name,
      'dist-tags': { latest: version },
      versions: { [version]: { ...manifest, dist } },
    });
  }

  #answer({ url }, response) {
    if (url.endsWith('.tgz')) this.fetched.push(url.slice(1));
    if (this.#packages.has(url)) response.end(JSON.stringify(this.#packages.get(url)));
    else if (this.#files.has(url)) createReadStream(this.#files.get(url)).pipe(response);
    else response.writeHead(404).end('{}');
  }
}
