import http, { type ClientRequest, type IncomingMessage } from 'node:http'
import https, { type RequestOptions } from 'node:https'
import { StringDecoder } from 'node:string_decoder'
import type { Runtime, Timer } from '@locks/core'
import type { LeaseObject } from './client.ts'
import type { Cluster } from './connecting.ts'

/** Seconds after which the server ends a watch, so that the load spreads over its replicas anew. */
const LIFE = 600
/** Milliseconds without a sign, in which the server would have sent a bookmark: the connection is dead. */
const SILENCE = 90_000
const LEAST_PAUSE = 100
const LONGEST_PAUSE = 5_000
/** Milliseconds, about, between two looks without a watch. */
const BLIND_LOOK = 2_000
/** A watch that lasted this many milliseconds was a good one. */
const GOOD = 1_000

export interface WatchEvents {
  /** The Lease as it now is; undefined: it is gone. The first one tells of the state when the watch began. */
  changed(lease: LeaseObject | undefined, version: string | undefined): void
  /** Now and then while there is no watch: who relies on it had better look. */
  blind(): void
}

interface Message {
  readonly type?: string
  readonly object?: LeaseObject
}

/**
 * Watches one Lease until it is stopped. A watch that ends is begun anew, always from the present state: so none is ever
 * too old to go on, and nothing that happened in between is missed for good.
 *
 * The library's own `Watch` is not used, since it ends after 30 s of silence and can't be cancelled while it connects.
 */
export class Watch {
  readonly #cluster: () => Promise<Cluster>
  readonly #name: string
  readonly #events: WatchEvents
  readonly #runtime: Runtime
  #request: ClientRequest | undefined
  #pause: Timer | undefined
  /** Set while there is no watch. */
  #blind: Timer | undefined
  #stopped = false
  #failures = 0

  constructor(cluster: () => Promise<Cluster>, name: string, events: WatchEvents, runtime: Runtime) {
    this.#cluster = cluster
    this.#name = name
    this.#events = events
    this.#runtime = runtime
    void this.#begin()
  }

  stop(): void {
    this.#stopped = true
    this.#pause?.cancel()
    this.#blind?.cancel()
    this.#request?.destroy()
  }

  async #begin(): Promise<void> {
    const started = this.#runtime.now()
    try {
      await this.#follow()
    } catch {
      // What is wrong shows at the requests, which have somebody to tell it to.
    }
    if (this.#stopped) return
    this.#failures = this.#runtime.now().mono - started.mono < GOOD ? this.#failures + 1 : 0
    const pause = Math.min(LONGEST_PAUSE, LEAST_PAUSE * 2 ** this.#failures) * (0.5 + this.#runtime.random())
    this.#pause = this.#runtime.setTimer(pause, () => void this.#begin(), false)
    this.#blind ??= this.#lookLater()
  }

  #lookLater(): Timer {
    const jitter = 0.75 + this.#runtime.random() / 2
    const look = (): void => {
      this.#blind = this.#lookLater()
      this.#events.blind()
    }
    return this.#runtime.setTimer(BLIND_LOOK * jitter, look, false)
  }

  /** Resolves or rejects when the watch has ended, or was refused. */
  async #follow(): Promise<void> {
    const { config, server, namespace } = await this.#cluster()
    if (config === undefined || this.#stopped) return
    const url = new URL(`${server.replace(/\/$/, '')}/apis/coordination.k8s.io/v1/namespaces/${namespace}/leases`)
    url.search = new URLSearchParams({
      watch: 'true',
      fieldSelector: `metadata.name=${this.#name}`,
      allowWatchBookmarks: 'true',
      timeoutSeconds: `${Math.round(LIFE * (0.75 + this.#runtime.random() / 2))}`,
    }).toString()
    const options: RequestOptions = { headers: { accept: 'application/json' }, timeout: SILENCE }
    await config.applyToHTTPSOptions(options)
    if (this.#stopped) return
    const response = await this.#send(url, options)
    // What is not read would keep the connection open.
    if (response.statusCode === 200) await this.#read(response)
    else response.destroy()
  }

  #send(url: URL, options: RequestOptions): Promise<IncomingMessage> {
    return new Promise((resolve, reject) => {
      const request = (url.protocol === 'http:' ? http : https).request(url, options, resolve)
      this.#request = request
      request.on('error', reject)
      request.on('timeout', () => request.destroy(new Error('silence')))
      // Who waits keeps the process up; a watch does not.
      request.on('socket', (socket) => socket.unref())
      request.end()
    })
  }

  async #read(response: IncomingMessage): Promise<void> {
    const decoder = new StringDecoder('utf8')
    let text = ''
    for await (const chunk of response) {
      const lines = (text + decoder.write(chunk as Buffer)).split('\n')
      text = lines.pop() ?? ''
      for (const line of lines) if (line.trim() !== '' && !this.#take(JSON.parse(line) as Message)) return
    }
  }

  /** False: the watch is over. */
  #take({ type, object }: Message): boolean {
    if (type === 'ERROR' || this.#stopped) {
      this.#request?.destroy()
      return false
    }
    if (type === 'BOOKMARK') return true
    this.#failures = 0
    this.#blind?.cancel()
    this.#blind = undefined
    this.#events.changed(type === 'DELETED' ? undefined : object, object?.metadata?.resourceVersion)
    return true
  }
}
