import { defineConfig } from 'vitest/config'
import { testOptions } from '../vitest.base.ts'

export default defineConfig({
  test: {
    ...testOptions,
    globalSetup: 'servers/container-setup.ts',
    // These tests start processes and measure time: one file after the other.
    fileParallelism: false,
    // Tests that are declared concurrent start several processes each.
    maxConcurrency: 3,
  },
})
