import type { KubeConfig, LeaseApi } from './client.ts'
import { type Cluster, clusterOf, defaultCluster } from './connecting.ts'
import { optionsFromUrl } from './url.ts'

/** Which cluster, and where in it. */
export interface K8sBackendOptions {
  /**
   * The Kubernetes namespace that the Leases are in. (The namespace of a lock is another thing: part of its name.) Default:
   * that of the kubeconfig's context, in a pod the pod's own, else `default`.
   */
  readonly namespace?: string | undefined
  /**
   * A `KubeConfig` of @kubernetes/client-node that is yours. Default: what kubectl would use (`KUBECONFIG`,
   * `~/.kube/config`), in a pod its service account.
   */
  readonly kubeConfig?: KubeConfig | undefined
  /**
   * A `CoordinationV1Api` of @kubernetes/client-node that is yours, instead of `kubeConfig`; needs `namespace`. It can't
   * watch: waiters look twice a second.
   */
  readonly api?: LeaseApi | undefined
  /** The context of the kubeconfig to use; not with `kubeConfig` or `api`. Default: its current one. */
  readonly context?: string | undefined
  /** Path of a kubeconfig; not with `kubeConfig` or `api`. Default: see `kubeConfig`. */
  readonly kubeConfigFile?: string | undefined
  /**
   * The name of the one Lease that this backend's one lock uses, to share it with tools that elect leaders by client-go or
   * in its way: each respects the other's hold. Then there is no `ttl: Infinity` and no list. Default: each lock has a Lease
   * of a name made from the lock's.
   */
  readonly leaseName?: string | undefined
  /**
   * By how many milliseconds the clocks of the API servers may differ, or one be set forward, from 0. Who looks at a lock
   * for the first time takes it from a holder that, by the servers' own stamps, has been silent for its ttl and this much
   * more. `Infinity`: no stamps; such a holder is then only replaced by who watches it for its ttl. Default 10,000.
   */
  readonly serverClockSkew?: number | undefined
}

export interface Settings {
  readonly open: () => Promise<Cluster>
  /** Where it is, for messages. */
  readonly location: string
  readonly canWatch: boolean
  readonly leaseName: string | undefined
  readonly serverClockSkew: number
}

const DEFAULT_SKEW = 10_000
const OWN = ['namespace', 'leaseName', 'serverClockSkew'] as const
const WAYS = ['kubeConfig', 'api', 'context', 'kubeConfigFile'] as const
const KNOWN: readonly string[] = [...OWN, ...WAYS]

const LABEL = /^[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?$/
const SUBDOMAIN = /^[a-z0-9](?:[-a-z0-9.]{0,251}[a-z0-9])?$/

const shown = (value: unknown): string => (typeof value === 'string' ? JSON.stringify(value) : String(value))

/** Checks what was given to `k8sBackend`: a URL, a `KubeConfig`, or options. */
export function settingsFrom(given: string | URL | KubeConfig | K8sBackendOptions | undefined): Settings {
  if (given === undefined) return fromOptions({})
  if (typeof given === 'string' || given instanceof URL) return fromOptions(optionsFromUrl(String(given)))
  if (typeof given !== 'object' || given === null)
    throw new TypeError(`k8sBackend was given ${shown(given)}: give options, a KubeConfig, or a URL`)
  return isConfig(given) ? fromOptions({ kubeConfig: given }) : fromOptions(given as K8sBackendOptions)
}

const isConfig = (value: object): value is KubeConfig => 'applyToHTTPSOptions' in value && 'getCurrentCluster' in value

const isApi = (value: object): value is LeaseApi => 'replaceNamespacedLeaseWithHttpInfo' in value

function fromOptions(options: K8sBackendOptions): Settings {
  for (const name of Object.keys(options))
    if (!KNOWN.includes(name)) throw new TypeError(`unknown option ${shown(name)}: k8sBackend has ${KNOWN.join(', ')}`)
  const { namespace, leaseName, serverClockSkew = DEFAULT_SKEW } = options
  checkText('namespace', namespace, LABEL, 'up to 63 lower-case letters, digits and hyphens')
  checkText('leaseName', leaseName, SUBDOMAIN, 'up to 253 lower-case letters, digits, hyphens and dots')
  if (typeof serverClockSkew !== 'number' || !(serverClockSkew >= 0))
    throw new RangeError(`serverClockSkew is ${shown(serverClockSkew)}: it must be milliseconds from 0, or Infinity`)
  const place = namespace === undefined ? 'its default namespace' : `namespace ${JSON.stringify(namespace)}`
  const location = leaseName === undefined ? place : `${place} Lease ${JSON.stringify(leaseName)}`
  return { open: openerOf(options), location, canWatch: options.api === undefined, leaseName, serverClockSkew }
}

function checkText(name: string, value: unknown, pattern: RegExp, allowed: string): void {
  if (value === undefined) return
  if (typeof value !== 'string') throw new TypeError(`${name} is ${shown(value)}: it must be a string`)
  if (!pattern.test(value)) throw new TypeError(`${name} is ${shown(value)}: allowed are ${allowed}`)
}

/** How to find the cluster, at the first use. */
function openerOf({ namespace, kubeConfig, api, context, kubeConfigFile }: K8sBackendOptions): () => Promise<Cluster> {
  const others = { kubeConfig, api, context, kubeConfigFile }
  const refuseBeside = (name: 'kubeConfig' | 'api'): void => {
    const other = WAYS.find((way) => way !== name && others[way] !== undefined)
    if (other !== undefined) throw new TypeError(`${other} is given beside ${name}, which says where the cluster is`)
  }
  if (kubeConfig !== undefined) {
    refuseBeside('kubeConfig')
    if (typeof kubeConfig !== 'object' || kubeConfig === null || !isConfig(kubeConfig))
      throw new TypeError(`kubeConfig is ${shown(kubeConfig)}: it must be a KubeConfig of @kubernetes/client-node`)
    return () => clusterOf(kubeConfig, namespace)
  }
  if (api !== undefined) {
    refuseBeside('api')
    if (typeof api !== 'object' || api === null || !isApi(api))
      throw new TypeError(`api is ${shown(api)}: it must be a CoordinationV1Api of @kubernetes/client-node`)
    if (namespace === undefined) throw new TypeError('api is given without namespace: it does not know one')
    return async () => ({ api, config: undefined, namespace, server: 'the server of the given api' })
  }
  for (const [name, value] of Object.entries({ context, kubeConfigFile }))
    if (value !== undefined && (typeof value !== 'string' || value === ''))
      throw new TypeError(`${name} is ${shown(value)}: it must be a non-empty string`)
  return () => defaultCluster(context, kubeConfigFile, namespace)
}
