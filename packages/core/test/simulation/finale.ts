import { Lock } from '../../src/index.ts'
import { breakLock } from './break.ts'
import type { Cast } from './cast.ts'
import type { Client } from './client.ts'
import type { Root } from './ledger.ts'
import { outcomeOf } from './outcome.ts'

/** Milliseconds: for which a task may go on, at the very most; for which core takes back what it gave up; for a close. */
const PATIENCE = 3_600_000
const UNDO = 45_000
const CLOSE = 12_000
/** Milliseconds for which a timer may stay on after the last use. */
const LINGER = 1_100
/** Milliseconds of trouble after which core may have given up taking something back. */
const IN_VAIN = 25_000

/** The trouble is over: everybody comes to an end, and leaves nothing. */
export async function finale(cast: Cast): Promise<void> {
  const { world, checks, tasks } = cast
  cast.wire.clearUp()
  world.note('-', 'the trouble is over')
  for (const root of checks.ledger.roots.values())
    if (root.clearedAt > world.now && root.leavingAt < world.now - IN_VAIN) root.excuse ??= 'taken back in vain'
  const tired = world.after(PATIENCE, () =>
    world.fail('progress', `${tasks.count} tasks have not come to their end in ${PATIENCE} ms`),
  )
  await tasks.done()
  tired.run = undefined
  world.note('-', 'all tasks have come to their end')
  await world.sleep(UNDO)
  if (checks.scenario.variant.kind === 'record') await emptyStore(cast)
  for (const { name } of checks.scenario.keys) {
    checks.audit(name)
    nothingLeftBehind(cast, name)
    await fresh(cast, name)
  }
  await Promise.all(cast.living.map((client) => closeDown(cast, client)))
  await world.sleep(CLOSE + 2 * LINGER)
}

/** What a process of its own gave up, it has taken back. */
function nothingLeftBehind({ checks, world }: Cast, key: string): void {
  const isLeft = (root: Root): boolean => checks.ledger.mayBeThere(root, world.now) && !checks.ledger.broken(root)
  for (const root of checks.ledger.roots.values())
    if (root.key === key && root.excuse === undefined && isLeft(root))
      world.fail('undo', `${root.owner} of ${root.process.name} has not been taken back, nor released`)
}

/** Somebody new gets the lock at once, unless somebody who died may still hold it; then once that has run out. */
async function fresh(cast: Cast, name: string): Promise<void> {
  const { checks, world } = cast
  const client = cast.enter()
  const lock = new Lock(name, { backend: client.backend, ttl: 1_000, metadata: '' })
  const excused = [...checks.ledger.roots.values()].filter(
    (root) => root.key === name && checks.ledger.mayBeThere(root, world.now),
  )
  const until = excused.reduce((latest, root) => Math.max(latest, root.until), 0)
  if (await taken(cast, lock)) return
  const why = excused.map(({ owner, excuse }) => `${owner}: ${excuse}`).join(', ')
  if (excused.length === 0) {
    world.fail('orphan', `${name} is not free, though nobody has it`)
    return
  }
  if (until === Number.POSITIVE_INFINITY) {
    if ((await breakLock(cast, client, name)) !== true)
      world.fail('orphan', `${name} is held for ever (${why}), and cannot be broken`)
  } else {
    const longest = excused.reduce((most, root) => Math.max(most, root.longest), 0)
    await world.sleep(Math.max(until - world.now, checks.ledger.observed ? longest * 1.02 + 1_000 : 0))
  }
  // Dead waiters may be granted it one after the other, each for a moment.
  for (let round = 0; round < 2 + 2 * excused.length; round += 1) {
    if (await taken(cast, lock)) return
    await world.sleep(10_000)
  }
  if (!(await taken(cast, lock)))
    world.fail('orphan', `${name} is not free, though all that could hold it has run out (${why})`)
}

async function taken({ world }: Cast, lock: Lock): Promise<boolean> {
  const outcome = await outcomeOf(lock.tryAcquire())
  if ('error' in outcome) {
    if ((outcome.error as { code?: string }).code !== 'LOCK_MISMATCH')
      world.fail('answers', `at last: ${outcome.error}`)
    return false
  }
  if (outcome.value === null) return false
  const released = await outcomeOf(outcome.value.release())
  if (!('value' in released && released.value)) world.fail('owner', 'nobody else is there, and a release fails')
  return true
}

/** A client closes its backend; then nothing of it is left. */
export async function closeDown(cast: Cast, client: Client): Promise<void> {
  const { world, checks } = cast
  const { process, store } = client
  const from = world.now
  world.note(process.name, 'closes')
  // What is lost by now, it does not release any more.
  for (const entry of checks.ledger.entries)
    if (entry.process === process && entry.lostAt !== undefined) entry.root.excuse ??= 'closed after its loss'
  await client.close()
  // What fails while it closes is not tried again.
  if (process.disturbedAt >= from - UNDO || checks.scenario.weather.most > 3) cast.excuse(client, 'closed in trouble')
  const failIf = (left: boolean, what: string): void => {
    if (left) world.fail('residue', `${process.name} ${what} after its close`)
  }
  world.after(CLOSE - 1, () =>
    process.deliver(() => {
      failIf((store?.watching ?? 0) > 0, 'watches records')
      // Whoever gives something up that was lost long ago wakes it once more.
      const again = (): void => failIf(process.timers > 0, `has ${process.timers} timers`)
      if (process.timers > 0) world.after(LINGER, () => process.deliver(again))
    }),
  )
}

/** Free locks leave no records, where the store says so. */
async function emptyStore({ checks, memory, world }: Cast): Promise<void> {
  const names = await memory.names('', '')
  const roots = [...checks.ledger.roots.values()]
  // What was not removed in trouble is left to a sweep.
  if (checks.scenario.rough || checks.scenario.weather.most > 3) return
  if (checks.scenario.variant.traits.idleRecords === 'remove' && roots.every(({ excuse }) => excuse === undefined))
    if (names.length > 0) world.fail('residue', `records are left: ${names.join(', ')}`)
}
