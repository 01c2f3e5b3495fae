import { Answering, LoopbackContainer } from './container-loopback.ts'
import { type Kube, KubeApi } from './kube-api.ts'
import { apiserverArguments, kubeSetup } from './kube-setup.ts'
import { poll } from './poll.ts'

const port = 6443
const data = '/locks-test'
const folder = '/locks-test-files'
const etcd = 'http://127.0.0.1:2379'

/** Both in one container: the apiserver is its first process, and asks for its etcd until that is there. */
const script = `etcd --data-dir ${data}/etcd --listen-client-urls ${etcd} --advertise-client-urls ${etcd} \\
  --listen-peer-urls http://127.0.0.1:2380 >${data}/etcd.log 2>&1 &
exec kube-apiserver "$@"`

/** Starts an apiserver with its etcd in a container of its own. The image has to be here, with both programs and `sh`. */
export async function startKubeContainer(image: string): Promise<Kube> {
  const setup = kubeSetup()
  const files = Object.entries(setup.files)
  const answering = new Answering((at, within) => awaitReady(new KubeApi(at, setup), within), 60_000)
  const container = await new LoopbackContainer(image)
    .withEntrypoint(['sh', '-c', script, 'sh'])
    .withCommand([...apiserverArguments({ bind: '0.0.0.0', port, etcd, folder })])
    .withExposedPorts(port)
    .withTmpFs({ [data]: 'rw,mode=1777' })
    .withCopyContentToContainer(files.map(([name, content]) => ({ content, target: `${folder}/${name}` })))
    .withWaitStrategy(answering)
    .start()
  let stopped: Promise<void> | undefined
  return Object.assign(new KubeApi(container.getMappedPort(port), setup), {
    version: answering.version,
    stop: () => (stopped ??= container.stop({ timeout: 0 }).then(() => {})),
  })
}

const awaitReady = (api: KubeApi, within: number): Promise<string> =>
  poll('kube-apiserver answers', () => api.ready(), within)
