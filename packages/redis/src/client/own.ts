import { LockBackendError, type Runtime, type Timer } from '@locks/core'
import { locationOf, type RedisAddress } from './address.ts'
import type { Connection, Send, Subscription } from './connection.ts'
import { IoredisConnection, type IoredisLike, unref } from './ioredis.ts'

interface Ioredis {
  readonly Redis: new (options: object) => IoredisLike
  readonly Cluster: new (nodes: readonly object[], options: object) => IoredisLike
}

/** Longer than any healthy server is silent with requests to answer, in milliseconds. */
const SILENCE = 4_000
/** Into how many periods that time is divided to see how much of it has passed. */
const PERIODS = 4

/**
 * No resends and no old replies: a request whose connection breaks is rejected, and asked again by who knows whether that
 * is right. What is queued while the connection is being made carries its own time limit.
 */
const OWN = {
  lazyConnect: true,
  maxRetriesPerRequest: 0,
  connectTimeout: 3_000,
  retryStrategy: (attempt: number): number => Math.min(50 * attempt, 500),
  // Demoted to a replica: whoever is master now is found by connecting again.
  reconnectOnError: (error: Error): boolean => error.message.startsWith('READONLY'),
}

/** A client of our own, made with ioredis on first use. */
export class OwnConnection implements Connection {
  readonly location: string
  readonly single: boolean
  readonly keyPrefix: string = ''
  readonly #address: RedisAddress
  readonly #runtime: Runtime
  #client: IoredisLike | undefined
  #connection: Promise<IoredisConnection> | undefined
  #ready: IoredisConnection | undefined
  #closed = false
  /** The last error of the connection: what a request that was rejected for it says. */
  #trouble: Error | undefined
  #unanswered = 0
  /** How many periods have passed without any reply while one was due. */
  #quiet = 0
  #watch: Timer | undefined

  constructor(address: RedisAddress, runtime: Runtime) {
    this.#address = address
    this.#runtime = runtime
    this.location = locationOf(address)
    this.single = address.cluster === undefined
  }

  send(key: string, command: string, args: readonly string[]): Promise<unknown> {
    if (this.#ready === undefined) return this.#connect().then(() => this.send(key, command, args))
    this.#unanswered += 1
    this.#watch ??= this.#runtime.setTimer(SILENCE / PERIODS, this.#look, false)
    return this.#ready.send(key, command, args as string[]).then(this.#answered, this.#failed)
  }

  serverOf(key: string): string {
    return this.#ready?.serverOf(key) ?? ''
  }

  line(): unknown {
    // A Cluster's client sends again what a node left unanswered.
    return this.single ? this : undefined
  }

  async masters(): Promise<readonly Send[]> {
    // A Cluster tells its masters once it is connected.
    await this.send('', 'ping', [])
    return (await this.#connect()).masters()
  }

  subscribe(channel: string, heard: (message: string) => void, gap: () => void): Subscription {
    let inner: Subscription | undefined
    const ready = this.#connect().then((connection) => {
      if (this.#closed) throw new LockBackendError(`redis ${this.location} has been closed`)
      inner = connection.subscribe(channel, heard, gap)
      return inner.ready
    })
    return { ready, probe: () => inner?.probe(), close: () => inner?.close() }
  }

  close(): void {
    this.#closed = true
    this.#watch?.cancel()
    this.#client?.disconnect()
  }

  #connect(): Promise<IoredisConnection> {
    this.#connection ??= this.#open()
    return this.#connection
  }

  async #open(): Promise<IoredisConnection> {
    const { Redis, Cluster } = await load()
    if (this.#closed) throw new LockBackendError(`redis ${this.location} has been closed`)
    const { cluster, ...options } = this.#address
    const client = cluster
      ? new Cluster(cluster, {
          lazyConnect: true,
          redisOptions: { ...options, ...OWN },
          clusterRetryStrategy: OWN.retryStrategy,
          retryDelayOnFailover: 100,
          maxRedirections: 8,
        })
      : new Redis({ ...options, ...OWN })
    client.on('error', ((error: Error) => {
      this.#trouble = error
    }) as () => void)
    client.on('ready', () => {
      this.#trouble = undefined
    })
    unref(client)
    this.#client = client
    this.#ready = new IoredisConnection(client)
    return this.#ready
  }

  /** A connection that breaks is reported by ioredis in its own terms: what broke it says more. */
  #explain(error: unknown): unknown {
    const rejected = error instanceof Error && /max retries|Connection is closed/i.test(error.message)
    if (!rejected) return error
    return new Error(this.#trouble === undefined ? 'the connection was lost' : wordsOf(this.#trouble), { cause: error })
  }

  readonly #answered = (reply: unknown): unknown => {
    this.#unanswered -= 1
    this.#quiet = 0
    return reply
  }

  readonly #failed = (error: unknown): never => {
    this.#unanswered -= 1
    throw this.#explain(error)
  }

  /** A peer that has vanished without a word is noticed by its silence: connecting again finds who is there now. */
  readonly #look = (): void => {
    this.#watch = undefined
    if (this.#unanswered === 0) return
    this.#quiet += 1
    // The first period may have begun just before the question.
    if (this.#quiet > PERIODS) {
      this.#quiet = 0
      this.#trouble = new Error(`no reply for ${SILENCE} ms`)
      this.#client?.disconnect(true)
    }
    this.#watch = this.#runtime.setTimer(SILENCE / PERIODS, this.#look, false)
  }
}

/** An AggregateError of several addresses has no message of its own. */
function wordsOf(error: Error): string {
  if (error.message !== '') return error.message
  return error instanceof AggregateError && error.errors[0] instanceof Error ? error.errors[0].message : error.name
}

async function load(): Promise<Ioredis> {
  try {
    return (await import('ioredis')) as unknown as Ioredis
  } catch (error) {
    throw new LockBackendError(
      'redisBackend needs the client library ioredis to connect by itself: npm install ioredis, or give it a client of yours',
      { cause: error },
    )
  }
}
