import { Answering, LoopbackContainer } from './container-loopback.ts'
import { awaitVersion } from './container-version.ts'
import type { Server, ServerKind } from './server.ts'

const data = '/locks-test'

/** What runs in the container: the image may hold more servers than this one, and may be of any maker. */
const programs: Readonly<Record<ServerKind, { port: number; command: readonly string[] }>> = {
  redis: {
    port: 6379,
    command: ['redis-server', '--dir', data, '--save', '', '--appendonly', 'no', '--protected-mode', 'no'],
  },
  valkey: {
    port: 6379,
    command: ['valkey-server', '--dir', data, '--save', '', '--appendonly', 'no', '--protected-mode', 'no'],
  },
  memcached: { port: 11_211, command: ['memcached', '-u', 'nobody', '-l', '0.0.0.0', '-p', '11211'] },
  etcd: {
    port: 2379,
    command: [
      'etcd',
      ...['--data-dir', `${data}/etcd`],
      ...['--listen-client-urls', 'http://0.0.0.0:2379', '--advertise-client-urls', 'http://127.0.0.1:2379'],
      ...['--listen-peer-urls', 'http://127.0.0.1:2380'],
    ],
  },
}

/** Starts a server in a container of its own. The image has to be here. */
export async function startContainer(kind: ServerKind, image: string): Promise<Server> {
  const { port, command } = programs[kind]
  const answering = new Answering((at, within) => awaitVersion(kind, at, within), 30_000)
  const container = await new LoopbackContainer(image)
    .withCommand([...command])
    .withExposedPorts(port)
    .withTmpFs({ [data]: 'rw,mode=1777' })
    .withWaitStrategy(answering)
    .start()
  let stopped: Promise<void> | undefined
  return {
    ...{ kind, version: answering.version, host: '127.0.0.1', port: container.getMappedPort(port) },
    stop: () => (stopped ??= container.stop({ timeout: 0 }).then(() => {})),
  }
}
