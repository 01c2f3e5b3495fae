import { type BoundPorts, GenericContainer, type WaitStrategy } from 'testcontainers'
import { ownerLabels } from './container-owner.ts'
import { awaitVersion } from './container-version.ts'
import type { Server, ServerKind } from './server.ts'

const host = '127.0.0.1'
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

/** Testcontainers maps ports on all of the machine's addresses; these servers ask for no password. */
class LoopbackContainer extends GenericContainer {
  override beforeContainerCreated(): Promise<void> {
    const loopback = Object.keys(this.hostConfig.PortBindings ?? {}).map((port) => [
      port,
      [{ HostIp: host, HostPort: '0' }],
    ])
    this.hostConfig.PortBindings = Object.fromEntries(loopback)
    return Promise.resolve()
  }
}

/** Ready is a server that answers: the mapped port alone accepts connections before. */
class Answering implements WaitStrategy {
  version = ''
  private timeout = 30_000
  private readonly kind: ServerKind

  constructor(kind: ServerKind) {
    this.kind = kind
  }

  async waitUntilReady(_container: unknown, ports: BoundPorts): Promise<void> {
    this.version = await awaitVersion(this.kind, ports.getFirstBinding(), this.timeout)
  }

  withStartupTimeout(milliseconds: number): this {
    this.timeout = milliseconds
    return this
  }

  isStartupTimeoutSet(): boolean {
    return true
  }

  getStartupTimeout(): number {
    return this.timeout
  }
}

/** Starts a server in a container of its own. The image has to be here. */
export async function startContainer(kind: ServerKind, image: string): Promise<Server> {
  const { port, command } = programs[kind]
  const answering = new Answering(kind)
  const container = await new LoopbackContainer(image)
    .withCommand([...command])
    .withExposedPorts(port)
    .withTmpFs({ [data]: 'rw,mode=1777' })
    .withLabels(ownerLabels())
    // Ryuk, which ends what a dead process left, is an image that cannot be had everywhere, and opens a port on all
    // addresses. The labels serve for that here.
    .withAutoCleanup(false)
    .withWaitStrategy(answering)
    .start()
  let stopped: Promise<void> | undefined
  return {
    kind,
    version: answering.version,
    host,
    port: container.getMappedPort(port),
    stop: () => (stopped ??= container.stop({ timeout: 0 }).then(() => {})),
  }
}
