// Bundles what the tests' own apps load, as an app does with its code.
import { build } from 'vite';

/** Electron 22 is the oldest that this package runs in. */
const TARGETS = { cjs: 'node16', iife: 'chrome108' };

/**
 * Bundles one file of an app.
 *
 * @param {object} options
 * @param {string} options.app the app's folder
 * @param {string} options.entry its file
 * @param {string} options.folder where to
 * @param {string} options.file under this name
 * @param {'cjs' | 'iife'} [options.format] for main and preload scripts, or for pages
 */
export async function bundle({ app, entry, folder, file, format = 'cjs' }) {
  await build({
    root: app,
    configFile: false,
    logLevel: 'error',
    build: {
      target: TARGETS[format],
      outDir: folder,
      emptyOutDir: false,
      minify: false,
      lib: { entry, formats: [format], name: 'page', fileName: () => file },
      rollupOptions: { external: ['electron'] },
    },
  });
}
