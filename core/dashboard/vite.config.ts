// How the pages are built and tested. The output folder is embedded by core/api; nothing in it is loaded from elsewhere.
import react from '@vitejs/plugin-react';
import { defineConfig } from 'vitest/config';

const hub = process.env.IRONCORE_SERVER ?? 'http://127.0.0.1:8007';

export default defineConfig({
  plugins: [react()],
  build: {
    outDir: 'dist',
    emptyOutDir: true,
    target: 'es2022',
    // A content security policy without data: URIs stays possible.
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 900,
  },
  server: {
    host: '127.0.0.1',
    proxy: { '/api': { target: hub, changeOrigin: false } },
  },
  test: {
    include: ['src/**/*.test.ts'],
    environment: 'node',
    env: { TZ: 'UTC' },
  },
});
