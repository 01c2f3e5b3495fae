import type { Runtime, Timer } from './runtime.ts'

/** Something to be done at a time that may change. */
export interface Task {
  /** On the monotonic clock, in milliseconds. Set by the scheduler. */
  due: number
  /** Its place in the scheduler's heap; -1: not scheduled. Set by the scheduler. */
  slot: number
  run(): void
}

/** Longest sleep in milliseconds: how late a suspension or a step of the wall clock is noticed. */
const TICK = 1_000
/** A difference between the two clocks' progress beyond this is a jump. */
const JUMP = 50

/** All renewals and deadlines of a process on one timer: a binary heap by due time. Never keeps the process alive. */
export class Scheduler {
  readonly #runtime: Runtime
  readonly #heap: Task[] = []
  #timer: Timer | undefined
  #wakesAt = Number.POSITIVE_INFINITY
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
    } else if (due < before) this.#rise(task)
    else this.#sink(task)
    this.#arm()
  }

  drop(task: Task): void {
    const { slot } = task
    if (slot < 0) return
    task.slot = -1
    const last = this.#heap.pop()
    if (last !== undefined && last !== task) {
      this.#put(last, slot)
      this.#rise(last)
      this.#sink(last)
    }
    if (this.#heap.length === 0) this.#disarm()
  }

  #arm(): void {
    const [first] = this.#heap
    if (first === undefined || first.due >= this.#wakesAt) return
    const { mono, wall } = this.#runtime.now()
    if (this.#timer === undefined) this.#offset = wall - mono
    this.#timer?.cancel()
    const wakesAt = Math.min(first.due, mono + TICK)
    this.#wakesAt = wakesAt
    this.#timer = this.#runtime.setTimer(Math.max(0, wakesAt - mono), () => this.#run(), false)
  }

  #disarm(): void {
    this.#timer?.cancel()
    this.#timer = undefined
    this.#wakesAt = Number.POSITIVE_INFINITY
  }

  #run(): void {
    const { mono, wall } = this.#runtime.now()
    const jumped = wall - mono - this.#offset > JUMP
    this.#offset = wall - mono
    // After a jump every deadline is looked at: by the monotonic clock alone they seem further off than they are.
    const due = jumped ? [...this.#heap] : this.#takeDue(mono)
    for (const task of due) task.run()
    this.#disarm()
    this.#arm()
  }

  #takeDue(now: number): Task[] {
    const due: Task[] = []
    for (let [first] = this.#heap; first !== undefined && first.due <= now; [first] = this.#heap) {
      due.push(first)
      this.drop(first)
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
