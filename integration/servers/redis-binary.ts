import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createFolder, removeFolder } from './folder.ts'
import { onFreePorts } from './port.ts'
import { type Reply, respCommand } from './resp.ts'
import type { Server } from './server.ts'
import { ServerProcess } from './server-process.ts'
import { SteppableClock } from './steppable-clock.ts'

export interface RedisOptions {
  /** Default: `redis-server`. */
  readonly binary?: 'redis-server' | 'valkey-server'
  /** More arguments; they win over those that are given anyway. Default: none. */
  readonly args?: readonly string[]
  /** Whether each write is on the disk before it is answered, so that a killed server has kept it. Default: false. */
  readonly appendonly?: boolean
  /** The lines of a configuration file of its own, which it may rewrite. Default: none, no file. */
  readonly config?: readonly string[]
  /** Whether its wall clock can be stepped, by libfaketime. Default: false. */
  readonly faketime?: boolean
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
  /**
   * Sets its wall clock forward by so many milliseconds, or back, while it runs and for its later runs: `faketime` only. Its
   * monotonic clock goes on as ever.
   */
  stepClock(milliseconds: number): void
  /** A command on a connection of its own. Rejects if the server answers with an error, or not within 5 seconds. */
  command(...args: readonly (string | number)[]): Promise<Reply>
  /** How many commands the process has carried out: those of scripts and of `command` count, this question does not. */
  requests(): Promise<number>
}

export function startRedis(options: RedisOptions = {}): Promise<RedisServer> {
  const { port } = options
  if (port !== undefined) return start(options, port)
  return onFreePorts((free) => start(options, free))
}

async function start(options: RedisOptions, port: number): Promise<RedisServer> {
  const server = new RedisProcess(options, port)
  try {
    await server.start()
    return server
  } catch (error) {
    await server.stop()
    throw error
  }
}

class RedisProcess implements RedisServer {
  readonly kind: 'redis' | 'valkey'
  readonly host = '127.0.0.1'
  readonly port: number
  version = ''
  readonly #options: RedisOptions
  readonly #folder: string
  #clock: SteppableClock | undefined
  #process: ServerProcess | undefined

  constructor(options: RedisOptions, port: number) {
    this.kind = options.binary === 'valkey-server' ? 'valkey' : 'redis'
    this.port = port
    this.#options = options
    this.#folder = createFolder(this.kind)
    if (options.config !== undefined) writeFileSync(join(this.#folder, 'config'), options.config.join('\n'))
  }

  get pid(): number {
    if (this.#process === undefined) throw new Error('the server was not started')
    return this.#process.pid
  }

  async start(): Promise<void> {
    const { binary = 'redis-server', appendonly = false, args = [], config, faketime = false } = this.#options
    if (faketime) this.#clock ??= await SteppableClock.create(this.#folder)
    const started = new ServerProcess({
      command: binary,
      args: [
        ...(config === undefined ? [] : [join(this.#folder, 'config')]),
        ...['--port', `${this.port}`, '--bind', this.host, '--dir', this.#folder, '--save', ''],
        ...['--appendonly', appendonly ? 'yes' : 'no', '--appendfsync', 'always'],
        ...args,
      ],
      env: this.#clock?.env ?? {},
      log: join(this.#folder, 'log'),
    })
    this.#process = started
    await started.ready(async () => {
      const about = await this.#about('server')
      this.version = about.get('valkey_version') ?? about.get('redis_version') ?? ''
      if (about.get('process_id') !== `${started.pid}`) throw new Error('somebody else listens there')
      await this.command('PING')
    })
  }

  pause(): void {
    this.#process?.signal('SIGSTOP')
  }

  resume(): void {
    this.#process?.signal('SIGCONT')
  }

  async kill(): Promise<void> {
    if (this.#process === undefined) return
    await this.#process.kill()
    this.#clock?.forget(this.#process.pid)
  }

  async restart({ data }: { readonly data: 'kept' | 'lost' }): Promise<void> {
    if (data === 'kept' && this.#options.appendonly !== true) throw new Error('it keeps nothing: not appendonly')
    await this.kill()
    if (data === 'lost') rmSync(join(this.#folder, 'appendonlydir'), { recursive: true, force: true })
    await this.start()
  }

  stepClock(milliseconds: number): void {
    if (this.#clock === undefined) throw new Error('its clock cannot be set: not started with faketime')
    this.#clock.step(milliseconds)
  }

  command(...args: readonly (string | number)[]): Promise<Reply> {
    return respCommand(this, args)
  }

  async requests(): Promise<number> {
    return Number((await this.#about('stats')).get('total_commands_processed'))
  }

  async stop(): Promise<void> {
    await this.kill()
    removeFolder(this.#folder)
  }

  async #about(section: string): Promise<Map<string, string>> {
    const lines = String(await this.command('INFO', section)).split('\r\n')
    return new Map(
      lines.map((line): [string, string] => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1)]),
    )
  }
}
