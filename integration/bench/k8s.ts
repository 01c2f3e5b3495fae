// @locks/k8s beside the bare requests of the client library, on a server of its own.
//
//     npm run bench -- k8s [--quick]
import { randomUUID } from 'node:crypto'
import { availableParallelism, loadavg } from 'node:os'
import { parseArgs } from 'node:util'
import { CoordinationV1Api, KubeConfig, type V1Lease } from '@kubernetes/client-node'
import { Lock } from '@locks/core'
import { k8sBackend } from '@locks/k8s'
import { startKube } from '../servers/kube.ts'
import { interleaved, median, medianRatio, table, verdict } from './redis/figures.ts'

const { values } = parseArgs({ options: { quick: { type: 'boolean' } } })
const [rounds, count] = values.quick === true ? [5, 30] : [15, 60]
const namespace = 'default'

/** Two writes, conditional on the version before: what a lock takes at least. */
async function pairs(api: CoordinationV1Api): Promise<() => Promise<void>> {
  const name = `bench-${randomUUID()}`
  const spec = { holderIdentity: '', leaseDurationSeconds: 1 }
  let lease = await api.createNamespacedLease({ namespace, body: { metadata: { name }, spec } as V1Lease })
  const write = async (holderIdentity: string): Promise<void> => {
    lease = await api.replaceNamespacedLease({ name, namespace, body: { ...lease, spec: { ...spec, holderIdentity } } })
  }
  return async () => {
    await write('somebody')
    await write('')
  }
}

async function cycles(cycle: () => Promise<unknown>): Promise<number> {
  const start = performance.now()
  for (let left = count; left > 0; left -= 1) await cycle()
  return (count / (performance.now() - start)) * 1_000
}

const kube = await startKube()
const kubeConfig = new KubeConfig()
kubeConfig.loadFromString(JSON.stringify(kube.kubeConfig()))
const backend = k8sBackend({ kubeConfig, namespace })
try {
  console.log(`API server ${kube.version}, ${availableParallelism()} cores, load ${loadavg()[0]?.toFixed(1)}`)
  const lock = new Lock('bench', { backend })
  const subjects = new Map([
    ['the bare pair of writes, by the client library', await pairs(kubeConfig.makeApiClient(CoordinationV1Api))],
    ['@locks/k8s', async () => void (await (await lock.acquire()).release())],
  ])
  const rates = new Map([...subjects.keys()].map((name): [string, number[]] => [name, []]))
  for (const cycle of subjects.values()) await cycles(cycle)
  await interleaved([...subjects], rounds, async ([name, cycle]) => {
    rates.get(name)?.push(await cycles(cycle))
  })
  const [floor = [], ours = []] = rates.values()
  const rows = [...rates].map(([name, own]) => [name, median(own).toFixed(0), medianRatio(own, floor).toFixed(2)])
  console.log(`\nA free lock: acquire and release, one after the other; medians of ${rounds} rounds of ${count} cycles`)
  console.log(table(['', 'cycles/s', 'of bare'], rows))
  console.log(verdict({ what: 'of the bare pair', value: medianRatio(ours, floor), atLeast: 1 }))
} finally {
  await backend.close()
  await kube.stop()
}
