import { join } from 'node:path'
import { ask } from './ask.ts'
import { createFolder, removeFolder } from './folder.ts'
import { onFreePorts } from './port.ts'
import type { Server } from './server.ts'
import { ServerProcess } from './server-process.ts'

export interface MemcachedOptions {
  /** More arguments; they win over those that are given anyway. Default: none. */
  readonly args?: readonly string[]
}

/** A memcached on this machine, and what can be done to it. */
export interface MemcachedServer extends Server {
  readonly kind: 'memcached'
  /** Stops the process (SIGSTOP): what is sent to it meanwhile is carried out after `resume`. */
  pause(): void
  /** Idempotent. */
  resume(): void
  /** Ends the process as a crash would (SIGKILL), and with it all that it had. Resolves when it is gone. */
  kill(): Promise<void>
  /** Kills it if it runs, and starts another on the same port, which knows nothing. Resolves when it answers. */
  restart(): Promise<void>
  /** One of its figures (`stats`). */
  stat(name: string): Promise<number>
  /** The keys that it has. */
  keys(): Promise<readonly string[]>
  /** The second, by its clock, in which an item ends; -1: it does not. */
  endOf(key: string): Promise<number>
}

export function startMemcached(options: MemcachedOptions = {}): Promise<MemcachedServer> {
  return onFreePorts(async (port) => {
    const server = new MemcachedProcess(options, port)
    try {
      await server.restart()
      return server
    } catch (error) {
      await server.stop()
      throw error
    }
  })
}

class MemcachedProcess implements MemcachedServer {
  readonly kind = 'memcached'
  readonly host = '127.0.0.1'
  readonly port: number
  version = ''
  readonly #args: readonly string[]
  readonly #folder: string = createFolder('memcached')
  #process: ServerProcess | undefined
  #runs = 0

  constructor({ args = [] }: MemcachedOptions, port: number) {
    this.port = port
    this.#args = args
  }

  async restart(): Promise<void> {
    await this.kill()
    this.#runs += 1
    const started = new ServerProcess({
      command: 'memcached',
      args: ['-u', 'root', '-U', '0', '-l', this.host, '-p', `${this.port}`, ...this.#args],
      log: join(this.#folder, `log-${this.#runs}`),
    })
    this.#process = started
    await started.ready(async () => {
      if ((await this.stat('pid')) !== started.pid) throw new Error('somebody else listens there')
      this.version = /^VERSION (\S+)/.exec(await ask(this.port, 'version\r\n', '\r\n'))?.[1] ?? ''
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
  }

  async stop(): Promise<void> {
    await this.kill()
    removeFolder(this.#folder)
  }

  async stat(name: string): Promise<number> {
    const figures = await ask(this.port, 'stats\r\n', 'END\r\n')
    return Number(new RegExp(`^STAT ${name} (\\S+)`, 'm').exec(figures)?.[1])
  }

  async keys(): Promise<readonly string[]> {
    return [...(await this.#ends()).keys()]
  }

  async endOf(key: string): Promise<number> {
    return (await this.#ends()).get(key) ?? Number.NaN
  }

  async #ends(): Promise<ReadonlyMap<string, number>> {
    const dump = await ask(this.port, 'lru_crawler metadump all\r\n', 'END\r\n')
    const found = [...dump.matchAll(/^key=(\S+) exp=(\S+)/gm)]
    return new Map(found.map(([, key = '', end]) => [decodeURIComponent(key), Number(end)]))
  }
}
