import { type CoordinationV1Api, KubeConfig } from '@kubernetes/client-node'
import type { Address } from '../../servers/resp.ts'

/** A kubeconfig as data, as `KubeServer.kubeConfig` makes them. */
export type Config = object

/** What leads to the API server by another address: a proxy's. */
export function configThrough(config: Config, { host, port }: Address): KubeConfig {
  const loaded = new KubeConfig()
  loaded.loadFromString(JSON.stringify(config))
  loaded.clusters = loaded.clusters.map((cluster) => ({ ...cluster, server: `https://${host}:${port}` }))
  return loaded
}

export type { CoordinationV1Api }
