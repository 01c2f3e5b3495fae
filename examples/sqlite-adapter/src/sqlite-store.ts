import { resolve } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { type LockKey, lockKey, type RecordRead, type RecordStore } from '@locks/core'
import { hostClock } from './host-clock.ts'

const SCHEMA = `
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = FULL;
  CREATE TABLE IF NOT EXISTS record (
    version INTEGER PRIMARY KEY AUTOINCREMENT, key TEXT NOT NULL UNIQUE, value TEXT NOT NULL, until REAL NOT NULL);
  CREATE TABLE IF NOT EXISTS removed (one INTEGER PRIMARY KEY CHECK (one = 1), records INTEGER, fence INTEGER);
  INSERT OR IGNORE INTO removed VALUES (1, 0, 0);`

/** Of a key's record or, where there is none, of its absence: minus the number of removals so far. */
const VERSION = 'coalesce((SELECT version FROM record WHERE key = :key), -(SELECT records FROM removed))'

const READ = `SELECT ${VERSION} AS version, (SELECT value FROM record WHERE key = :key) AS value, fence AS floor
  FROM removed`
const WRITE = `REPLACE INTO record (key, value, until) SELECT :key, :value, :until WHERE ${VERSION} = :version`
const COUNT_REMOVAL = 'UPDATE removed SET records = records + 1, fence = max(fence, :fence)'
const REMOVE = 'DELETE FROM record WHERE key = :key AND version = :version'

/** As JSON: a text with a NUL in it does not come back whole from node:sqlite before Node.js 24. */
const textOf = ({ namespace, name }: LockKey): string => JSON.stringify([namespace, name])
const keyOf = (text: unknown): LockKey => lockKey(...(JSON.parse(text as string) as [string, string]))

export function sqliteStore(path: string): RecordStore<bigint> {
  const location = resolve(path)
  const clock = hostClock()
  let opened: DatabaseSync | undefined

  function database(): DatabaseSync {
    if (opened === undefined) {
      const opening = new DatabaseSync(location, { timeout: 1_000, readBigInts: true })
      opening.exec(SCHEMA)
      opened = opening
    }
    return opened
  }

  const keys = (where: string): LockKey[] => {
    const rows = database().prepare(`SELECT key FROM record ${where}`).all()
    return rows.map(({ key }) => keyOf(key))
  }

  return {
    name: 'sqlite',
    location,
    clock,
    presence: null,
    ttl: { min: 20, max: 365 * 86_400_000, infinite: true },
    queue: 'fifo',
    pollInterval: 50,
    idleRecords: 'remove',
    guarantee: {
      scope: 'host',
      expiry: clock === null ? 'observation' : 'shared clock',
      deadHolder: 'after its ttl',
      lateRequests: 'refused',
      exclusionAcross: { restart: true, failover: 'n/a', dataLoss: false, clockStep: true },
      fencingAcross: { restart: true, dataLoss: false },
      caveat: 'Holds between the processes of one host that use the same database file, on a local disk.',
    },

    async read(key) {
      return database()
        .prepare(READ)
        .get({ key: textOf(key) }) as unknown as RecordRead<bigint>
    },

    async write(key, version, { value, keepFor }) {
      const parameters = { key: textOf(key), version, value, until: Date.now() + keepFor }
      // Not with RETURNING and get(), which would answer before the commit, and swallow its failure.
      const { changes, lastInsertRowid } = database().prepare(WRITE).run(parameters)
      return changes === 1n ? (lastInsertRowid as bigint) : null
    },

    async remove(key, version, fence) {
      database().prepare(COUNT_REMOVAL).run({ fence })
      return (
        database()
          .prepare(REMOVE)
          .run({ key: textOf(key), version }).changes === 1n
      )
    },

    watch: null,

    async names(namespace, prefix) {
      const names = keys('').flatMap((key) => (key.namespace === namespace ? [key.name] : []))
      return names.filter((name) => name.startsWith(prefix))
    },

    async sweep(prune) {
      for (const key of keys(`WHERE until < ${Date.now()} LIMIT 100`)) await prune(key)
    },

    async close() {
      opened?.close()
      opened = undefined
    },
  }
}
