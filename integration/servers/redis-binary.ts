import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from './port.ts'
import { type Reply, respCommand } from './resp.ts'
import type { Server } from './server.ts'
import { ServerProcess } from './server-process.ts'

export interface RedisOptions {
  /** Default: `redis-server`. */
  readonly binary?: 'redis-server' | 'valkey-server'
  /** More arguments; they win over those that are given anyway. Default: none. */
  readonly args?: readonly string[]
  /** Whether each write is on the disk before it is answered, so that a killed server has kept it. Default: false. */
  readonly appendonly?: boolean
  /** Default: a free one. */
  readonly port?: number
}

/** A Redis or Valkey server on this machine, and what can be done to it. */
export interface RedisServer extends Server {
  readonly kind: 'redis' | 'valkey'
  /** Of the process that runs now, or ran last. */
  readonly pid: number
  /** Stops the process (SIGSTOP): what is sent to it meanwhile is carried out after `resume`. */
  pause(): void
  /** Idempotent. */
  resume(): void
  /** Ends the process as a crash would (SIGKILL). Resolves when it is gone. */
  kill(): Promise<void>
  /**
   * Kills the process if it runs and starts another on the same port: with what it had stored, for which the server must be
   * `appendonly`, or with nothing. Resolves when it answers.
   */
  restart(how: { readonly data: 'kept' | 'lost' }): Promise<void>
  /** A command on a connection of its own. Rejects if the server answers with an error, or not within 5 seconds. */
  command(...args: readonly (string | number)[]): Promise<Reply>
  /** How many commands the process has carried out: those of scripts and of `command` count, this question does not. */
  requests(): Promise<number>
}

export async function startRedis(options: RedisOptions = {}): Promise<RedisServer> {
  for (let tries = 1; ; tries += 1) {
    const server = new RedisProcess(options, options.port ?? (await freePort()))
    try {
      await server.start()
      return server
    } catch (error) {
      await server.stop()
      const isTaken = error instanceof Error && error.message.includes('Address already in use')
      if (!isTaken || options.port !== undefined || tries === 5) throw error
    }
  }
}

class RedisProcess implements RedisServer {
  readonly kind: 'redis' | 'valkey'
  readonly host = '127.0.0.1'
  readonly port: number
  version = ''
  readonly #options: RedisOptions
  readonly #folder: string
  #process: ServerProcess | undefined

  constructor(options: RedisOptions, port: number) {
    this.kind = options.binary === 'valkey-server' ? 'valkey' : 'redis'
    this.port = port
    this.#options = options
    this.#folder = mkdtempSync(join(tmpdir(), `locks-${this.kind}-`))
  }

  get pid(): number {
    if (this.#process === undefined) throw new Error('the server was not started')
    return this.#process.pid
  }

  async start(): Promise<void> {
    const { binary = 'redis-server', appendonly = false, args = [] } = this.#options
    const started = new ServerProcess({
      command: binary,
      args: [
        ...['--port', `${this.port}`, '--bind', this.host, '--dir', this.#folder, '--save', ''],
        ...['--appendonly', appendonly ? 'yes' : 'no', '--appendfsync', 'always'],
        ...args,
      ],
      log: join(this.#folder, 'log'),
    })
    this.#process = started
    await started.ready(async () => {
      const about = await this.#about('server')
      // Another server's process may be listening there.
      if (about.get('process_id') !== `${started.pid}`) return false
      this.version = about.get('valkey_version') ?? about.get('redis_version') ?? ''
      return (await this.command('PING')) === 'PONG'
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

  async restart({ data }: { readonly data: 'kept' | 'lost' }): Promise<void> {
    if (data === 'kept' && this.#options.appendonly !== true) throw new Error('it keeps nothing: not appendonly')
    await this.kill()
    if (data === 'lost') rmSync(join(this.#folder, 'appendonlydir'), { recursive: true, force: true })
    await this.start()
  }

  command(...args: readonly (string | number)[]): Promise<Reply> {
    return respCommand(this, args)
  }

  async requests(): Promise<number> {
    return Number((await this.#about('stats')).get('total_commands_processed'))
  }

  async stop(): Promise<void> {
    await this.kill()
    rmSync(this.#folder, { recursive: true, force: true })
  }

  async #about(section: string): Promise<Map<string, string>> {
    const lines = String(await this.command('INFO', section)).split('\r\n')
    return new Map(
      lines.map((line): [string, string] => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1)]),
    )
  }
}
