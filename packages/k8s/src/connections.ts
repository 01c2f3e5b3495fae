import http from 'node:http'
import https from 'node:https'
import type { CallOptions, RequestContext } from './client.ts'

/**
 * Keeps connections. The library opens one for each request: version 1 by an agent that keeps none, version 2 by a
 * dispatcher of its own that then idles with it. A first request's are used for all.
 */
export class Connections {
  #agent: http.Agent | undefined
  #dispatcher: { destroy?(): unknown } | undefined

  /** For one call: ends it with `signal`, over a connection that is kept. */
  options(signal: AbortSignal): CallOptions {
    const pre = (context: RequestContext) => {
      context.setSignal(signal)
      this.#keep(context)
      return { toPromise: () => Promise.resolve(context) }
    }
    const post = (response: unknown) => ({ toPromise: () => Promise.resolve(response) })
    return { middleware: [{ pre, post }], middlewareMergeStrategy: 'append' }
  }

  #keep(context: RequestContext): void {
    const dispatcher = context.getDispatcher?.()
    if (typeof dispatcher === 'object' && dispatcher !== null) {
      this.#dispatcher ??= dispatcher
      context.setDispatcher?.(this.#dispatcher as never)
      return
    }
    const agent = context.getAgent?.()
    // An agent for a proxy is another class, whose options are not all in `options`.
    if (!(agent instanceof http.Agent) || ![http.Agent, https.Agent].includes(agent.constructor as typeof http.Agent))
      return
    const { options } = agent as http.Agent & { readonly options: http.AgentOptions }
    this.#agent ??= new (agent.constructor as typeof http.Agent)({ ...options, keepAlive: true })
    context.setAgent?.(this.#agent as never)
  }

  /** The next request opens a connection, as it would at its time. Those under way go on, and close theirs. */
  forget(): void {
    const agent = this.#agent as (http.Agent & { keepAlive?: boolean }) | undefined
    if (agent !== undefined) {
      agent.keepAlive = false
      for (const sockets of Object.values(agent.freeSockets)) for (const socket of sockets ?? []) socket.destroy()
    }
    this.#agent = undefined
    // An idle one closes its connections soon.
    this.#dispatcher = undefined
  }

  close(): void {
    this.#agent?.destroy()
    this.#agent = undefined
    void this.#dispatcher?.destroy?.()
    this.#dispatcher = undefined
  }
}
