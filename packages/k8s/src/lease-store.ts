import {
  type Guarantee,
  type LockKey,
  LockUnsupportedError,
  type RecordRead,
  type RecordStore,
  type RecordWrite,
  type Runtime,
} from '@locks/core'
import type { LeaseObject } from './client.ts'
import { guaranteeOf, TTL } from './guarantee.ts'
import { Housekeeping } from './housekeeping.ts'
import { checkOwner, freeLease, MANAGED_BY, MANAGER, ownerOf, readingOf, withRecord } from './lease.ts'
import { leaseNameOf } from './names.ts'
import type { Settings } from './options.ts'
import type { Requests } from './requests.ts'
import { restOf, writerOf } from './stamps.ts'
import { Watch } from './watch.ts'

/** There is no Lease. */
const ABSENT: unique symbol = Symbol('absent')

/** A Lease as it was read, with its uid and resource version, on which each write is conditional. */
type Version = LeaseObject | typeof ABSENT

const PAGE = 500

/** One Lease for each lock. There is no clock that clients share: who is silent is found by observation. */
export class LeaseStore implements RecordStore<Version> {
  readonly name: string = 'k8s'
  readonly location: string
  readonly clock = null
  readonly presence = null
  readonly ttl: { readonly min: number; readonly max: number; readonly infinite: boolean }
  readonly queue: 'fifo' = 'fifo'
  readonly pollInterval: number
  readonly signsOfLife: 'often' | 'seldom'
  readonly idleRecords: 'keep' = 'keep'
  readonly guarantee: Guarantee
  readonly watch: RecordStore<Version>['watch']
  readonly names: RecordStore<Version>['names']
  readonly #settings: Settings
  readonly #requests: Requests
  readonly #runtime: Runtime
  readonly #housekeeping: Housekeeping
  /** By Lease that is being watched: the newest version that is known. */
  readonly #newest = new Map<string, bigint>()
  /** With a Lease of its own: the lock that uses it. */
  #only: string | undefined

  constructor(settings: Settings, requests: Requests, runtime: Runtime) {
    const { location, leaseName, canWatch, serverClockSkew } = settings
    this.location = location
    this.ttl = { ...TTL, infinite: leaseName === undefined }
    this.signsOfLife = canWatch ? 'seldom' : 'often'
    // With a watch there is no polling beside the signs of life.
    this.pollInterval = canWatch ? Number.POSITIVE_INFINITY : 500
    this.guarantee = guaranteeOf(serverClockSkew !== Number.POSITIVE_INFINITY)
    this.watch = canWatch ? (key, changed) => this.#watch(key, changed) : null
    this.names =
      leaseName === undefined ? (namespace, prefix, timeout) => this.#names(namespace, prefix, timeout) : null
    this.#settings = settings
    this.#requests = requests
    this.#runtime = runtime
    this.#housekeeping = new Housekeeping(requests, runtime)
  }

  async read(key: LockKey, timeout: number): Promise<RecordRead<Version>> {
    const name = this.#nameOf(key)
    const found = await this.#requests.read(key, name, timeout)
    if (found === undefined) return this.#absent
    const { lease, date, took } = found
    this.#note(name, lease.metadata?.resourceVersion)
    const reading = this.#readingOf(key, lease)
    // What an outsider does may leave no stamp: it is only watched.
    if (reading.outsider !== undefined) return reading
    return { ...reading, unchanged: restOf(lease, date, took, this.#settings.serverClockSkew) }
  }

  /**
   * The first write makes a Lease that nobody holds, and says that the absence is over. A creation is conditional on
   * nothing but the absence, which comes back: if it arrived late with a hold in it, that would be an orphan. And every
   * Lease has a resource version, above which the tokens go on.
   */
  async write(key: LockKey, version: Version, record: RecordWrite, timeout: number): Promise<Version | null> {
    const name = this.#nameOf(key)
    if (version === ABSENT) {
      const owner = this.#settings.leaseName === undefined ? key : undefined
      await this.#requests.create(key, (namespace) => freeLease(name, namespace, owner), timeout)
      return null
    }
    const body = withRecord(version, record, this.#runtime.now().wall)
    const written = await this.#requests.replace(key, name, body, writerOf(version), timeout)
    if (written !== null) this.#note(name, written.metadata?.resourceVersion)
    return written
  }

  async remove(key: LockKey, version: Version, _fence: bigint, timeout: number): Promise<boolean> {
    return version !== ABSENT && this.#requests.remove(key, this.#nameOf(key), version, timeout)
  }

  sweep(prune: (key: LockKey) => Promise<boolean>): Promise<void> {
    return this.#settings.leaseName === undefined ? this.#housekeeping.sweep(prune) : Promise.resolve()
  }

  async close(): Promise<void> {
    this.#requests.close()
  }

  /** Nothing is written on an absence, so that its tokens don't matter. */
  readonly #absent: RecordRead<Version> = { version: ABSENT, value: null, floor: 0n }

  #readingOf(key: LockKey, lease: LeaseObject): RecordRead<Version> {
    if (this.#settings.leaseName === undefined) checkOwner(key, lease, this.location)
    return { version: lease, ...readingOf(lease) }
  }

  /** Throws a LockUnsupportedError for a second lock on a backend whose Lease has a name of its own. */
  #nameOf(key: LockKey): string {
    const { leaseName } = this.#settings
    if (leaseName === undefined) return leaseNameOf(key)
    this.#only ??= key.id
    if (this.#only !== key.id)
      throw new LockUnsupportedError(
        `lock ${JSON.stringify(key.name)} on k8s ${this.location}: this backend has the one Lease ${JSON.stringify(leaseName)} (leaseName), which another lock (${JSON.stringify(this.#only)}) uses: make a backend for each`,
        { key },
      )
    return leaseName
  }

  #watch(key: LockKey, changed: (read?: RecordRead<Version>) => void): () => void {
    const name = this.#nameOf(key)
    this.#newest.set(name, 0n)
    const tell = (lease: LeaseObject | undefined, version: string | undefined): void => {
      // Notices of one's own writes come late: an older state would only lead to a conflict.
      if (!this.#note(name, version)) return
      try {
        changed(lease === undefined ? this.#absent : this.#readingOf(key, lease))
      } catch {
        // The look that follows meets the same, and has somebody to tell it to.
        changed()
      }
    }
    const events = { changed: tell, blind: () => changed() }
    const watch = new Watch(() => this.#requests.cluster(), name, events, this.#runtime)
    return () => {
      watch.stop()
      this.#newest.delete(name)
    }
  }

  /**
   * Whether this is not older than what is known of a watched Lease. Versions are compared only to save work: at worst a
   * write meets a conflict, or a waiter looks later.
   */
  #note(name: string, version: string | undefined): boolean {
    const newest = this.#newest.get(name)
    if (newest === undefined || !/^\d+$/.test(version ?? '')) return true
    const number = BigInt(version as string)
    if (number < newest) return false
    this.#newest.set(name, number)
    return true
  }

  async #names(namespace: string, prefix: string, timeout: number): Promise<readonly string[]> {
    const names: string[] = []
    let page: string | undefined
    do {
      const { leases, next } = await this.#requests.list(`${MANAGED_BY}=${MANAGER}`, PAGE, timeout, page)
      for (const lease of leases) {
        const owner = ownerOf(lease)
        if (owner?.namespace === namespace && owner.name.startsWith(prefix)) names.push(owner.name)
      }
      page = next
    } while (page !== undefined)
    return names
  }
}
