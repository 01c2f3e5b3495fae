import { expect, test } from 'vitest'
import { wrapped } from '../src/conformance/expect.ts'
import { createLocks, type Election, elect, type Lease, Lock, type LockBackend, recordBackend } from '../src/index.ts'
import { MemoryStore } from '../src/memory-backend.ts'
import { Random } from './random.ts'
import { VirtualTime } from './virtual-time.ts'

const SEEDS = 150
const TTL = 3_000
const ROUNDS = 40

type Answer<T> = () => Promise<T>

/** A client whose calls fail, hang, or lose their answers, for as long as it is in trouble. */
function rough(inner: LockBackend, time: VirtualTime, random: Random): { backend: LockBackend; trouble: boolean } {
  const client = { backend: inner, trouble: false }
  const pass = async <T>(carryOut: Answer<T>): Promise<T> => {
    const wait = (ms: number): Promise<void> => new Promise((resolve) => void time.setTimer(ms, resolve))
    await wait(random.next() * 5)
    const luck = client.trouble ? random.next() : 1
    if (luck < 0.3) throw new Error('no route')
    if (luck < 0.6) return new Promise(() => undefined)
    const answer = await carryOut()
    if (luck < 0.8) throw new Error('the connection was cut')
    await wait(random.next() * 5)
    return answer
  }
  client.backend = wrapped(inner, {
    runtime: time,
    acquire: (request) => pass(() => inner.acquire(request)),
    cancel: (request) => pass(() => inner.cancel(request)),
    renew: (request) => pass(() => inner.renew(request)),
    release: (request) => pass(() => inner.release(request)),
    inspect: (request) => pass(() => inner.inspect(request)),
  })
  return client
}

/** Candidates over one storage, with outages, stops, throws, breaks, and a process that hangs now and then. */
async function run(seed: number): Promise<{ terms: number; errors: number }> {
  const time = new VirtualTime()
  const random = new Random(seed)
  const store = new MemoryStore(time)
  const open = (): LockBackend => recordBackend(store, { runtime: time })
  const operator = new Lock('a', { backend: open() })
  const breaks = random.next() < 0.3
  let terms = 0
  let errors = 0
  let highest = 0n
  let calm = false
  const leading = new Map<Lease, { readonly who: number; readonly signal: AbortSignal }>()
  const ends = new Set<() => void>()
  const opened: LockBackend[] = []
  const wrong: string[] = []

  function candidate(who: number): { election: Election; client: ReturnType<typeof rough> } {
    const client = rough(open(), time, random)
    opened.push(client.backend)
    const onElected = async (lease: Lease, signal: AbortSignal): Promise<void> => {
      terms += 1
      // What is thrown here would be the body's own error.
      if (!lease.held) wrong.push('elected without a lease')
      if (lease.fencingToken <= highest) wrong.push('a fencing token that does not rise')
      for (const [other, term] of leading) {
        if (term.who === who) wrong.push('an election leads twice at once')
        if (other.held && !breaks) wrong.push('two lead')
        if (!term.signal.aborted && !breaks) wrong.push('two lead, by what they were told')
      }
      highest = lease.fencingToken
      leading.set(lease, { who, signal })
      const stubborn = !calm && random.next() < 0.3
      const throws = !calm && random.next() < 0.3
      await new Promise<void>((resolve) => {
        ends.add(resolve)
        if (!stubborn) signal.addEventListener('abort', () => resolve())
      })
      leading.delete(lease)
      if (throws) throw new Error('the work failed')
    }
    const onError = (): void => {
      errors += 1
    }
    return {
      client,
      election: elect('a', { backend: client.backend, ttl: TTL, requestTimeout: 500, onElected, onError }),
    }
  }

  const endAll = (): void => {
    for (const end of ends) end()
    ends.clear()
  }
  const candidates = Array.from({ length: 2 + random.below(3) }, (_, who) => candidate(who))
  const stopping: Promise<void>[] = []
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const { client } of candidates) client.trouble = random.next() < 0.25
    const luck = random.next()
    if (luck < 0.2) endAll()
    else if (luck < 0.3) time.hang(random.next() * 2 * TTL)
    else if (luck < 0.35 && breaks) await operator.forceRelease()
    else if (luck < 0.45) {
      const index = random.below(candidates.length)
      stopping.push((candidates[index] as (typeof candidates)[number]).election.stop())
      candidates[index] = candidate(candidates.length + round)
    }
    await time.advance(random.next() * 2 * TTL)
  }

  calm = true
  for (const { client } of candidates) client.trouble = false
  endAll()
  await time.advance(70_000)
  await Promise.all(stopping)
  const leaders = [...leading.keys()].filter((lease) => lease.held)
  expect(leaders, 'nobody leads after the trouble').toHaveLength(1)
  const all = Promise.all(candidates.map(({ election }) => election.stop()))
  await time.advance(2_000)
  await all
  expect(leading.size).toBe(0)
  expect(wrong).toEqual([])
  await time.advance(40_000)
  expect(await operator.inspect()).toEqual({ holders: [], waiters: 0 })
  // What never heard that it was given up, in the trouble, ends with its backend.
  const closing = Promise.all(opened.map((backend) => createLocks({ backend }).close()))
  await time.advance(10_000)
  await closing
  expect(time.timers).toBe(0)
  return { terms, errors }
}

test('one leads at a time, never twice in one election, and somebody leads once the trouble is over', {
  timeout: 120_000,
}, async () => {
  let terms = 0
  let errors = 0
  for (let seed = 0; seed < SEEDS; seed += 1) {
    const ran = await run(seed).catch((error: Error) => {
      error.message = `seed ${seed}: ${error.message}`
      throw error
    })
    terms += ran.terms
    errors += ran.errors
  }
  // Otherwise there was nothing to be seen.
  expect(terms).toBeGreaterThan(10 * SEEDS)
  expect(errors).toBeGreaterThan(10 * SEEDS)
})
