import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    testTimeout: 30_000,
    hookTimeout: 60_000,
    // Most tests wait for a server most of the time; by itself vitest leaves one processor to its own main thread.
    maxWorkers: 2,
  },
})
