import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type EtcdServer, startEtcd } from './etcd-binary.ts'
import { createFolder, removeFolder } from './folder.ts'
import { type Kube, KubeApi } from './kube-api.ts'
import { kubeProgram } from './kube-programs.ts'
import { apiserverArguments, kubeSetup } from './kube-setup.ts'
import { onFreePorts } from './port.ts'
import { ServerProcess } from './server-process.ts'

/** It makes the roles that every cluster has at its first start, on a busy machine for long. */
const startsWithin = 60_000

export interface KubeOptions {
  /** More arguments of the apiserver; they win over those that are given anyway. Default: none. */
  readonly args?: readonly string[]
}

/** A kube-apiserver on this machine with an etcd of its own, and what can be done to it. Access is by RBAC. */
export interface KubeServer extends Kube {
  readonly pid: number
  /** What it has written, since its first start. */
  readonly log: string
  /** Where it stores everything; it can be paused, killed and restarted as well. */
  readonly etcd: EtcdServer
  /** Stops the process (SIGSTOP): what is sent to it meanwhile is carried out after `resume`. */
  pause(): void
  /** Idempotent. */
  resume(): void
  /** Ends the process as a crash would (SIGKILL), not its etcd. Resolves when it is gone. */
  kill(): Promise<void>
  /** Starts it again on the same port, with the same tokens and what is stored. Resolves when it answers, unless it need not. */
  restart(how?: { readonly ready?: boolean }): Promise<void>
  /** Ends it and its etcd, and removes what they stored. Idempotent. */
  stop(): Promise<void>
}

/** Starts one. Resolves when it is ready; rejects, in one line, where a program is missing. */
export async function startKube(options: KubeOptions = {}): Promise<KubeServer> {
  const program = kubeProgram('kube-apiserver')
  const etcd = await startEtcd()
  try {
    return await onFreePorts(async (port) => {
      const server = new KubeProcess(program, port, etcd, options)
      try {
        await server.restart()
        return server
      } catch (error) {
        await server.end()
        throw error
      }
    })
  } catch (error) {
    await etcd.stop()
    throw error
  }
}

class KubeProcess extends KubeApi implements KubeServer {
  version = ''
  readonly etcd: EtcdServer
  readonly #program: string
  readonly #args: readonly string[]
  readonly #folder: string
  #process: ServerProcess | undefined

  constructor(program: string, port: number, etcd: EtcdServer, { args = [] }: KubeOptions) {
    const setup = kubeSetup()
    super(port, setup)
    this.#program = program
    this.etcd = etcd
    this.#folder = createFolder('kube')
    const folder = join(this.#folder, 'files')
    mkdirSync(folder)
    for (const [name, content] of Object.entries(setup.files)) writeFileSync(join(folder, name), content)
    const address = { bind: this.host, port, etcd: `http://${etcd.host}:${etcd.port}`, folder }
    this.#args = [...apiserverArguments(address), ...args]
  }

  get pid(): number {
    return this.#running.pid
  }

  get log(): string {
    return this.#running.log
  }

  get #running(): ServerProcess {
    if (this.#process === undefined) throw new Error('the server does not run')
    return this.#process
  }

  async restart({ ready = true }: { readonly ready?: boolean } = {}): Promise<void> {
    await this.kill()
    const started = new ServerProcess({
      ...{ command: this.#program, args: this.#args, log: join(this.#folder, 'log') },
    })
    this.#process = started
    if (!ready) return
    await started.ready(async () => {
      this.version = await this.ready()
    }, startsWithin)
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

  /** Ends it, but not its etcd. */
  async end(): Promise<void> {
    await this.kill()
    removeFolder(this.#folder)
  }

  async stop(): Promise<void> {
    await this.end()
    await this.etcd.stop()
  }
}
