// Makes the files of this folder anew: real versions of conf, and real Electron with a real keyring. README.md says how.
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const here = fileURLToPath(new URL('.', import.meta.url));
const work = mkdtempSync(path.join(tmpdir(), 'latchkey-fixtures-'));
const values = JSON.parse(readFileSync(path.join(here, 'values.json'), 'utf8'));
const KEY = 'the key in the app’s code';

/** Several of each where the salt is the IV as text: what becomes of bytes that are no UTF-8 differs from IV to IV. */
const FILES = [
  ...['1.4.0', '4.1.0'].map((version) => ({ version, encryptionKey: KEY })),
  ...['5.0.0', '6.2.4', '7.1.2', '10.2.0', '13.1.0', '14.0.0'].flatMap((version) =>
    [1, 2, 3].map((number) => ({ version, encryptionKey: KEY, number })),
  ),
  ...['15.1.0', '16.0.0'].flatMap((version) =>
    ['aes-256-cbc', 'aes-256-gcm', 'aes-256-ctr'].map((encryptionAlgorithm) => ({
      version,
      encryptionKey: KEY,
      encryptionAlgorithm,
    })),
  ),
  ...['1.4.0', '10.2.0', '16.0.0'].map((version) => ({ version })),
];

function install(name, version) {
  const folder = path.join(work, `${name}-${version}`);
  mkdirSync(folder, { recursive: true });
  writeFileSync(path.join(folder, 'package.json'), '{"name":"fixtures","version":"1.0.0"}');
  const args = [
    'install',
    '--silent',
    '--no-audit',
    '--no-fund',
    '--ignore-scripts',
    '--engine-strict=false',
  ];
  execFileSync('npm', [...args, `${name}@${version}`], { cwd: folder, stdio: 'inherit' });
  return folder;
}

const WRITE = `
const { options, values } = JSON.parse(process.argv[1]);
const loaded = (await import('conf')).default;
const Conf = loaded.default ?? loaded;
const conf = new Conf(options);
for (const [key, value] of Object.entries(values)) conf.set(key, value);
`;

function fromConf() {
  const installed = new Map();
  for (const { version, number, ...encryption } of FILES) {
    if (!installed.has(version)) installed.set(version, install('conf', version));
    const name = [
      'conf',
      version,
      encryption.encryptionAlgorithm,
      encryption.encryptionKey ? 'key' : 'plain',
      number,
    ]
      .filter(Boolean)
      .join('-');
    const options = { cwd: work, configName: name, projectName: 'fixtures', ...encryption };
    const folder = installed.get(version);
    const args = [
      '--input-type=module',
      '--no-deprecation',
      '-e',
      WRITE,
      JSON.stringify({ options, values }),
    ];
    execFileSync(process.execPath, args, { cwd: folder, stdio: 'inherit' });
    copyFileSync(path.join(work, `${name}.json`), path.join(here, `${name}.conf`));
  }
}

/** electron-store 8.2 and safeStorage in Electron, as the usual recipe has them. */
function fromElectron() {
  // Inside the folder of the installation, so that it finds electron-store.
  const app = path.join(install('electron-store', '8.2.0'), 'app');
  mkdirSync(app);
  for (const file of readdirSync(path.join(here, 'app')))
    copyFileSync(path.join(here, 'app', file), path.join(app, file));
  const out = path.join(work, 'out');
  mkdirSync(out);
  for (const store of process.env.STORES?.split(',') ?? ['gnome-libsecret']) {
    const args = [
      '--no-sandbox',
      `--user-data-dir=${path.join(work, store)}`,
      `--password-store=${store}`,
      app,
    ];
    const env = { ...process.env, FIXTURE_OUT: out, FIXTURE_STORE: store };
    execFileSync(process.env.ELECTRON_PATH, args, { env, stdio: 'inherit' });
  }
  for (const file of readdirSync(out)) copyFileSync(path.join(out, file), path.join(here, file));
}

const wanted = process.argv[2] ?? 'all';
if (wanted !== 'electron') fromConf();
if (wanted !== 'conf') fromElectron();
