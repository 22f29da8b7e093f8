// A screen. Where there is none, Xvfb brings one that nobody sees.

import { ready, start } from './processes.mjs';

/** Whether a window would need a screen brought along. */
export function needsScreen() {
  return process.platform === 'linux' && !process.env.DISPLAY && !process.env.WAYLAND_DISPLAY;
}

/** The environment and the arguments that put Electron's windows on the screen there is, or on a new one. */
export async function openDisplay() {
  if (!needsScreen()) {
    const onlyWayland = process.env.WAYLAND_DISPLAY && !process.env.DISPLAY;
    return { env: {}, args: onlyWayland ? ['--ozone-platform=wayland'] : [], brought: false };
  }
  // `-displayfd` lets Xvfb choose a free number itself and say it when it is ready.
  const options = ['-displayfd', '3', '-screen', '0', '1400x1000x24', '-nolisten', 'tcp'];
  const server = start('Xvfb', options, { stdio: ['ignore', 'ignore', 'pipe', 'pipe'] });
  const [, number] = await ready(server, { name: 'Xvfb', pattern: /^(\d+)\n/m, stream: server.stdio[3] });
  return { env: { DISPLAY: `:${number}` }, args: [], brought: true };
}
