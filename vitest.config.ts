import { defineConfig } from 'vitest/config'

/** Whatever speaks to a server or a store of the tests' own runs on both databases; the rest is about one of them or none. */
const ON_BOTH = 'packages/server/test/{http,races}/**/*.test.ts'
const ON_POSTGRES = 'packages/server/test/nodes/**/*.test.ts'

export default defineConfig({
  test: {
    testTimeout: 30_000,
    hookTimeout: 60_000,
    // Two cores, and tests that start servers and browsers: more files at once only make each of them slower.
    maxWorkers: 2,
    projects: [
      {
        extends: true,
        test: {
          name: 'sqlite',
          include: ['packages/*/test/**/*.test.ts', 'bench/**/*.test.ts'],
          exclude: [ON_POSTGRES],
          globalSetup: ['packages/server/test/setup/postgres-server.ts'],
        },
      },
      {
        extends: true,
        test: {
          name: 'postgres',
          include: [ON_BOTH, ON_POSTGRES],
          globalSetup: ['packages/server/test/setup/postgres-server.ts'],
          env: { OSTIARY_TEST_STORE: 'postgres' },
        },
      },
    ],
  },
})
