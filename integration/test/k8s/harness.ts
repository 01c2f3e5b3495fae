import { readFileSync } from 'node:fs'
import { KubeConfig } from '@kubernetes/client-node'
import { Lock, type LockBackend, type LockOptions } from '@locks/core'
import { type K8sBackendOptions, k8sBackend, type LeaseObject } from '@locks/k8s'
import { afterAll, beforeAll, expect, onTestFinished } from 'vitest'
import { type FaultyProxy, startProxy } from '../../faults/proxy.ts'
import { ScriptProcess } from '../../faults/script-process.ts'
import { type KubeOptions, type KubeServer, startKube } from '../../servers/kube.ts'
import type { Address } from '../../servers/resp.ts'

export { backendError, lossOf, lost, now } from '../outcomes.ts'

/** A kubeconfig as data, as `KubeServer.kubeConfig` makes them. */
export type Config = object

/** What leads to the API server by another address: a proxy's. */
export function configThrough(config: Config, { host, port }: Address): KubeConfig {
  const loaded = new KubeConfig()
  loaded.loadFromString(JSON.stringify(config))
  loaded.clusters = loaded.clusters.map((cluster) => ({ ...cluster, server: `https://${host}:${port}` }))
  return loaded
}

/** One server for all tests of a file. */
export function kubeForAll(options: KubeOptions = {}): () => KubeServer {
  let kube: KubeServer | undefined
  beforeAll(async () => {
    kube = await startKube(options)
  }, 120_000)
  afterAll(() => kube?.stop())
  return () => kube ?? expect.fail('the server is not there yet')
}

let made = 0

/** A namespace for one test. */
export function namespaceOn(kube: KubeServer): Promise<string> {
  made += 1
  return kube.namespace(`test-${made}`)
}

export const leasesPath = (namespace: string, name = ''): string =>
  `/apis/coordination.k8s.io/v1/namespaces/${namespace}/leases${name === '' ? '' : `/${name}`}`

/** All Leases of a namespace. */
export async function leasesIn(kube: KubeServer, namespace: string): Promise<readonly LeaseObject[]> {
  const { body } = await kube.ask('GET', leasesPath(namespace))
  return (body as { readonly items: readonly LeaseObject[] }).items
}

/** Whom the plain fields of a namespace's only Lease name; '' for nobody. */
export async function holderIn(kube: KubeServer, namespace: string): Promise<string> {
  const [lease] = await leasesIn(kube, namespace)
  return lease?.spec?.holderIdentity ?? ''
}

/** Requests about Leases that the server has answered, by verb. */
export async function requestsTo(kube: KubeServer): Promise<ReadonlyMap<string, number>> {
  const { body } = await kube.ask('GET', '/metrics')
  const counts = new Map<string, number>()
  for (const [, labels = '', count] of `${body}`.matchAll(/^apiserver_request_total\{(.*)\} (\S+)$/gm)) {
    const [, verb = ''] = /verb="(\w+)"/.exec(labels) ?? []
    if (labels.includes('resource="leases"')) counts.set(verb, (counts.get(verb) ?? 0) + Number(count))
  }
  return counts
}

/** How many requests about Leases were made meanwhile, but for the server's own. */
export async function requestsDuring(
  kube: KubeServer,
  work: () => Promise<unknown>,
): Promise<{ readonly all: number; readonly by: Readonly<Record<string, number>> }> {
  const before = await requestsTo(kube)
  await work()
  const after = await requestsTo(kube)
  const by = Object.fromEntries([...after].map(([verb, count]) => [verb, count - (before.get(verb) ?? 0)]))
  return { all: Object.values(by).reduce((sum, count) => sum + count, 0), by }
}

export interface PartyOptions extends Omit<K8sBackendOptions, 'kubeConfig' | 'api'> {
  /** Whose rights it has. Default: the admin's. */
  readonly token?: string
}

/** What another process would have: a backend of its own, through a proxy of its own. It goes with the test. */
export class Party {
  readonly backend: LockBackend
  readonly proxy: FaultyProxy
  readonly #options: LockOptions

  constructor(backend: LockBackend, proxy: FaultyProxy, options: LockOptions) {
    this.backend = backend
    this.proxy = proxy
    this.#options = options
  }

  static async at(
    kube: KubeServer,
    namespace: string,
    { token, ...settings }: PartyOptions = {},
    options: LockOptions = {},
  ): Promise<Party> {
    const proxy = await startProxy(kube)
    const kubeConfig = configThrough(kube.kubeConfig(token), proxy)
    const backend = k8sBackend({ namespace, kubeConfig, serverClockSkew: 0, ...settings })
    onTestFinished(async () => {
      await proxy.resume()
      await backend.close()
      proxy.close()
    })
    return new Party(backend, proxy, options)
  }

  lock(name: string, options: LockOptions = {}): Lock {
    return new Lock(name, { ...this.#options, ...options, backend: this.backend })
  }
}

/** A process with a backend of its own, by the methods of `children/party.ts`. It goes with the test. */
export function process(kube: KubeServer, namespace: string, clockStep = 0): ScriptProcess {
  const args = [JSON.stringify(kube.kubeConfig()), namespace, `${clockStep}`]
  const started = new ScriptProcess(new URL('children/party.ts', import.meta.url), { args })
  onTestFinished(() => started.kill())
  return started
}

/** The samples of a page of the docs in a language. */
export function samplesOf(page: string, language: string): readonly string[] {
  const text = readFileSync(new URL(`../../../docs/${page}`, import.meta.url), 'utf8')
  return [...text.matchAll(new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\``, 'gm'))].map(([, code = '']) => code)
}
