import { join } from 'node:path'
import { createFolder, removeFolder } from './folder.ts'
import { onFreePorts } from './port.ts'
import type { Server } from './server.ts'
import { ServerProcess } from './server-process.ts'

/** An election timeout that lets leases be of a second, and a leader be replaced as fast. */
const QUICK = ['--heartbeat-interval', '50', '--election-timeout', '500']

export interface EtcdOptions {
  /** More arguments; they win over those that are given anyway. Default: none. */
  readonly args?: readonly string[]
  /** Default: free ones. */
  readonly ports?: EtcdPorts
  /** The members of the cluster that it belongs to, `name=peer url`. Default: itself alone. */
  readonly cluster?: readonly string[]
  /** Default: `default`. */
  readonly name?: string
  /** How the other members reach it. Default: by the loopback address. */
  readonly peerUrl?: string
  /** Default: nothing but what this process has. */
  readonly env?: Readonly<Record<string, string>>
}

export interface EtcdPorts {
  readonly port: number
  readonly peerPort: number
}

/** An etcd on this machine, and what can be done to it. */
export interface EtcdServer extends Server {
  readonly kind: 'etcd'
  readonly name: string
  readonly peerPort: number
  /** Stops the process (SIGSTOP): what is sent to it meanwhile is carried out after `resume`. */
  pause(): void
  /** Idempotent. */
  resume(): void
  /** Ends the process as a crash would (SIGKILL). Resolves when it is gone. */
  kill(): Promise<void>
  /** Starts it again on the same ports with what it had stored. Resolves when it answers, unless it need not. */
  restart(how?: { readonly ready?: boolean }): Promise<void>
  /** Resolves once it answers. */
  ready(): Promise<void>
  /** How many requests it has got, as its metrics tell: calls, and messages on streams. */
  requests(): Promise<number>
  /** What its metrics say of one thing. 0: nothing. */
  metric(name: string): Promise<number>
}

/** One that is alone. Resolves when it answers. */
export function startEtcd(options: EtcdOptions = {}): Promise<EtcdServer> {
  const { ports } = options
  if (ports !== undefined) return started(etcdOn(options, ports))
  return onFreePorts((port, peerPort) => started(etcdOn(options, { port, peerPort })))
}

async function started(server: EtcdProcess): Promise<EtcdServer> {
  try {
    await server.restart()
    return server
  } catch (error) {
    await server.stop()
    throw error
  }
}

/** One that does not run yet. */
export const etcdOn = (options: EtcdOptions, ports: EtcdPorts): EtcdProcess => new EtcdProcess(options, ports)

class EtcdProcess implements EtcdServer {
  readonly kind = 'etcd'
  readonly host = '127.0.0.1'
  readonly port: number
  readonly name: string
  version = ''
  readonly #options: EtcdOptions
  readonly peerPort: number
  readonly #folder: string = createFolder('etcd')
  #process: ServerProcess | undefined

  constructor(options: EtcdOptions, { port, peerPort }: EtcdPorts) {
    this.port = port
    this.peerPort = peerPort
    this.#options = options
    this.name = options.name ?? 'default'
  }

  get pid(): number {
    if (this.#process === undefined) throw new Error('the server was not started')
    return this.#process.pid
  }

  async restart({ ready = true }: { readonly ready?: boolean } = {}): Promise<void> {
    await this.kill()
    const url = `http://${this.host}:${this.port}`
    const listens = `http://${this.host}:${this.peerPort}`
    const { args = [], peerUrl = listens, cluster = [`${this.name}=${peerUrl}`], env = {} } = this.#options
    this.#process = new ServerProcess({
      ...{ command: 'etcd', package: 'etcd-server', log: join(this.#folder, 'log') },
      env,
      args: [
        ...['--name', this.name, '--data-dir', join(this.#folder, 'data')],
        ...['--listen-client-urls', url, '--advertise-client-urls', url],
        ...['--listen-peer-urls', listens, '--initial-advertise-peer-urls', peerUrl],
        ...['--initial-cluster', cluster.join(','), '--metrics', 'extensive'],
        ...QUICK,
        ...args,
      ],
    })
    if (ready) await this.ready()
  }

  async ready(): Promise<void> {
    if (this.#process === undefined) throw new Error('the server was not started')
    await this.#process.ready(async () => {
      if (!/"health":\s*"true"/.test(await this.#get('/health'))) throw new Error('it is not healthy')
      this.version = /"etcdserver":\s*"([^"]+)"/.exec(await this.#get('/version'))?.[1] ?? ''
    })
  }

  pause(): void {
    this.#process?.signal('SIGSTOP')
  }

  resume(): void {
    this.#process?.signal('SIGCONT')
  }

  async kill(): Promise<void> {
    await this.#process?.kill()
    this.#process = undefined
  }

  async stop(): Promise<void> {
    await this.kill()
    removeFolder(this.#folder)
  }

  async requests(): Promise<number> {
    return this.metric('grpc_server_msg_received_total')
  }

  async metric(name: string): Promise<number> {
    const lines = (await this.#get('/metrics')).split('\n')
    const values = lines.filter((line) => line.startsWith(`${name} `) || line.startsWith(`${name}{`))
    return values.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0)
  }

  async #get(path: string): Promise<string> {
    const response = await fetch(`http://${this.host}:${this.port}${path}`, { signal: AbortSignal.timeout(2_000) })
    return response.text()
  }
}
