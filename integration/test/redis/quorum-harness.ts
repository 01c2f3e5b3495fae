import { Lock, type LockBackend, type LockOptions } from '@locks/core'
import { redisQuorumBackend } from '@locks/redis'
import { expect, onTestFinished } from 'vitest'
import type { FaultyProxy } from '../../faults/proxy.ts'
import type { RedisServer } from '../../servers/redis-binary.ts'
import { now, proxyTo, redis } from './harness.ts'

export const NODE_TIMEOUT = 500

/** Independent servers, which go with the test. */
export function servers(count: number): Promise<RedisServer[]> {
  return Promise.all(Array.from({ length: count }, () => redis()))
}

/** What another process would have: a backend of its own, which goes with the test, behind proxies of its own. */
export class QuorumParty {
  readonly backend: LockBackend
  readonly proxies: readonly FaultyProxy[]

  private constructor(proxies: readonly FaultyProxy[]) {
    this.proxies = proxies
    this.backend = redisQuorumBackend(
      proxies.map(({ host, port }) => ({ host, port })),
      { nodeTimeout: NODE_TIMEOUT },
    )
    onTestFinished(() => this.backend.close())
  }

  static async at(nodes: readonly RedisServer[]): Promise<QuorumParty> {
    return new QuorumParty(await Promise.all(nodes.map(proxyTo)))
  }

  lock(name: string, options: LockOptions = {}): Lock {
    return new Lock(name, { ...options, backend: this.backend })
  }
}

/** The holds that the servers have of a lock now, whoever sees them: the owners, by server. */
export async function holdsAt(nodes: readonly RedisServer[], name: string): Promise<readonly string[]> {
  const texts = await Promise.all(nodes.map((node) => node.command('GET', `locks:{:${name}}`)))
  return texts.flatMap((text) => {
    const held = String(text ?? '').slice(43)
    return held !== '' && !held.startsWith('!') && Number(held.slice(22, 35)) > Date.now() ? [held.slice(64)] : []
  })
}

/** What is not waiting for a server that does not answer. */
export const PROMPT: number = NODE_TIMEOUT * 0.8

/** How long an acquire and its release take, at best of a few. */
export async function bestOf(party: QuorumParty, name: string): Promise<number> {
  let best = Number.POSITIVE_INFINITY
  for (let count = 0; count < 5; count += 1) {
    const started = now()
    const lease = await party.lock(name).acquire()
    expect(await lease.release()).toBe(true)
    best = Math.min(best, now() - started)
  }
  return best
}
