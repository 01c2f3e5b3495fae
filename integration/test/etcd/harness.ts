import { setTimeout as sleep } from 'node:timers/promises'
import { type Lease, Lock, type LockBackend, type LockOptions } from '@locks/core'
import { type EtcdClient, etcdBackend, type Transaction } from '@locks/etcd'
import { Etcd3 } from 'etcd3'
import { onTestFinished } from 'vitest'
import { type FaultyProxy, startProxy } from '../../faults/proxy.ts'
import { ScriptProcess } from '../../faults/script-process.ts'
import { type EtcdOptions, type EtcdServer, startEtcd } from '../../servers/etcd-binary.ts'
import { type EtcdCluster, type EtcdClusterOptions, startEtcdCluster } from '../../servers/etcd-cluster.ts'
import type { Address } from '../../servers/resp.ts'
import { now } from '../outcomes.ts'

export { backendError, lossOf, lost, now } from '../outcomes.ts'

/** The shortest lease of the servers here. */
export const SECOND = 1_000

/** A server that goes with the test. */
export async function etcd(options: EtcdOptions = {}): Promise<EtcdServer> {
  const server = await startEtcd(options)
  onTestFinished(() => server.stop())
  return server
}

/** Three members that go with the test. */
export async function etcdCluster(options: EtcdClusterOptions = {}): Promise<EtcdCluster> {
  const cluster = await startEtcdCluster(options)
  onTestFinished(() => cluster.stop())
  return cluster
}

/** A proxy that goes with the test. */
export async function proxyTo(server: Address): Promise<FaultyProxy> {
  const proxy = await startProxy(server)
  onTestFinished(() => proxy.close())
  return proxy
}

export const hostOf = ({ host, port }: Address): string => `${host}:${port}`

/** What another process would have: a backend of its own. It goes with the test. */
export class Party {
  readonly backend: LockBackend
  readonly #options: LockOptions

  constructor(members: readonly Address[], options: LockOptions = {}) {
    this.backend = etcdBackend({ hosts: members.map(hostOf), minTtl: SECOND })
    this.#options = options
    onTestFinished(() => this.backend.close())
  }

  lock(name: string, options: LockOptions = {}): Lock {
    return new Lock(name, { ...this.#options, ...options, backend: this.backend })
  }
}

/** A client of etcd3 that goes with the test. */
export function clientOf(...members: readonly Address[]): Etcd3 {
  const client = new Etcd3({ hosts: members.map(hostOf) })
  onTestFinished(() => client.close())
  return client
}

/** Carries a request out. */
export type Send = () => Promise<unknown>

/** A backend over a client whose transactions go through `txn`, which may lose them, or their answers. */
export function backendOver(client: Etcd3, txn: (send: Send, request: Transaction) => Promise<unknown>): LockBackend {
  const { kv, leaseClient, watchClient } = client as unknown as EtcdClient
  const tampered: EtcdClient = {
    kv: {
      range: (request, options) => kv.range(request, options),
      deleteRange: (request, options) => kv.deleteRange(request, options),
      txn: (request) => txn(() => kv.txn(request), request),
    },
    leaseClient,
    watchClient,
  }
  const backend = etcdBackend({ client: tampered, minTtl: SECOND })
  onTestFinished(() => backend.close())
  return backend
}

export const unavailable = (): Error => new Error('UNAVAILABLE: the connection was cut')

/** Rejects if it is lost meanwhile. */
export async function staysHeld(lease: Lease, milliseconds: number): Promise<void> {
  for (const started = now(); now() - started < milliseconds; await sleep(50)) lease.assertHeld()
}

/** All keys of a server. */
export const keysOn = (client: Etcd3): Promise<readonly string[]> => client.getAll().keys()

export async function leasesOn(client: Etcd3): Promise<readonly string[]> {
  const { leases } = await client.leaseClient.leaseLeases()
  return leases.map(({ ID }) => ID)
}

/** A process with a backend of its own, by the methods of `children/party.ts`. It goes with the test. */
export function process(members: readonly Address[]): ScriptProcess {
  const started = new ScriptProcess(new URL('children/party.ts', import.meta.url), { args: members.map(hostOf) })
  onTestFinished(() => started.kill())
  return started
}
