import { Random } from '../random.ts'

/** Something that will happen, unless it is cancelled before. */
export interface Event {
  readonly at: number
  /** Orders what happens at the same time: drawn from the seed. */
  readonly tie: number
  run: (() => void) | undefined
}

export interface Failure {
  readonly invariant: string
  readonly message: string
  readonly at: number
}

/** A run that needs more events than this will never come to rest. */
const MAX_EVENTS = 150_000

/**
 * Virtual time: a heap of events, run one by one, all promises settled between two of them. Whatever is random comes from
 * the seed, so that the same seed is the same run, event by event.
 */
export class World {
  /** True time, in milliseconds, which no process sees. */
  now: number = 0
  readonly seed: number
  readonly random: Random
  failure: Failure | undefined
  /** Of all that was noted, in its order. */
  hash: number = 0x811c9dc5
  events: number = 0
  /** The notes, if they are kept. */
  readonly trace: string[] | undefined
  /** Called between two events, when all promises have settled. */
  onSettled: () => void = () => undefined
  readonly #heap: Event[] = []
  #over = false

  constructor(seed: number, tracing: boolean) {
    this.seed = seed
    this.random = new Random(Math.imul(seed, 0x9e3779b1) ^ 0x5bd1e995)
    this.trace = tracing ? [] : undefined
  }

  /** Schedules for `delay` ms from now. */
  after(delay: number, run: () => void): Event {
    const event: Event = { at: this.now + Math.max(0, delay), tie: this.random.next(), run }
    rise(this.#heap, event)
    return event
  }

  sleep(delay: number): Promise<void> {
    return new Promise((resolve) => {
      this.after(delay, resolve)
    })
  }

  /** Notes what happened: part of what two runs of a seed must have in common. */
  note(who: string, what: string): void {
    const text = `${who} ${what}`
    for (let index = 0; index < text.length; index += 1)
      this.hash = Math.imul(this.hash ^ text.charCodeAt(index), 0x01000193)
    this.hash = Math.imul(this.hash ^ Math.floor(this.now * 1_000), 0x01000193)
    this.trace?.push(`${this.now.toFixed(3).padStart(12)} ${who.padEnd(8)} ${what}`)
  }

  /** Notes a detail that is only worth its cost if somebody reads it. */
  detail(who: string, what: () => string): void {
    this.trace?.push(`${this.now.toFixed(3).padStart(12)} ${who.padEnd(8)}   ${what()}`)
  }

  /** A promise was broken. The first finding ends the run. */
  fail(invariant: string, message: string): void {
    if (this.failure !== undefined) return
    this.failure = { invariant, message, at: this.now }
    this.note('FAILED', `${invariant}: ${message}`)
  }

  /** Runs until `script` has settled, or something failed. */
  async run(script: () => Promise<void>): Promise<void> {
    const done = script().then(
      () => this.#end(),
      (error: unknown) => {
        this.fail('the simulation itself', error instanceof Error ? (error.stack ?? error.message) : String(error))
        this.#end()
      },
    )
    await new Promise<void>((resolve) => {
      const step = (): void => {
        if (!this.#over && this.failure === undefined) this.onSettled()
        if (this.#over || this.failure !== undefined) resolve()
        else {
          this.#next()
          setImmediate(step)
        }
      }
      setImmediate(step)
    })
    if (this.failure === undefined) await done
  }

  #next(): void {
    const event = pop(this.#heap)
    if (event === undefined) {
      this.fail('rest', 'nothing will ever happen again, and the run is not over')
      return
    }
    if (event.run === undefined) return
    this.now = event.at
    this.events += 1
    this.hash = Math.imul(this.hash ^ Math.floor(event.at * 1_000), 0x01000193)
    if (this.events > MAX_EVENTS) this.fail('rest', `no rest after ${MAX_EVENTS} events`)
    try {
      event.run()
    } catch (error) {
      this.fail('the simulation itself', error instanceof Error ? (error.stack ?? error.message) : String(error))
    }
  }

  #end(): void {
    this.#over = true
  }
}

const before = (a: Event, b: Event): boolean => a.at < b.at || (a.at === b.at && a.tie < b.tie)

function rise(heap: Event[], event: Event): void {
  let slot = heap.length
  heap.push(event)
  while (slot > 0) {
    const up = (slot - 1) >> 1
    const parent = heap[up] as Event
    if (!before(event, parent)) break
    heap[slot] = parent
    slot = up
  }
  heap[slot] = event
}

function pop(heap: Event[]): Event | undefined {
  const first = heap[0]
  const last = heap.pop()
  if (first === undefined || last === undefined || first === last) return first
  let slot = 0
  for (;;) {
    let child = 2 * slot + 1
    if (child >= heap.length) break
    const right = heap[child + 1]
    if (right !== undefined && before(right, heap[child] as Event)) child += 1
    const next = heap[child] as Event
    if (!before(next, last)) break
    heap[slot] = next
    slot = child
  }
  heap[slot] = last
  return first
}
