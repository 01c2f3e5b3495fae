import type {
  AcquireAnswer,
  AcquireRequest,
  Capabilities,
  Grant,
  KeyRequest,
  ListRequest,
  LockBackend,
  LockState,
  RenewAnswer,
  RenewRequest,
  TokenRequest,
} from '../../src/index.ts'
import type { Checks } from './checks.ts'
import type { Process } from './process.ts'

/** Listens between core and a process's backend, and changes nothing. */
export class Tap implements LockBackend {
  readonly name: string
  readonly location: string
  readonly capabilities: Capabilities
  readonly runtime: Process
  /** How often a lock was broken through it. */
  breaks: number = 0
  readonly #backend: LockBackend
  readonly #checks: Checks

  constructor(backend: LockBackend, process: Process, checks: Checks) {
    this.#backend = backend
    this.#checks = checks
    this.runtime = process
    this.name = backend.name
    this.location = 'here'
    this.capabilities = backend.capabilities
  }

  acquire(request: AcquireRequest): Promise<AcquireAnswer> {
    const { runtime: process } = this
    const root = this.#checks.asked(process, request)
    const { wait } = request
    const wake = (grant?: Grant): void => {
      process.world.detail(process.name, () => `${root.owner} woken${grant ? ` with ${grant.fencingToken}` : ''}`)
      if (grant !== undefined) this.#checks.armed(root, grant.ttl)
      wait?.wake(grant)
    }
    const asked = this.#backend.acquire(wait === null ? request : { ...request, wait: { ...wait, wake } })
    root.asking += 1
    const end = (): void => {
      root.asking -= 1
    }
    asked.then(end, end)
    return this.#heard(`acquire ${root.owner}`, asked, (answer) => this.#checks.answered(root, request, answer))
  }

  cancel(request: TokenRequest): Promise<void> {
    this.#checks.leaving(this.runtime, request.token, 'cancel')
    return this.#heard(`cancel ${request.token}`, this.#backend.cancel(request), () =>
      this.#checks.cleared(request.token),
    )
  }

  renew(request: RenewRequest): Promise<RenewAnswer> {
    this.#checks.renewing(request)
    const renewal = this.#backend.renew(request)
    const end = (): void => this.#checks.renewalEnds(request)
    renewal.then(end, end)
    return this.#heard(`renew ${request.token}`, renewal, (answer) =>
      this.#checks.renewed(this.runtime, request, answer),
    )
  }

  release(request: TokenRequest): Promise<boolean> {
    this.#checks.leaving(this.runtime, request.token, 'release')
    return this.#heard(`release ${request.token}`, this.#backend.release(request), () =>
      this.#checks.cleared(request.token),
    )
  }

  inspect(request: KeyRequest): Promise<LockState> {
    return this.#heard('inspect', this.#backend.inspect(request), () => undefined)
  }

  forceRelease(request: KeyRequest): Promise<boolean> {
    this.breaks += 1
    return this.#heard('forceRelease', this.#backend.forceRelease(request), () => undefined)
  }

  list(request: ListRequest): Promise<readonly string[]> {
    return this.#backend.list(request)
  }

  close(): Promise<void> {
    return this.#backend.close()
  }

  /** The very promise of the backend, heard before anybody else hears it. */
  #heard<T>(what: string, answer: Promise<T>, listen: (value: T) => void): Promise<T> {
    const { world, name } = this.runtime
    world.detail(name, () => `${what} …`)
    answer.then(
      (value) => {
        world.detail(name, () => `${what}: ${describe(value)}`)
        listen(value)
      },
      (error: unknown) => world.detail(name, () => `${what} failed: ${String(error)}`),
    )
    return answer
  }
}

const describe = (value: unknown): string =>
  JSON.stringify(value, (_, part: unknown) => (typeof part === 'bigint' ? String(part) : part)) ?? 'done'
