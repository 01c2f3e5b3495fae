import { KubeConfig } from '@kubernetes/client-node'
import { type Lease, Lock, type LockOptions } from '@locks/core'
import { k8sBackend } from '@locks/k8s'
import { answer, tell } from '../../../faults/answer.ts'

const [, , config = '', namespace, clockStep = '0'] = process.argv

/** This process's wall clock, set as it may be on another machine; the certificates are checked by the real one. */
const step = Number(clockStep)
const RealDate = Date
globalThis.Date = class extends RealDate {
  constructor(...given: [] | [number | string]) {
    super(...((given.length === 0 ? [RealDate.now() + step] : given) as [number]))
  }

  static override now(): number {
    return RealDate.now() + step
  }
} as DateConstructor

const kubeConfig = new KubeConfig()
kubeConfig.loadFromString(config)
const backend = k8sBackend({ namespace, kubeConfig, serverClockSkew: 0 })
let lease: Lease | undefined

answer({
  /** The fencing token; null: somebody else has it. */
  async tryAcquire(name: string, options: LockOptions) {
    lease = (await new Lock(name, { ...options, backend }).tryAcquire()) ?? undefined
    lease?.signal.addEventListener('abort', () => tell('lost'))
    return lease === undefined ? null : String(lease.fencingToken)
  },
  async acquire(name: string, options: LockOptions) {
    lease = await new Lock(name, { ...options, backend }).acquire()
    return String(lease.fencingToken)
  },
  held: () => lease?.held,
  release: () => lease?.release(),
  /** So many turns, one after the other; what it saw while it held. */
  async turns(name: string, count: number, options: LockOptions) {
    for (let turn = 0; turn < count; turn += 1)
      await new Lock(name, { ...options, backend }).using((mine) => {
        const entered = RealDate.now()
        for (const until = entered + 5; RealDate.now() < until; );
        tell({ turn: String(mine.fencingToken), entered, left: RealDate.now(), held: mine.held })
      })
  },
  wallClock: () => Date.now(),
})
