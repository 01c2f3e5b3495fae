import { elapsed, type Instant, type LockKey, type Runtime } from '@locks/core'
import type { Answer, CallOptions, LeaseList, LeaseObject, ManagedFields } from './client.ts'
import type { Cluster } from './connecting.ts'
import { Connections } from './connections.ts'
import { failure, placeOf, type Refusal, refusalOf } from './failure.ts'
import type { Verb } from './role.ts'
import { RECORD } from './stamps.ts'

const CONFLICT = 409
const GONE = 404
const TOO_MANY = 429
const UNAUTHORISED = 401
/** Milliseconds, though a busy server says to come again at once. */
const LEAST_PAUSE = 100

/** What is asked of Leases. Failures reject with what there is to be done; what is expected to happen is a value. */
export class Requests {
  readonly #open: () => Promise<Cluster>
  readonly #connections: Connections = new Connections()
  readonly #runtime: Runtime
  #cluster: Promise<Cluster> | undefined

  constructor(open: () => Promise<Cluster>, runtime: Runtime) {
    this.#open = open
    this.#runtime = runtime
  }

  /** Where it leads; looked up at the first use, and again after a failure. */
  cluster(): Promise<Cluster> {
    if (this.#cluster === undefined) {
      const opening = this.#open()
      opening.catch(() => {
        if (this.#cluster === opening) this.#cluster = undefined
      })
      this.#cluster = opening
    }
    return this.#cluster
  }

  /** Undefined: there is none. `took`: milliseconds between asking and the answer. */
  async read(
    key: LockKey | undefined,
    name: string,
    timeout: number,
  ): Promise<{ readonly lease: LeaseObject; readonly date: string | undefined; readonly took: number } | undefined> {
    const started = this.#runtime.now()
    const answer = await this.#ask(
      { key, verb: 'get', timeout },
      ({ api, namespace }, options) => api.readNamespacedLeaseWithHttpInfo({ name, namespace }, options),
      [GONE],
    )
    if (answer === undefined) return undefined
    return { lease: await this.#leaseOf(answer), date: answer.headers.date, took: elapsed(this.#runtime, started) }
  }

  /** Creates it unless there is one. */
  async create(key: LockKey, lease: (namespace: string) => LeaseObject, timeout: number): Promise<void> {
    await this.#ask(
      { key, verb: 'create', timeout },
      ({ api, namespace }, options) =>
        api.createNamespacedLeaseWithHttpInfo({ namespace, body: lease(namespace) }, options),
      [CONFLICT],
    )
  }

  /** Has the server go through a creation without storing anything; its account of who wrote what. */
  async pretend(body: LeaseObject, timeout: number): Promise<readonly ManagedFields[]> {
    const answer = await this.#ask({ key: undefined, verb: 'create', timeout }, ({ api, namespace }, options) =>
      api.createNamespacedLeaseWithHttpInfo({ namespace, body, dryRun: 'All' }, options),
    )
    return answer?.data.metadata?.managedFields ?? []
  }

  /** Null: it is no longer the one that was read, or gone. */
  async replace(
    key: LockKey,
    name: string,
    body: LeaseObject,
    fieldManager: string,
    timeout: number,
  ): Promise<LeaseObject | null> {
    const answer = await this.#ask(
      { key, verb: 'update', timeout },
      ({ api, namespace }, options) =>
        api.replaceNamespacedLeaseWithHttpInfo({ name, namespace, body, fieldManager }, options),
      [CONFLICT, GONE],
    )
    if (answer === undefined) return null
    const written = await this.#leaseOf(answer)
    if (written.metadata?.annotations?.[RECORD] !== body.metadata?.annotations?.[RECORD])
      throw await this.#notTheLease()
    return written
  }

  /** False: it is no longer the one that was read, or gone. */
  async remove(key: LockKey, name: string, { metadata = {} }: LeaseObject, timeout: number): Promise<boolean> {
    const { uid = '', resourceVersion = '' } = metadata
    const body = { preconditions: { uid, resourceVersion } }
    const answer = await this.#ask(
      { key, verb: 'delete', timeout },
      ({ api, namespace }, options) => api.deleteNamespacedLeaseWithHttpInfo({ name, namespace, body }, options),
      [CONFLICT, GONE],
    )
    return answer !== undefined
  }

  /** One page, and how to ask for the next. */
  async list(
    labelSelector: string,
    limit: number,
    timeout: number,
    page?: string,
  ): Promise<{ readonly leases: readonly LeaseObject[]; readonly next: string | undefined }> {
    const answer = (await this.#ask({ key: undefined, verb: 'list', timeout }, ({ api, namespace }, options) =>
      api.listNamespacedLeaseWithHttpInfo(
        { namespace, labelSelector, limit, ...(page === undefined ? {} : { _continue: page }) },
        options,
      ),
    )) as Answer<LeaseList>
    const { items, metadata } = answer.data
    return { leases: items, next: metadata?._continue || undefined }
  }

  close(): void {
    this.#connections.close()
  }

  /** What is between may answer in the server's place: with a page to log in, say. Then a write was perhaps none. */
  async #leaseOf({ data }: Answer<LeaseObject>): Promise<LeaseObject> {
    if (typeof data?.metadata?.resourceVersion === 'string') return data
    throw await this.#notTheLease()
  }

  async #notTheLease(): Promise<Error> {
    const { namespace, server } = await this.cluster()
    return new Error(
      `${placeOf(namespace, server)}: it answered with something else than the Lease: is this the API server, or is there something between?`,
    )
  }

  /** Undefined for a refusal with one of the `expected` codes. */
  async #ask<T>(
    { key, verb, timeout }: { readonly key: LockKey | undefined; readonly verb: Verb; readonly timeout: number },
    call: (cluster: Cluster, options: CallOptions) => Promise<Answer<T>>,
    expected: readonly number[] = [],
  ): Promise<Answer<T> | undefined> {
    const started = this.#runtime.now()
    const cluster = await this.cluster()
    const signal = AbortSignal.timeout(timeout)
    for (;;) {
      try {
        return await call(cluster, this.#connections.options(signal))
      } catch (thrown) {
        const refusal = refusalOf(thrown)
        // A Lease that is not there, in a namespace that is not there: only who creates one has to know.
        if (refusal !== undefined && expected.includes(refusal.code)) return undefined
        // They were made with credentials, and with trust, that may have been replaced since.
        if (refusal === undefined || refusal.code === UNAUTHORISED) this.#connections.forget()
        if (!(await this.#pausedFor(refusal, started, timeout)))
          throw failure(thrown, { key, verb, namespace: cluster.namespace, server: cluster.server })
      }
    }
  }

  /** Waits as long as a server that is too busy asks for, if there is time: it has done nothing yet. */
  async #pausedFor(refusal: Refusal | undefined, started: Instant, timeout: number): Promise<boolean> {
    if (refusal?.code !== TOO_MANY) return false
    const seconds = Number(refusal.headers['retry-after'] ?? 1)
    const asked = (Number.isFinite(seconds) ? seconds : 1) * 1_000 * (1 + this.#runtime.random() / 4)
    const pause = Math.max(asked, LEAST_PAUSE)
    if (elapsed(this.#runtime, started) + pause >= timeout) return false
    await new Promise<void>((resolve) => this.#runtime.setTimer(pause, resolve, true))
    return true
  }
}
