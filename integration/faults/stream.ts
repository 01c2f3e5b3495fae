import type { Socket } from 'node:net'
import type { Delay } from './proxy-mode.ts'

/** While more than this waits, no more is read: the sender notices, as it would on a line that is blocked. */
const KEPT_BYTES = 1_000_000

interface Parcel {
  /** `null`: the sender writes no more. */
  readonly bytes: Buffer | null
  /** On the clock of `performance.now()`. */
  readonly due: number
}

/** What a stream asks at the moment when something is about to arrive. */
export interface Passage {
  isOpen(): boolean
  /** Whether what comes now vanishes: bytes, or the end. */
  loses(what: 'bytes' | 'end'): boolean
  /** Drawn for what was read just now. */
  delay(): Delay | null
  bytesPerSecond(): number
}

/** One direction of a connection: what came from one side, in its order, on its way to the other. */
export class Stream {
  /** Whether some of it vanished: what comes now would not be understood. */
  hasLost = false
  readonly #from: Socket
  readonly #to: Socket
  readonly #passage: Passage
  readonly #parcels: Parcel[] = []
  #kept = 0
  #lastDue = 0
  #timer: NodeJS.Timeout | undefined

  constructor(from: Socket, to: Socket, passage: Passage) {
    this.#from = from
    this.#to = to
    this.#passage = passage
    from.on('data', (bytes) => this.#take(bytes))
    from.once('end', () => this.#put(null, 0))
    // Who was reset ends in good order behind this proxy: what it had sent before must not be lost on the way.
    from.once('close', () => from.readableEnded || this.#put(null, 0))
    from.on('error', () => undefined)
  }

  /** Delivers what is due and may pass. To be called again when that changes. */
  deliver(): void {
    clearTimeout(this.#timer)
    while (this.#passage.isOpen()) {
      const [parcel] = this.#parcels
      if (parcel === undefined) return
      const early = parcel.due - performance.now()
      if (early > 0) {
        this.#timer = setTimeout(() => this.deliver(), Math.ceil(early)).unref()
        return
      }
      this.#parcels.shift()
      this.#hand(parcel.bytes)
    }
  }

  /** Forgets what is on its way. */
  drop(): void {
    clearTimeout(this.#timer)
    this.#parcels.length = 0
  }

  #take(bytes: Buffer): void {
    const rate = this.#passage.bytesPerSecond()
    // Slow lines bring the beginning before the end.
    const step = Math.max(1, Math.min(Math.floor(rate / 50), bytes.length))
    for (let start = 0; start < bytes.length; start += step) {
      const slice = bytes.subarray(start, start + step)
      this.#put(slice, (slice.length / rate) * 1_000)
    }
  }

  /** `duration`: how long it takes to pass, in milliseconds. */
  #put(bytes: Buffer | null, duration: number): void {
    const delay = this.#passage.delay()
    const arrival = performance.now() + (delay === null ? 0 : delay.least + Math.random() * (delay.most - delay.least))
    this.#lastDue = Math.max(this.#lastDue, arrival) + duration
    this.#parcels.push({ bytes, due: this.#lastDue })
    this.#kept += bytes?.length ?? 0
    if (this.#kept > KEPT_BYTES) this.#from.pause()
    if (this.#parcels.length === 1) this.deliver()
  }

  #hand(bytes: Buffer | null): void {
    this.#kept -= bytes?.length ?? 0
    if (this.#kept <= KEPT_BYTES && this.#from.isPaused()) this.#from.resume()
    if (this.#passage.loses(bytes === null ? 'end' : 'bytes')) this.hasLost = true
    else if (bytes === null) this.#to.end()
    else if (this.#to.writable) this.#to.write(bytes)
  }
}
