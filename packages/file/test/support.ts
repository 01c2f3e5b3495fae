import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { RecordWrite } from '@locks/core'
import { onTestFinished } from 'vitest'

/** A path that doesn't exist yet, in a directory that goes with the test. */
export function freshDirectory(): string {
  const parent = mkdtempSync(join(tmpdir(), 'locks-file-'))
  onTestFinished(() => rmSync(parent, { recursive: true, force: true }))
  return join(parent, 'store')
}

export function record(value: string, { fence = 0n, essence = 'essence' } = {}): RecordWrite {
  return { value, fence, holders: [], moved: true, keepFor: 0, essence: () => essence }
}

export async function until<T>(what: string, look: () => T | Promise<T>, limit = 5_000): Promise<NonNullable<T>> {
  for (const started = performance.now(); ; ) {
    const found = await look()
    if (found !== undefined && found !== null && found !== false) return found
    if (performance.now() - started > limit) throw new Error(`not within ${limit} ms: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}
