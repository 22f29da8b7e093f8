import vue from '@vitejs/plugin-vue';
import { defineConfig } from 'vite';

/** The pages. Everything in files of their own: the content security policy allows nothing inline. */
export default defineConfig({
  base: './',
  plugins: [vue()],
  // The package is a link to the repository, which has a Vue of its own for its tests. A page must have one.
  resolve: { dedupe: ['vue', 'pinia'] },
  build: {
    target: 'chrome108',
    outDir: 'dist/renderer',
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
});
