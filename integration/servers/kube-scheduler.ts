import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createFolder, removeFolder } from './folder.ts'
import type { KubeApi } from './kube-api.ts'
import { kubeProgram } from './kube-programs.ts'
import { onFreePorts } from './port.ts'
import { ServerProcess } from './server-process.ts'

export interface SchedulerOptions {
  readonly kube: KubeApi
  /** The Lease that it elects itself by, as Go's client does (`client-go/tools/leaderelection`). */
  readonly leaseName: string
  /** It has to exist. */
  readonly namespace: string
  /** Seconds, whole. Default: 15. */
  readonly leaseDuration?: number
  /** Seconds, less than `leaseDuration`. Default: 10. */
  readonly renewDeadline?: number
  /** Seconds, less than `renewDeadline` by more than a fifth. Default: 2. */
  readonly retryPeriod?: number
  /** Whose rights it has. Default: the admin's. */
  readonly token?: string
}

/** A kube-scheduler: a candidate by Go's client, which has nothing to schedule. It gives itself its identity. */
export interface Scheduler {
  readonly pid: number
  /** What it has written. */
  readonly log: string
  /** Whether it has told that it leads. It stays true: who loses the lead ends. */
  readonly leads: boolean
  /** Whether its process is still there. */
  readonly runs: boolean
  /** Stops the process (SIGSTOP). */
  pause(): void
  /** Idempotent. */
  resume(): void
  /** Ends the process as a crash would (SIGKILL): its Lease stays. Resolves when it is gone. */
  kill(): Promise<void>
  /** Kills it and removes its files. Idempotent. */
  stop(): Promise<void>
}

/** Starts one. Resolves once it stands for election; rejects, in one line, where the program is missing. */
export function startScheduler(options: SchedulerOptions): Promise<Scheduler> {
  const program = kubeProgram('kube-scheduler')
  return onFreePorts(async (port) => {
    const scheduler = new SchedulerProcess(program, port, options)
    try {
      await scheduler.stands()
      return scheduler
    } catch (error) {
      await scheduler.stop()
      throw error
    }
  })
}

class SchedulerProcess implements Scheduler {
  readonly #folder: string = createFolder('kube')
  readonly #process: ServerProcess

  constructor(program: string, port: number, options: SchedulerOptions) {
    const { kube, leaseName, namespace, leaseDuration = 15, renewDeadline = 10, retryPeriod = 2, token } = options
    const config = join(this.#folder, 'kubeconfig')
    writeFileSync(config, JSON.stringify(kube.kubeConfig(token, namespace)), { mode: 0o600 })
    this.#process = new ServerProcess({
      command: program,
      log: join(this.#folder, 'log'),
      args: [
        ...['--kubeconfig', config, '--authentication-kubeconfig', config, '--authorization-kubeconfig', config],
        ...['--bind-address', '127.0.0.1', '--secure-port', `${port}`, '--port', '0', '--cert-dir', this.#folder],
        ...['--leader-elect=true', '--leader-elect-resource-lock', 'leases'],
        ...['--leader-elect-resource-name', leaseName, '--leader-elect-resource-namespace', namespace],
        ...['--leader-elect-lease-duration', `${leaseDuration}s`, '--leader-elect-renew-deadline', `${renewDeadline}s`],
        ...['--leader-elect-retry-period', `${retryPeriod}s`],
      ],
    })
  }

  get pid(): number {
    return this.#process.pid
  }

  get log(): string {
    return this.#process.log
  }

  get leads(): boolean {
    return this.log.includes('successfully acquired lease')
  }

  get runs(): boolean {
    return this.#process.runs
  }

  /** Resolves once it stands for election. */
  stands(): Promise<void> {
    return this.#process.ready(async () => {
      await Promise.resolve()
      if (!this.log.includes('attempting to acquire leader lease')) throw new Error('it does not stand yet')
    }, 60_000)
  }

  pause(): void {
    this.#process.signal('SIGSTOP')
  }

  resume(): void {
    this.#process.signal('SIGCONT')
  }

  kill(): Promise<void> {
    return this.#process.kill()
  }

  async stop(): Promise<void> {
    await this.kill()
    removeFolder(this.#folder)
  }
}
