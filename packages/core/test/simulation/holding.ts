import { type Lease, Lock } from '../../src/index.ts'
import { lateness } from './check-deadline.ts'
import { type Entry, nameOf, type Root } from './ledger.ts'
import { outcomeOf, Stopwatch } from './outcome.ts'
import type { Manner } from './scenario.ts'
import type { Key, Task } from './task.ts'

/** What a task does with a lease, until it is rid of it. */
export async function holdLease(task: Task, lock: Lock, key: Key, entry: Entry): Promise<void> {
  const { random, checks } = task
  const { manner, lease } = entry
  const share = random.next() < 0.25 ? 2 : 1
  const duration = task.holdingTime(manner)
  for (let part = 0; part < share; part += 1) {
    await task.sleep(duration / share)
    checks.read(entry)
    const choice = random.next()
    const renewals = manner.autoRenew ? 0.1 : 0.3
    if (choice < renewals) await renew(task, key, entry)
    else if (choice < renewals + 0.03) await task.inspect(lock, key)
  }
  const choice = random.next()
  if (choice < 0.08 && !(checks.scenario.troubles.death + checks.scenario.troubles.close > 0 && manner.ttl > 6_000))
    await handOver(task, key, entry)
  else {
    await release(task, key, entry)
    if (random.next() < 0.2) await release(task, key, entry)
  }
  if (lease.held && lease.remaining > 0) checks.world.fail('release', `${nameOf(entry)} is held after it was given up`)
}

async function renew(task: Task, key: Key, entry: Entry): Promise<void> {
  const { random, checks } = task
  const { lease, manner } = entry
  const { ttl } = manner
  const longest = ttl >= 600_000 ? Number.POSITIVE_INFINITY : ttl * 3
  const wanted = random.oneOf([undefined, undefined, ttl, ttl / 2 + 20, longest])
  const started = new Stopwatch(entry.process, patienceOf(manner))
  const held = checks.ledger.isHeld(entry)
  entry.renewed = true
  const outcome = await outcomeOf(lease.renew(wanted))
  started.check(checks, task.name, 'renew', manner.requestTimeout)
  task.note(`renewed to ${wanted}: ${'error' in outcome ? String((outcome.error as Error).name) : 'yes'}`)
  if ('error' in outcome) checks.answers.failed(task, key, 'renew', outcome.error, started)
  else if (!held) checks.world.fail('lost stays lost', `${nameOf(entry)} was renewed when it was over`)
}

async function release(task: Task, key: Key, entry: Entry): Promise<void> {
  const { checks } = task
  const { lease, manner } = entry
  const started = new Stopwatch(entry.process, patienceOf(manner))
  const again = entry.leaving
  const held = !again && checks.ledger.isHeld(entry)
  const { mono, wall } = entry
  const over = !again && lateness(checks, entry) > 0.01
  entry.leaving = true
  const outcome = await outcomeOf(lease.release())
  started.check(checks, task.name, 'release', manner.requestTimeout)
  task.note(`released ${key.name} ${lease.fencingToken}: ${'error' in outcome ? 'no answer' : outcome.value}`)
  const value = 'value' in outcome ? outcome.value : undefined
  if (again && value !== entry.released)
    checks.world.fail('release', `${nameOf(entry)}: the second answer is another one`)
  if (again) return
  entry.released = value
  const still = Math.min(mono - entry.process.mono, wall - entry.process.wall)
  if ('error' in outcome) checks.answers.failed(task, key, 'release', outcome.error, started)
  else if (!outcome.value && held && still > 0 && !checks.ledger.broken(entry.root))
    checks.world.fail('owner', `${nameOf(entry)} was held, but its release says that it was not`)
  else if (outcome.value && over) checks.world.fail('lost stays lost', `${nameOf(entry)} was released when it was over`)
}

/** Detaches it, and attaches it in some process; the one who has it then releases it. */
async function handOver(task: Task, key: Key, entry: Entry): Promise<void> {
  const { random, checks } = task
  const { lease, root, manner } = entry
  const started = new Stopwatch(entry.process, patienceOf(manner))
  const detached = await outcomeOf(lease.detach())
  if ('error' in detached) {
    checks.answers.failed(task, key, 'detach', detached.error, started)
    await release(task, key, entry)
    return
  }
  entry.leaving = true
  task.note(`detached ${key.name} ${lease.fencingToken}`)
  const others = task.clients.filter(({ process, closed }) => process.alive && closed === undefined)
  const client = others[random.below(others.length)]
  root.excuse = 'detached'
  const detachedAt = checks.world.now
  if (client === undefined) return
  const json = JSON.stringify(detached.value)
  const heir = task.heir(client)
  // Late enough for the hold to have run out, now and then.
  const late = random.next() < 0.2 && manner.ttl <= 6_000
  checks.world.after(late ? lastsFor(root, manner) + 50 : random.next() * Math.min(manner.ttl / 2, 50), () => {
    client.process.deliver(() => heir.start(() => takeUp(heir, json, key, entry, detachedAt)))
  })
}

/**
 * For how long a hold may be there after its last renewal: clocks run at different rates, and a request doesn't know when
 * while it was under way the store's clock was read that it arms by.
 */
const lastsFor = (root: Root, manner: Manner): number => root.longest * 1.05 + 50 + manner.requestTimeout

async function takeUp(task: Task, json: string, key: Key, entry: Entry, detachedAt: number): Promise<void> {
  const { random, checks, client } = task
  const { root, manner } = entry
  // What may be held for ever must not be given up.
  for (let attempt = 0; attempt < 200 && client.closed === undefined; attempt += 1) {
    const started = new Stopwatch(client.process, patienceOf(manner))
    // Unless a renewal that was under way, or a first attempt whose answer got lost, has lengthened it.
    const lastRenewal = Math.max(detachedAt, root.renewedAt)
    const renewed = attempt > 0 || root.renewals > 0 || checks.ledger.observed
    const ranOut = !renewed && started.at > lastRenewal + lastsFor(root, manner)
    const outcome = await outcomeOf<Lease>(Lock.attach(json, { ...manner, backend: client.backend }))
    started.check(checks, task.name, 'attach', manner.requestTimeout)
    if ('error' in outcome) {
      checks.answers.failed(task, key, 'attach', outcome.error, started)
      if ((outcome.error as { code?: string }).code !== 'LOCK_BACKEND') return
      await task.sleep(random.next() * 200)
      continue
    }
    root.excuse = undefined
    if (ranOut) checks.world.fail('lost stays lost', `${nameOf(entry)} was attached when it had run out`)
    const taken = {
      process: client.process,
      task: task.name,
      lease: outcome.value,
      manner,
      asked: started.at,
      floor: 0n,
    }
    const successor = checks.attached(taken, entry)
    await task.sleep(random.next() * 50)
    await release(task, key, successor)
    return
  }
}

/** What needs an answer within the ttl may fail for want of it. */
const patienceOf = ({ ttl, requestTimeout }: Manner): number => Math.min(requestTimeout, ttl / 4)
