import { defineConfig } from 'vitest/config'
import { testOptions } from '../../vitest.base.ts'

const { reporters = [], ...options } = testOptions
const mutants = 'test/mutants/*.test.ts'

export default defineConfig({
  test: {
    reporters,
    projects: [
      // It keeps several processes busy by itself.
      { test: { ...options, name: 'mutants', include: [mutants], sequence: { groupOrder: 0 } } },
      // They wait most of the time.
      { test: { ...options, name: 'core', exclude: [mutants], maxWorkers: 3, sequence: { groupOrder: 1 } } },
    ],
  },
})
