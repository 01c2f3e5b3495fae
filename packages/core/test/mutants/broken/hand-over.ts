import type { LockKey } from '../../../src/index.ts'
import { type BrokenBackend, client, Server, server } from './broken-backend.ts'

const rotation = 'hand-over: a rotation makes the old secret void in the same step, and can be repeated'

export const handOver: readonly BrokenBackend[] = [
  server(
    'a rotated secret stays valid',
    rotation,
    class extends Server {
      override renew(key: LockKey, token: string, ttl: number): number | undefined {
        return super.renew(key, token, ttl, undefined)
      }
    },
  ),
  server(
    'a rotation whose reply was lost cannot be repeated',
    rotation,
    class extends Server {
      override renew(key: LockKey, token: string, ttl: number, rotateTo: string | undefined): number | undefined {
        if (!this.entry(key).holds.some((hold) => hold.token === token)) return undefined
        return super.renew(key, token, ttl, rotateTo)
      }
    },
  ),
  server(
    'the old secret leads to the new one: a second attach succeeds',
    'hand-over: a second attach of the same lease is LOCK_LOST and leaves the first alone',
    class extends Server {
      readonly #heirs = new Map<string, string>()

      override renew(key: LockKey, token: string, ttl: number, rotateTo: string | undefined): number | undefined {
        const current = this.#heirs.get(token) ?? token
        if (rotateTo !== undefined) this.#heirs.set(token, rotateTo)
        return super.renew(key, current, ttl, rotateTo)
      }
    },
  ),
  client(
    'the holds of a client end with it, standalone or not',
    'hand-over: a detached lease outlives the client that took it',
    (backend, broken) => {
      const taken = new Map<string, LockKey>()
      return {
        acquire: (request) => {
          taken.set(request.token, request.key)
          return backend.acquire(request)
        },
        close: () => {
          for (const [token, key] of taken) broken.release(key, token)
          return backend.close()
        },
      }
    },
  ),
]
