// The system libraries Electron needs on Linux, and what brings a screen and a keyring where there is none.
// On Debian and its children they are installed when we are root; otherwise the one command is named.

import { existsSync, readdirSync } from 'node:fs';
import { onPath, run } from './processes.mjs';

export const SYSTEM_LIBRARIES = 'System libraries';

/** What is looked for, and the Debian package that brings it (`newName`: what newer releases call it). */
const NEEDED = [
  { package: 'build-essential', program: 'cc' },
  { package: 'libgtk-3-0', newName: 'libgtk-3-0t64', library: 'libgtk-3.so.0' },
  { package: 'libnss3', library: 'libnss3.so' },
  { package: 'libasound2', newName: 'libasound2t64', library: 'libasound.so.2' },
  { package: 'libgbm1', library: 'libgbm.so.1' },
];
const NEEDED_FOR_SCREEN = [{ package: 'xvfb', program: 'Xvfb' }];
const NEEDED_FOR_KEYRING = [
  { package: 'dbus', program: 'dbus-daemon' },
  { package: 'gnome-keyring', program: 'gnome-keyring-daemon' },
  { package: 'libsecret-tools', program: 'secret-tool' },
];

/** Another apt may be at work, such as the system's own updates. */
const WAIT = ['-o', 'DPkg::Lock::Timeout=120'];

/** The step, or nothing where the system is not Linux. */
export function systemPackagesSteps(needs) {
  if (process.platform !== 'linux') return [];
  return [
    {
      name: SYSTEM_LIBRARIES,
      async run({ log }) {
        const missing = missingPackages(needs);
        if (missing.length === 0) return 'all there';
        await install(missing, log);
        const still = missingPackages(needs).map((entry) => entry.package);
        if (still.length > 0) throw new Error(`installed, and still not found: ${still.join(', ')}`);
        return `installed ${missing.map((entry) => entry.package).join(' ')}`;
      },
    },
  ];
}

/** The packages whose program or library is not on this machine. */
function missingPackages({ screen, keyring }) {
  const wanted = [...NEEDED, ...(screen ? NEEDED_FOR_SCREEN : []), ...(keyring ? NEEDED_FOR_KEYRING : [])];
  const folders = libraryFolders();
  return wanted.filter(({ program, library }) =>
    program ? !onPath(program) : !folders.some((folder) => existsSync(`${folder}/${library}`)),
  );
}

async function install(missing, log) {
  if (!onPath('apt-get')) {
    const names = missing.map((entry) => entry.package).join(', ');
    throw new Error(`this system lacks what Debian calls ${names}. Install them, then start again.`);
  }
  const options = { env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }, onOutput: log };
  const mayInstall = process.getuid() === 0;
  if (mayInstall) await run('apt-get', [...WAIT, 'update'], options);
  const args = ['install', '--yes', '--no-install-recommends', ...(await Promise.all(missing.map(nameHere)))];
  if (!mayInstall) {
    throw new Error(
      `something is missing. Run this once, then start again:\n  sudo apt-get ${args.join(' ')}`,
    );
  }
  await run('apt-get', [...WAIT, ...args], options);
}

async function nameHere(entry) {
  if (!entry.newName) return entry.package;
  return run('apt-cache', ['show', entry.newName]).then(
    () => entry.newName,
    () => entry.package,
  );
}

// Where the dynamic linker looks on the distributions that Electron runs on.
function libraryFolders() {
  const multiarch = readdirSync('/usr/lib').filter((name) => name.endsWith('-linux-gnu'));
  return [...multiarch.map((name) => `/usr/lib/${name}`), '/usr/lib', '/lib', '/usr/lib64', '/lib64'];
}
