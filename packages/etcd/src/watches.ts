import type { Timer } from '@locks/core'
import type { Duplex, EtcdClient, WatchAnswer, WatchCreation, WatchRequest } from './client.ts'
import type { Members } from './members.ts'

type Stream = Duplex<WatchRequest, WatchAnswer>

/** How often the stream is asked for a sign of life while anybody watches, in milliseconds. */
const PROBE = 3_000
/** Between two attempts at a stream, in milliseconds: at most, at first, and doubled with each one that brought nothing. */
const PAUSE = 200
const LONGEST_PAUSE = 6_400
const NOPUT = 0

/** Cancelled without having ended, it would count as a failure of the connection: etcd3 would make it anew. */
function end(stream: Stream): void {
  stream.end()
  stream.cancel()
}

/** What is watched, and who is told. */
export interface Watching {
  readonly key: Buffer
  readonly range_end?: Buffer
  /** A key was removed. */
  readonly seen: (key: Buffer) => void
  /** What was to be seen may have been missed. */
  readonly missed: () => void
}

/**
 * What happens to keys, over one stream for all of a process. It only wakes who waits: if anything is wrong with the stream,
 * they are told to look for themselves, and watch again from what they have seen then.
 */
export class Watches {
  readonly #members: Members
  readonly #watching = new Map<string, Watching>()
  /** Those that the stream is not open for yet, and from which revision on. */
  readonly #later = new Map<string, string>()
  #stream: Stream | undefined
  #client: EtcdClient | undefined
  #opening = false
  #heard = true
  /** Streams since one was heard of that could not be opened, or broke. */
  #failures = 0
  #number = 0
  #timer: Timer | undefined
  #closed = false

  constructor(members: Members) {
    this.#members = members
  }

  /** Watches from `revision` on. Returns what ends it. */
  watch(revision: string, watching: Watching): () => void {
    this.#number += 1
    const id = String(this.#number)
    this.#watching.set(id, watching)
    if (this.#stream !== undefined) this.#create(this.#stream, id, watching, revision)
    else {
      this.#later.set(id, revision)
      if (!this.#opening) void this.#open()
    }
    return () => {
      if (!this.#watching.delete(id)) return
      this.#later.delete(id)
      if (this.#watching.size > 0) this.#stream?.write({ cancel_request: { watch_id: id } })
      else this.#rest()
    }
  }

  close(): void {
    this.#closed = true
    this.#watching.clear()
    this.#rest()
  }

  #create(stream: Stream, watch_id: string, { key, range_end }: Watching, start_revision: string): void {
    const create: WatchCreation = { key, start_revision, watch_id, filters: [NOPUT] }
    if (range_end !== undefined) create.range_end = range_end
    stream.write({ create_request: create })
  }

  async #open(): Promise<void> {
    this.#opening = true
    try {
      const client = await this.#members.client()
      const stream = (await client.watchClient.watch()) as Stream
      stream.on('error', () => this.#broken(stream))
      stream.on('end', () => this.#broken(stream))
      if (this.#watching.size === 0) {
        end(stream)
        return
      }
      stream.on('data', (answer) => this.#hear(answer))
      this.#stream = stream
      this.#client = client
      this.#heard = true
      for (const [id, revision] of this.#later) {
        const watching = this.#watching.get(id)
        if (watching !== undefined) this.#create(stream, id, watching, revision)
      }
      this.#later.clear()
      this.#timer = this.#members.runtime.setTimer(PROBE, () => this.#probe(), false)
    } catch {
      // Who waits looks from time to time, and then watches again.
      this.#missed()
    } finally {
      this.#opening = false
    }
  }

  #hear({ watch_id, canceled, events }: WatchAnswer): void {
    this.#heard = true
    this.#failures = 0
    const watching = this.#watching.get(watch_id)
    if (watching === undefined) return
    if (canceled) {
      // What it was to begin with has been compacted away, or the server is giving up.
      this.#watching.delete(watch_id)
      watching.missed()
      return
    }
    for (const { kv } of events ?? []) watching.seen(kv.key)
  }

  #probe(): void {
    const stream = this.#stream
    if (stream === undefined) return
    if (!this.#heard) {
      this.#broken(stream)
      // Which makes the connection anew.
      stream.cancel()
      return
    }
    this.#heard = false
    stream.write({ progress_request: {} })
    this.#timer = this.#members.runtime.setTimer(PROBE, () => this.#probe(), false)
  }

  #broken(stream: Stream): void {
    if (this.#stream !== stream) return
    const client = this.#client
    this.#stream = undefined
    this.#timer?.cancel()
    if (client !== undefined) void this.#members.avoid(client).catch(() => undefined)
    this.#missed()
  }

  /** All look for themselves, and watch again. */
  #missed(): void {
    const all = [...this.#watching.values()]
    this.#watching.clear()
    this.#later.clear()
    if (this.#closed) return
    const most = Math.min(LONGEST_PAUSE, PAUSE * 2 ** this.#failures)
    this.#failures += 1
    this.#members.runtime.setTimer(
      most * this.#members.runtime.random(),
      () => {
        for (const { missed } of all) missed()
      },
      // Who waits keeps the process up without it.
      false,
    )
  }

  /** Nobody watches: a stream would keep the process up. */
  #rest(): void {
    const stream = this.#stream
    this.#stream = undefined
    this.#timer?.cancel()
    this.#later.clear()
    if (stream !== undefined) end(stream)
  }
}
