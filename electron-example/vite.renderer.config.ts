import vue from '@vitejs/plugin-vue';
import { defineConfig } from 'vite';

/** The pages. Everything in files of their own: the content security policy allows nothing inline. */
export default defineConfig({
  base: './',
  plugins: [vue()],
  build: {
    target: 'chrome108',
    outDir: 'dist/renderer',
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
});
