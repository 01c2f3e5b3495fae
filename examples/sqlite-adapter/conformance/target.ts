import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type ConformanceTarget, RoughNetwork } from '@locks/core/conformance'
import { sqliteStore } from '../src/sqlite-store.ts'

// The kit loads this module in processes of its own, too. They inherit the variable, and so use the same database.
process.env.LOCKS_SQLITE_FOLDER ??= mkdtempSync(join(tmpdir(), 'locks-sqlite-'))
const folder = process.env.LOCKS_SQLITE_FOLDER

const network = new RoughNetwork(() => sqliteStore(join(folder, 'locks.db')))

export const target: ConformanceTarget = {
  name: 'sqlite',
  capabilities: network.connect().capabilities,
  connect: () => network.connect(),
  module: import.meta.url,
  faults: { ...network.faults, restart: () => network.reopen() },
  close: () => rmSync(folder, { recursive: true }),
}
