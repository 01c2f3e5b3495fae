import { type BoundPorts, GenericContainer, type WaitStrategy } from 'testcontainers'
import { ownerLabels } from './container-owner.ts'

/** Testcontainers maps ports on all of the machine's addresses; these servers are for this machine, and most ask for no password. */
export class LoopbackContainer extends GenericContainer {
  constructor(image: string) {
    super(image)
    this.withLabels(ownerLabels())
    // Ryuk, which ends what a dead process left, is an image that cannot be had everywhere, and opens a port on all
    // addresses. The labels serve for that here.
    this.withAutoCleanup(false)
  }

  override beforeContainerCreated(): Promise<void> {
    const loopback = Object.keys(this.hostConfig.PortBindings ?? {}).map((port) => [
      port,
      [{ HostIp: '127.0.0.1', HostPort: '0' }],
    ])
    this.hostConfig.PortBindings = Object.fromEntries(loopback)
    return Promise.resolve()
  }
}

/** Ready is a server that answers: the mapped port alone accepts connections before. */
export class Answering implements WaitStrategy {
  version = ''
  private timeout: number
  private readonly versionAt: (port: number, within: number) => Promise<string>

  /** `versionAt` resolves once the server on the port answers, and rejects after so many milliseconds. */
  constructor(versionAt: (port: number, within: number) => Promise<string>, timeout: number) {
    this.versionAt = versionAt
    this.timeout = timeout
  }

  async waitUntilReady(_container: unknown, ports: BoundPorts): Promise<void> {
    this.version = await this.versionAt(ports.getFirstBinding(), this.timeout)
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
