import { defineConfig } from 'vitest/config'
import { testOptions } from '../vitest.base.ts'

const { reporters = [], ...options } = testOptions
const common = { ...options, globalSetup: 'servers/container-setup.ts' }
/** Whole runs of the kit, each with a server of its own. */
const kits = [
  'test/file/conformance.test.ts',
  'test/examples.test.ts',
  'test/redis/kit/*.test.ts',
  'test/etcd/kit/*.test.ts',
  'test/k8s/kit/*.test.ts',
  'test/memcached/kit/*.test.ts',
]

export default defineConfig({
  test: {
    reporters,
    projects: [
      {
        test: {
          ...common,
          name: 'one by one',
          exclude: kits,
          setupFiles: 'test/standstill.ts',
          // None, but where that file says so.
          retry: { count: 2, condition: /(?!)/ },
          // These tests start processes and measure time: one file after the other.
          fileParallelism: false,
          // Tests that are declared concurrent start several processes each.
          maxConcurrency: 3,
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          ...common,
          name: 'kits',
          include: kits,
          // They wait most of the time.
          maxWorkers: 4,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
})
