import vue from '@vitejs/plugin-vue';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  plugins: [vue()],
  // The package is a link to the repository, which has a Vue of its own for its tests. A page must have one.
  resolve: { dedupe: ['vue', 'pinia'] },
  test: { environment: 'happy-dom', include: ['src/**/*.test.ts'] },
});
