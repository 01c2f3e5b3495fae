import { existsSync, readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { LockBackendError } from '@locks/core'
import type { KubeConfig, LeaseApi } from './client.ts'

const SERVICE_ACCOUNT = '/var/run/secrets/kubernetes.io/serviceaccount'
const INSTALL = 'npm i @kubernetes/client-node'

/** What leads to a cluster, and to a namespace in it. */
export interface Cluster {
  readonly api: LeaseApi
  /** Undefined with an API object of the user's: then nothing can be watched. */
  readonly config: KubeConfig | undefined
  readonly namespace: string
  /** The API server's address. */
  readonly server: string
}

interface Library {
  readonly KubeConfig: new () => KubeConfig & {
    loadFromDefault(): void
    loadFromFile(path: string): void
    setCurrentContext(name: string): void
    makeApiClient(api: unknown): LeaseApi
  }
  readonly CoordinationV1Api: new (...args: never) => unknown
}

const failed = (message: string, cause?: unknown): LockBackendError =>
  new LockBackendError(`k8s: ${message}`, { cause })

async function library(): Promise<Library> {
  try {
    return (await import('@kubernetes/client-node')) as unknown as Library
  } catch (cause) {
    throw failed(`@kubernetes/client-node does not load: ${INSTALL}`, cause)
  }
}

/** By a config of the user's. */
export async function clusterOf(config: KubeConfig, namespace: string | undefined): Promise<Cluster> {
  const { CoordinationV1Api } = await library()
  const server = serverOf(config)
  const api = (config as InstanceType<Library['KubeConfig']>).makeApiClient(CoordinationV1Api)
  return { api, config, namespace: namespace ?? namespaceOf(config), server }
}

/** By the kubeconfig that kubectl would use, or in a pod by its service account. */
export async function defaultCluster(
  context: string | undefined,
  file: string | undefined,
  namespace: string | undefined,
): Promise<Cluster> {
  const { KubeConfig } = await library()
  const config = new KubeConfig()
  if (file === undefined && !hasDefault())
    throw failed(
      `no cluster is configured: KUBECONFIG is not set, ${join(homedir(), '.kube/config')} is not there, and this is no pod with a service account. Give kubeConfig, or api`,
    )
  try {
    if (file === undefined) config.loadFromDefault()
    else config.loadFromFile(file)
  } catch (cause) {
    throw failed(`the kubeconfig cannot be read: ${(cause as Error).message}`, cause)
  }
  if (context !== undefined) {
    if (config.getContextObject(context) === null)
      throw failed(`the kubeconfig has no context ${JSON.stringify(context)}`)
    config.setCurrentContext(context)
  }
  return clusterOf(config, namespace)
}

/** Whether the library would find anything: else it takes a server at localhost:8080 for granted. */
const hasDefault = (): boolean =>
  (process.env.KUBECONFIG ?? '') !== '' ||
  existsSync(join(homedir(), '.kube/config')) ||
  existsSync(`${SERVICE_ACCOUNT}/token`)

/** Throws a LockBackendError for a config that leads nowhere. */
function serverOf(config: KubeConfig): string {
  const cluster = config.getCurrentCluster()
  const context = config.getCurrentContext()
  if (cluster === null)
    throw failed(
      context === undefined || context === ''
        ? 'the KubeConfig has no current context: load one, or set it'
        : `the KubeConfig's context ${JSON.stringify(context)} names no cluster that is in it`,
    )
  if (!URL.canParse(cluster.server) || cluster.server.includes('undefined'))
    throw failed(
      `the KubeConfig's server is ${JSON.stringify(cluster.server)}: outside of a cluster KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are not set, and loadFromCluster() leads nowhere`,
    )
  return cluster.server
}

/** The context's namespace, in a pod the pod's, else `default`: what kubectl does. */
function namespaceOf(config: KubeConfig): string {
  const context = config.getContextObject(config.getCurrentContext())
  if (context?.namespace !== undefined && context.namespace !== '') return context.namespace
  try {
    return readFileSync(`${SERVICE_ACCOUNT}/namespace`, 'utf8').trim() || 'default'
  } catch {
    return 'default'
  }
}
