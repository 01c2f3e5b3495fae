import type { Runtime, Timer } from './runtime.ts'

/** Something to be done at a time that may change. */
export interface Task {
  /** Whether the process must stay up for it. */
  readonly keepAlive: boolean
  /** On the monotonic clock, in milliseconds. Set by the scheduler. */
  due: number
  /** Its place in the scheduler's heap; `IDLE` or `DUE`: none. Set by the scheduler. */
  slot: number
  run(): void
  /** The clocks went different ways: by the wall clock it may be due already. */
  jumped?(): void
}

/** Not scheduled; taken out to be run now. */
export const IDLE: number = -1
const DUE = -2

/** A callback that is due once. */
class Alarm implements Task {
  due: number = 0
  slot: number = IDLE
  readonly keepAlive: boolean
  readonly run: () => void

  constructor(run: () => void, keepAlive: boolean) {
    this.run = run
    this.keepAlive = keepAlive
  }
}

/** Longest sleep in milliseconds: how late a suspension or a step of the wall clock is noticed. */
const TICK = 1_000
/** A difference between the two clocks' progress beyond this is a jump. */
const JUMP = 50

/**
 * All renewals, deadlines and timeouts of a process on one timer: a binary heap by due time. The timer outlives the last
 * task by a second at most, so that taking locks one after the other does not set it anew each time; the process stays up
 * only for tasks that say so.
 */
export class Scheduler {
  readonly #runtime: Runtime
  readonly #heap: Task[] = []
  #timer: Timer | undefined
  #wakesAt = Number.POSITIVE_INFINITY
  /** Tasks that keep the process alive. */
  #vital = 0
  /** Wall minus monotonic time at the last look. */
  #offset = 0

  constructor(runtime: Runtime) {
    this.#runtime = runtime
  }

  /** (Re)schedules a task for `due` on the monotonic clock. */
  schedule(task: Task, due: number): void {
    const before = task.due
    task.due = due
    if (task.slot < 0) {
      task.slot = this.#heap.length
      this.#heap.push(task)
      this.#rise(task)
      if (task.keepAlive) this.#setVital(this.#vital + 1)
    } else if (due < before) this.#rise(task)
    else this.#sink(task)
    this.#arm()
  }

  /** Calls back once, `delay` milliseconds after `from` on the monotonic clock. */
  after(from: number, delay: number, run: () => void, keepAlive: boolean): Task {
    const alarm = new Alarm(run, keepAlive)
    this.schedule(alarm, from + delay)
    return alarm
  }

  /** True if it was scheduled: it will not run. */
  drop(task: Task): boolean {
    const { slot } = task
    task.slot = IDLE
    if (slot < 0) return slot === DUE
    if (task.keepAlive) this.#setVital(this.#vital - 1)
    const last = this.#heap.pop()
    if (last !== undefined && last !== task) {
      this.#put(last, slot)
      this.#rise(last)
      this.#sink(last)
    }
    return true
  }

  #setVital(count: number): void {
    if (count === 0 || this.#vital === 0) this.#timer?.keepAlive(count > 0)
    this.#vital = count
  }

  #arm(): void {
    const [first] = this.#heap
    if (first === undefined || first.due >= this.#wakesAt) return
    const { mono, wall } = this.#runtime.now()
    if (this.#timer === undefined) this.#offset = wall - mono
    this.#timer?.cancel()
    const wakesAt = Math.min(first.due, mono + TICK)
    this.#wakesAt = wakesAt
    this.#timer = this.#runtime.setTimer(Math.max(0, wakesAt - mono), () => this.#run(), this.#vital > 0)
  }

  #run(): void {
    const { mono, wall } = this.#runtime.now()
    const jumped = wall - mono - this.#offset > JUMP
    this.#offset = wall - mono
    // What is scheduled meanwhile sets the timer itself.
    this.#timer = undefined
    this.#wakesAt = Number.POSITIVE_INFINITY
    for (const task of this.#takeDue(mono)) {
      // One before it may have dropped it, or put it off.
      if (task.slot !== DUE) continue
      task.slot = IDLE
      task.run()
    }
    // After a jump every deadline is looked at: by the monotonic clock alone they seem further off than they are.
    if (jumped) for (const task of [...this.#heap]) task.jumped?.()
    this.#arm()
  }

  #takeDue(now: number): Task[] {
    const due: Task[] = []
    for (let [first] = this.#heap; first !== undefined && first.due <= now; [first] = this.#heap) {
      due.push(first)
      this.drop(first)
      first.slot = DUE
    }
    return due
  }

  #put(task: Task, slot: number): void {
    this.#heap[slot] = task
    task.slot = slot
  }

  #rise(task: Task): void {
    let { slot } = task
    while (slot > 0) {
      const parentSlot = (slot - 1) >> 1
      const parent = this.#heap[parentSlot] as Task
      if (parent.due <= task.due) break
      this.#put(parent, slot)
      slot = parentSlot
    }
    this.#put(task, slot)
  }

  #sink(task: Task): void {
    let { slot } = task
    for (;;) {
      let child = 2 * slot + 1
      if (child >= this.#heap.length) break
      const right = this.#heap[child + 1]
      if (right !== undefined && right.due < (this.#heap[child] as Task).due) child += 1
      const next = this.#heap[child] as Task
      if (next.due >= task.due) break
      this.#put(next, slot)
      slot = child
    }
    this.#put(task, slot)
  }
}
