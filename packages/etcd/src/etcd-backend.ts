import {
  type AcquireAnswer,
  type AcquireRequest,
  type Capabilities,
  type ExamineRequest,
  type Finding,
  type KeyRequest,
  type ListRequest,
  type LockBackend,
  type LockState,
  type RenewAnswer,
  type RenewRequest,
  type Runtime,
  systemRuntime,
  type TokenRequest,
} from '@locks/core'
import { acquire } from './acquiring.ts'
import { Claims } from './claims.ts'
import type { EtcdClient } from './client.ts'
import { cancel, forceRelease, release } from './ending.ts'
import { examine } from './examine.ts'
import { capabilitiesOf } from './guarantee.ts'
import { inspect, list } from './inspecting.ts'
import { KeepAlives } from './keep-alives.ts'
import { placeOf } from './keys.ts'
import type { Lease } from './lease.ts'
import { Leases } from './leases.ts'
import { Members } from './members.ts'
import { DEFAULT_PREFIX, type EtcdBackendOptions, type Settings, settingsFrom } from './options.ts'
import { encode } from './record.ts'
import { Remaining } from './remaining.ts'
import { renew } from './renewing.ts'
import { applicantOf } from './requests.ts'
import type { Store } from './store.ts'
import { Watches } from './watches.ts'

const CANCEL_TIMEOUT = 3_000
/** Milliseconds after a failure in which a claim is asked for again, or counts as given up. */
const FAILED = 30_000

/** Locks on etcd: one key for each contender, served in the order of their create revisions. */
export class EtcdBackend implements LockBackend {
  readonly name: string = 'etcd'
  readonly location: string
  readonly capabilities: Capabilities
  readonly runtime: Runtime
  readonly #store: Store
  #doubt: (sooner: number) => void = () => undefined

  constructor({ connections, prefix, minTtl }: Settings, runtime: Runtime) {
    this.runtime = runtime
    this.capabilities = capabilitiesOf(minTtl)
    this.location = prefix === DEFAULT_PREFIX ? connections.location : `${connections.location} ${prefix}`
    const members = new Members(connections, runtime)
    const keepAlives = new KeepAlives(members, Buffer.from(`${prefix}!`))
    const leases = new Leases(members, keepAlives, (lease) => this.#lost(lease))
    const claims = new Claims(runtime, (claim) => {
      cancel(this.#store, claim, { ...claim, mode: 'exclusive', timeout: CANCEL_TIMEOUT }).catch(() => undefined)
    })
    const [watches, remaining] = [new Watches(members), new Remaining(runtime)]
    this.#store = { members, leases, claims, watches, remaining, prefix, runtime }
  }

  onDoubt(listener: (sooner: number) => void): void {
    this.#doubt = listener
  }

  async acquire(request: AcquireRequest): Promise<AcquireAnswer> {
    const { key, mode, permits, owner, token, ttl, metadata, wait } = request
    const claim = this.#store.claims.of(request, () => {
      const value = encode({ token, ttl, metadata })
      return applicantOf(placeOf(this.#store.prefix, key), { mode, permits, owner }, value)
    })
    const { claims } = this.#store
    claims.asks(claim)
    const asking = acquire(this.#store, claim, request)
    claim.pending = asking
    const answer = await asking.catch((error) => {
      if (!claim.isHeld) claims.waits(claim, FAILED)
      throw error
    })
    if (answer.outcome !== 'granted' && wait === null && claim.doubtful.size > 0)
      cancel(this.#store, claim, request).catch(() => undefined)
    return answer
  }

  async cancel(request: TokenRequest): Promise<void> {
    const claim = this.#store.claims.get(request.token)
    if (claim !== undefined) await cancel(this.#store, claim, request)
  }

  async renew(request: RenewRequest): Promise<RenewAnswer> {
    return renew(this.#store, this.#store.claims.get(request.token), request)
  }

  async release(request: TokenRequest): Promise<boolean> {
    const claim = this.#store.claims.get(request.token)
    return claim !== undefined && release(this.#store, claim, request)
  }

  inspect({ key, timeout }: KeyRequest): Promise<LockState> {
    return inspect(this.#store, key, timeout)
  }

  forceRelease({ key, timeout }: KeyRequest): Promise<boolean> {
    return forceRelease(this.#store, key, timeout)
  }

  list({ namespace, prefix, timeout }: ListRequest): Promise<readonly string[]> {
    return list(this.#store, namespace, prefix, timeout)
  }

  examine({ timeout }: ExamineRequest): Promise<readonly Finding[]> {
    return examine(this.#store, timeout, this.capabilities.ttl.min)
  }

  async close(): Promise<void> {
    const { members, leases, claims, watches } = this.#store
    await members.close(async () => {
      watches.close()
      claims.close()
      await leases.close()
    })
  }

  /** What rested on a session is gone with it: who waits looks, who holds learns it at once. */
  #lost(lease: Lease): void {
    const claims = this.#store.claims.on(lease)
    for (const { wake } of claims) wake?.()
    if (claims.some(({ isHeld }) => isHeld)) this.#doubt(0)
  }
}

/**
 * Locks on an etcd (3.4 or newer) or a cluster of them: a URL (`etcd://user:password@host:2379,host:2379`), a list of hosts,
 * a client of etcd3, or options. Default: `127.0.0.1:2379`. Connects on first use.
 *
 * Throws a TypeError or RangeError for what it does not understand.
 */
export function etcdBackend(options?: string | URL | readonly string[] | EtcdClient | EtcdBackendOptions): LockBackend {
  return new EtcdBackend(settingsFrom(options), systemRuntime)
}
