// The official Clerk client, which the fake Clerk of the tests is held against. Its package brings hundreds of others for
// wallets that it loads on demand; the one file that is used here needs none of them, so it is taken out of the tarball alone.

import { createHash } from 'node:crypto';
import { copyFile, mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { npm, run } from './processes.mjs';
import { cache } from './repo.mjs';

const NAME = '@clerk/clerk-js';
const VERSION = '6.34.1';
const INTEGRITY =
  'sha512-PcM/x9lzmDU5bQ8jaJjkWYncJbAYL5hlxHG3jkO4SLG39apLqfBuFCaRw27ptIkwRCTJnY+a6Nvml3gk8G1CZA==';
const FILE = 'package/dist/clerk.no-rhc.js';

/** Where it lies: one file of CommonJS. */
export const CLERK_CLIENT = path.join(cache, 'clerk-js', VERSION, 'clerk.no-rhc.js');

export function clerkClientSteps() {
  return [
    {
      name: 'Clerk client',
      doing: `npm pack ${NAME}@${VERSION}`,
      fingerprint: async () => INTEGRITY,
      outputs: [CLERK_CLIENT],
      run: async ({ log }) => {
        const folder = await mkdtemp(path.join(tmpdir(), 'latchkey-clerk-'));
        try {
          await npm(['pack', '--silent', `${NAME}@${VERSION}`], { cwd: folder, onOutput: log });
          const tarball = `clerk-clerk-js-${VERSION}.tgz`;
          const bytes = await readFile(path.join(folder, tarball));
          const found = `sha512-${createHash('sha512').update(bytes).digest('base64')}`;
          if (found !== INTEGRITY) throw new Error(`${tarball} is not the one that was looked at: ${found}`);
          await run('tar', ['-xzf', tarball, FILE], { cwd: folder, onOutput: log });
          await mkdir(path.dirname(CLERK_CLIENT), { recursive: true });
          await copyFile(path.join(folder, FILE), CLERK_CLIENT);
        } finally {
          await rm(folder, { recursive: true, force: true });
        }
      },
    },
  ];
}
