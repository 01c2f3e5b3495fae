import { writeSync } from 'node:fs'
import type { Lease } from '../../index.ts'
import { hostNow } from '../history.ts'
import { NOTES, type Note } from './protocol.ts'

/** A deadline that moved by less has not been renewed. */
const GRAIN = 1

let leases = 0

/** Notes of one lease, written before anything else happens to it. */
export class Notebook {
  readonly #lease: Lease
  readonly #number: number
  #until: number
  #ended = false

  constructor(who: string, lease: Lease) {
    leases += 1
    this.#number = leases
    this.#lease = lease
    const at = hostNow()
    this.#until = at + lease.remaining
    const { mode, fencingToken } = lease
    if (!lease.held) this.#ended = true
    else
      write({
        note: 'granted',
        lease: this.#number,
        who,
        mode,
        fencingToken: String(fencingToken),
        at,
        until: this.#until,
      })
    lease.signal.addEventListener('abort', () => this.#end('lost'), { once: true })
  }

  /** What can be seen of it now. */
  look(): void {
    if (this.#ended) return
    const at = hostNow()
    const { remaining } = this.#lease
    if (remaining === 0) this.#end('lost')
    else if (Math.abs(at + remaining - this.#until) > GRAIN) {
      this.#until = at + remaining
      write({ note: 'held', lease: this.#number, until: this.#until })
    }
  }

  /** To be called before its release is. */
  releasing(): void {
    this.look()
    this.#end('released')
  }

  #end(note: 'released' | 'lost'): void {
    if (this.#ended) return
    this.#ended = true
    write({ note, lease: this.#number, at: hostNow() })
  }
}

/** Synchronous: what has been written stays, whatever becomes of this process. */
function write(note: Note): void {
  let rest = Buffer.from(`${JSON.stringify(note)}\n`)
  while (rest.length > 0) {
    try {
      rest = rest.subarray(writeSync(NOTES, rest))
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1)
    }
  }
}
