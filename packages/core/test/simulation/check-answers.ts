import { LockError, type LockState } from '../../src/index.ts'
import { type Entry, nameOf, type Root, type Scene } from './ledger.ts'
import type { Stopwatch } from './outcome.ts'
import type { Process } from './process.ts'
import type { Scenario } from './scenario.ts'

/** What a task asked for. */
export type Action = 'acquire' | 'using' | 'inspect' | 'renew' | 'release' | 'detach' | 'attach' | 'break'

/** Who asked. */
export interface Asker {
  readonly name: string
  readonly client: { readonly process: Process; readonly closed: Promise<void> | undefined }
  note(what: string): void
}

/** Milliseconds within which those who wait ask again. */
const POLL = 3_000

/** Codes with which each may fail while nothing is in trouble, or only then. */
const EXPECTED: Readonly<Record<Action, readonly string[]>> = {
  acquire: ['LOCK_TIMEOUT', 'LOCK_MISMATCH'],
  using: ['LOCK_LOST'],
  inspect: [],
  renew: ['LOCK_LOST', 'LOCK_NOT_HELD'],
  release: [],
  detach: ['LOCK_LOST', 'LOCK_NOT_HELD'],
  attach: ['LOCK_LOST'],
  break: [],
}

/** Promise 6: answers are facts, and a failure is not one. */
export class Answers {
  readonly #scene: Scene

  constructor(scene: Scene) {
    this.#scene = scene
  }

  /** A call was rejected. */
  failed(
    task: Asker,
    key: Scenario['keys'][number],
    action: Action,
    error: unknown,
    started: Stopwatch,
    own: readonly Root[] = [],
  ): void {
    const { world, scenario } = this.#scene
    const code = error instanceof LockError ? error.code : String(error)
    task.note(`${action} of ${key.name} failed: ${code}`)
    if (code === 'LOCK_TIMEOUT') this.busy(task, key, started, own)
    if (code === 'LOCK_MISMATCH' && key.usage !== 'mixed')
      world.fail('answers', `${task.name} was told of another use: ${String(error)}`)
    if (EXPECTED[action].includes(code)) return
    // Who joins others in their wait may have no answer of its own before its timeout, if that is short: then core can't tell.
    if (action === 'acquire' && started.patience < POLL && String(error).includes('until the timeout')) return
    const where = `${action} of ${task.name}@${task.client.process.name}`
    if (code !== 'LOCK_BACKEND') world.fail('answers', `${where} failed with ${String(error)}`)
    else if (
      started.undisturbed &&
      task.client.closed === undefined &&
      started.patience >= 100 * scenario.weather.most + 100
    )
      world.fail('answers', `${where} failed without any trouble: ${String(error)}`)
  }

  /** A task was told that the lock is busy: then somebody else had it, waited for it, or may have been about to. */
  busy(task: Asker, key: Scenario['keys'][number], started: Stopwatch, own: readonly Root[]): void {
    const { ledger, world } = this.#scene
    task.note(`found ${key.name} busy`)
    for (const root of ledger.roots.values())
      if (root.key === key.name && !own.includes(root) && !root.idle && ledger.mayBeThere(root, started.at - 0.001))
        return
    world.fail(
      'answers',
      `${task.name}@${task.client.process.name} was told that ${key.name} is busy, but nobody else was there`,
    )
  }

  /** A break that found nothing to break, where something was held before and after. */
  brokeNothing(task: Asker, held: readonly Entry[]): void {
    this.inspected(task, { holders: [], waiters: 0 }, held)
  }

  /** What was held before and after must have been seen. */
  inspected(task: Asker, { holders }: LockState, held: readonly Entry[]): void {
    const { ledger, world } = this.#scene
    for (const entry of held) {
      if (!ledger.isHeld(entry) || ledger.broken(entry.root)) continue
      if (!holders.some(({ owner }) => owner === entry.root.owner))
        world.fail('answers', `${task.name}@${task.client.process.name} did not see ${nameOf(entry)}`)
    }
  }
}
