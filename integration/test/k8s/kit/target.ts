import { CoordinationV1Api } from '@kubernetes/client-node'
import type { LockBackend } from '@locks/core'
import type { ConformanceTarget } from '@locks/core/conformance'
import { k8sBackend } from '@locks/k8s'
import { ProxiedClients } from '../../../faults/proxied-clients.ts'
import { startKube } from '../../../servers/kube.ts'
import type { Kube } from '../../../servers/kube-api.ts'
import { startKubeVersion } from '../../../servers/kube-start.ts'
import type { Address } from '../../../servers/resp.ts'
import { type Config, configThrough } from '../harness.ts'

/** Where the API server is, for the processes that the kit starts: they inherit the environment. */
const PLACE = 'LOCKS_TEST_KUBE_PLACE'
const NAMESPACE = 'kit'

interface Place extends Address {
  readonly config: Config
}

interface Started {
  readonly kube: Kube
  readonly restart: (() => Promise<void>) | undefined
}

/** A process, which can be restarted; or a server in a container, where there is an engine. */
async function start(where: 'process' | 'anywhere'): Promise<Started> {
  if (where === 'anywhere') return { kube: await startKubeVersion(), restart: undefined }
  const kube = await startKube()
  return { kube, restart: () => kube.restart() }
}

/** A target over a server that is started for it. `given`: what the user gives the backend. */
export async function k8sTarget(module: string, given: 'kubeConfig' | 'api'): Promise<ConformanceTarget> {
  let started: Started | undefined
  if (process.env[PLACE] === undefined) {
    started = await start(given === 'api' ? 'anywhere' : 'process')
    const { kube } = started
    await kube.namespace(NAMESPACE)
    process.env[PLACE] = JSON.stringify({ host: kube.host, port: kube.port, config: kube.kubeConfig() })
  }
  const place = JSON.parse(process.env[PLACE] ?? '') as Place
  const proxied = new ProxiedClients<LockBackend>(place)

  const backendThrough = (address: Address): LockBackend => {
    const kubeConfig = configThrough(place.config, address)
    // The stamps are taken at their word, so that the cases about dead holders don't take long.
    const common = { namespace: NAMESPACE, serverClockSkew: 0 }
    if (given === 'kubeConfig') return k8sBackend({ ...common, kubeConfig })
    return k8sBackend({ ...common, api: kubeConfig.makeApiClient(CoordinationV1Api) })
  }
  const restart = started?.restart
  return {
    name: `k8s by ${given}`,
    module,
    capabilities: backendThrough(place).capabilities,
    connect: async () => {
      const proxy = await proxied.connectThrough()
      return proxied.bind(backendThrough(proxy), proxy)
    },
    ttl: 1_000,
    latency: 150,
    faults: { ...proxied.faults, ...(restart && { restart }) },
    close: async () => {
      proxied.close()
      await started?.kube.stop()
    },
  }
}
