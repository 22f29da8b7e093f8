// @vitest-environment node
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { pathUnder, serveFile } from './serve-file';

const ORIGIN = 'app://latchkey-example';
let folder: string;
let root: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'serve-file-'));
  root = join(folder, 'renderer');
  await mkdir(join(root, 'assets'), { recursive: true });
  await mkdir(join(folder, 'renderer-other'));
  await writeFile(join(root, 'index.html'), '<!doctype html>');
  await writeFile(join(root, 'assets', 'main.js'), '1');
  await writeFile(join(root, 'assets', 'main.js.map'), '{}');
  await writeFile(join(folder, 'secret.html'), 'secret');
  await writeFile(join(folder, 'renderer-other', 'secret.html'), 'secret');
});

afterAll(() => rm(folder, { recursive: true }));

function serve(url: string, method = 'GET') {
  return serveFile(root, 'latchkey-example', method, url);
}

describe('serveFile', () => {
  it('serves a page with its type and a policy that lets it load nothing from elsewhere', async () => {
    const { status, headers, body } = await serve(`${ORIGIN}/index.html?a=1#b`);
    expect([status, body.toString()]).toEqual([200, '<!doctype html>']);
    expect(headers['Content-Type']).toBe('text/html; charset=utf-8');
    expect(headers['Content-Security-Policy']).toMatch(/^default-src 'none'; script-src 'self';/);
    expect(headers['Content-Security-Policy']).toContain("connect-src 'none'");
    expect(headers['Content-Security-Policy']).not.toMatch(/unsafe|\*|https?:/);
  });

  it('serves files in folders', async () => {
    expect((await serve(`${ORIGIN}/assets/main.js`)).headers['Content-Type']).toMatch(/^text\/javascript/);
  });

  it.each([
    `${ORIGIN}/../secret.html`,
    `${ORIGIN}/%2e%2e/secret.html`,
    `${ORIGIN}/%2e%2e%2fsecret.html`,
    `${ORIGIN}/assets/..%2f..%2fsecret.html`,
    `${ORIGIN}/..%2frenderer-other/secret.html`,
    `${ORIGIN}/%00/index.html`,
    `${ORIGIN}/index.html%00.html`,
    `${ORIGIN}/%`,
    `${ORIGIN}/`,
    `${ORIGIN}//etc/passwd`,
    `${ORIGIN}/assets`,
    `${ORIGIN}/missing.html`,
    `${ORIGIN}/assets/main.js.map`,
    'app://other/index.html',
    'app:index.html',
    'not a url',
  ])('answers 404 to %s', async (url) => {
    const { status, body } = await serve(url);
    expect([status, body.length]).toEqual([404, 0]);
  });

  it('answers only GET', async () => {
    expect((await serve(`${ORIGIN}/index.html`, 'POST')).status).toBe(405);
  });
});

describe('pathUnder', () => {
  it('keeps every path inside the root', () => {
    expect(pathUnder(root, 'latchkey-example', `${ORIGIN}/../../index.html`)).toBe(join(root, 'index.html'));
    expect(pathUnder(root, 'latchkey-example', `${ORIGIN}/..%2f..%2findex.html`)).toBeNull();
  });
});
