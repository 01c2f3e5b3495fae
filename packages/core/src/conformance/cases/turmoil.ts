import assert from 'node:assert/strict'
import { Lock, type LockBackend, ReadWriteLock, Semaphore } from '../../index.ts'
import type { Stage } from '../stage.ts'
import { fault, mode, type Need, offered, type Theme, theme } from '../theme.ts'
import { later, sleep } from '../time.ts'
import type { Witness } from '../witness.ts'

const CLIENTS = 3
const ROUNDS = 6
/** Rounds at most of who has bad luck, or is slow to come back, until the lock was granted at all. */
const MORE = 30
const KINDS = ['isolate', 'pause', 'loseReplies', 'delayRequests', 'disconnect'] as const

const someTrouble: Need = offered('some fault', (target) => KINDS.some((kind) => fault(kind).met(target)))

/** One kind of trouble after the other, with a little peace in between. */
async function makeTrouble(t: Stage, clients: readonly LockBackend[]): Promise<void> {
  const random = t.chance('trouble')
  const kinds = KINDS.filter((kind) => t.offers(kind))
  for (let round = 0; round < ROUNDS || (t.history.holdings.length === 0 && round < MORE); round += 1) {
    const kind = random.oneOf(kinds)
    if (kind === 'isolate') await t.trouble(kind, random.oneOf(clients))
    else if (kind === 'delayRequests') await t.trouble(kind, 0, t.ttl)
    else await t.trouble(kind)
    await sleep(1.5 * t.ttl * random.next())
    if (t.offers('resume')) await t.trouble('resume')
    await sleep(0.5 * t.ttl * random.next())
  }
}

/** Clients contend while trouble is made; afterwards the lock can be had by each of them. */
async function contend(t: Stage, witness: Witness, locksOf: (backend: LockBackend) => readonly Lock[]): Promise<void> {
  const clients = await Promise.all(Array.from({ length: CLIENTS }, () => t.client()))
  const locks = clients.map(locksOf)
  let over = false
  const task = async (who: string, choice: readonly Lock[]): Promise<void> => {
    const random = t.chance(who)
    for (; !over; await sleep(1)) {
      const lease = await random
        .oneOf(choice)
        .tryAcquire({ timeout: t.ttl })
        .catch(() => null)
      if (lease === null) continue
      await witness.watch(who, lease, () => sleep(0.5 * t.ttl * random.next() ** 2))
      await lease.release().catch(() => false)
    }
  }
  const tasks = locks.flatMap((choice, index) =>
    ['a', 'b'].map((one) => later(task(`client ${index + 1}${one}`, choice))),
  )
  try {
    await makeTrouble(t, clients)
  } finally {
    over = true
  }
  await Promise.all(tasks)
  assert.ok(t.history.holdings.length > 0, 'the lock was never granted')
  for (const choice of locks)
    for (const lock of choice) await lock.using(() => undefined, { timeout: t.expiry(), requestTimeout: t.patience })
}

export const turmoil: Theme = theme('turmoil', [
  {
    title: 'no two leases are held at once, and tokens rise, while requests hang, get lost, come late and are cut off',
    needs: [someTrouble],
    async body(t) {
      const witness = t.witness()
      const options = { ttl: t.ttl, requestTimeout: t.ttl / 2 }
      await contend(t, witness, (backend) => [new Lock(t.name, t.options(backend, options))])
      t.history.assertRising()
    },
  },
  {
    title: 'a writer never holds beside a reader while requests hang, get lost, come late and are cut off',
    needs: [someTrouble, mode('shared')],
    async body(t) {
      const options = { ttl: t.ttl, requestTimeout: t.ttl / 2 }
      await contend(t, t.witness(), (backend) => {
        const { read, write } = new ReadWriteLock(t.name, t.options(backend, options))
        return [read, write]
      })
    },
  },
  {
    title: 'no permit is given twice while requests hang, get lost, come late and are cut off',
    needs: [someTrouble, mode('semaphore')],
    async body(t) {
      const options = { ttl: t.ttl, requestTimeout: t.ttl / 2 }
      await contend(t, t.witness(2), (backend) => [new Semaphore(t.name, 2, t.options(backend, options))])
    },
  },
])
