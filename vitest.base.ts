import type { ViteUserConfig } from 'vitest/config'

/** What the test runs of all packages have in common. */
export const testOptions: ViteUserConfig['test'] & object = {
  include: ['test/**/*.test.ts'],
  pool: 'forks',
  testTimeout: 30_000,
  hookTimeout: 30_000,
  retry: 0,
  reporters: ['default', ['json', { outputFile: 'reports/vitest.json' }]],
  // Built packages are loaded by Node.js itself, as a user's program loads them.
  server: { deps: { external: [/\/dist\/.*\.js$/] } },
}
