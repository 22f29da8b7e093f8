// Chromium does not start its sandbox for root. Containers and CI are root; nobody else loses it.

/** What Electron must be told to start as this user; says so when that takes protection away. */
export function sandboxArguments() {
  if (process.platform === 'win32' || process.getuid() !== 0) return [];
  console.log(
    '· Running as root, so Electron starts with --no-sandbox. As another user it keeps its sandbox.',
  );
  return ['--no-sandbox'];
}
