import { defineConfig } from 'vite';

/** The preload script: one file, because a sandboxed preload can load `electron` and nothing else. */
export default defineConfig({
  ssr: { noExternal: true },
  build: {
    ssr: 'src/preload/index.ts',
    target: 'chrome108',
    outDir: 'dist/preload',
    rolldownOptions: {
      external: ['electron'],
      output: { format: 'cjs', entryFileNames: 'index.cjs' },
    },
  },
});
