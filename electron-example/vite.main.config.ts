import { defineConfig } from 'vite';

/** The main process: CommonJS for Electron 22 (Node 16) and later. The addon's package stays outside the bundle. */
export default defineConfig({
  build: {
    ssr: 'src/main/index.ts',
    target: 'node16',
    outDir: 'dist/main',
    rolldownOptions: {
      external: ['electron', /^electron-latchkey(\/|$)/, /^node:/],
      output: { format: 'cjs', entryFileNames: 'index.cjs' },
    },
  },
});
