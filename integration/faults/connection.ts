import { Socket } from 'node:net'
import type { Address } from '../servers/resp.ts'
import type { ProxyMode } from './proxy-mode.ts'
import { Stream } from './stream.ts'

/** A client's connection to a proxy, and the proxy's own to the server in its stead. */
export class Connection {
  readonly #client: Socket
  readonly #server: Socket
  readonly #target: Address
  readonly #mode: ProxyMode
  readonly #requests: Stream
  readonly #replies: Stream
  #isDialled = false
  #isHalfOpen = false

  /** `ended` is called once both sides are closed. */
  constructor(client: Socket, target: Address, mode: ProxyMode, ended: () => void) {
    this.#client = client
    this.#server = new Socket({ allowHalfOpen: true })
    this.#target = target
    this.#mode = mode
    this.#server.setNoDelay(true).unref()
    const isOpen = (): boolean => !mode.isPaused
    const bytesPerSecond = (): number => mode.bytesPerSecond
    const losesAll = (): boolean => mode.losesAll || this.#isHalfOpen
    this.#requests = new Stream(client, this.#server, {
      ...{ isOpen, bytesPerSecond },
      delay: () => mode.requestDelay,
      loses: losesAll,
    })
    this.#replies = new Stream(this.#server, client, {
      ...{ isOpen, bytesPerSecond },
      delay: () => mode.replyDelay,
      loses: (what) => losesAll() || (mode.losesReplies && what === 'bytes'),
    })
    for (const socket of [client, this.#server]) {
      socket.once('close', () => client.destroyed && this.#server.destroyed && ended())
    }
    this.#dial()
  }

  /** Whether the client has left it open, and this proxy too. */
  get isOpen(): boolean {
    return !this.#client.destroyed && !this.#client.readableEnded
  }

  /** Goes on after a change of the mode. What has lost a part of its bytes can't: it is cut. */
  goOn(): void {
    if (this.#requests.hasLost || this.#replies.hasLost) {
      this.drop()
    } else {
      this.#dial()
      this.#requests.deliver()
      this.#replies.deliver()
    }
  }

  /** Closes the client's side. What it had sent still arrives, and then the server's side is closed. */
  cut(): void {
    this.#client.destroy()
  }

  /** Ends both sides by RST. */
  reset(): void {
    this.#forget()
    this.#client.resetAndDestroy()
    this.#server.resetAndDestroy()
  }

  /** Closes the server's side and leaves the client in the belief that all is well. */
  halve(): void {
    this.#isHalfOpen = true
    this.#server.destroy()
  }

  /** Closes both sides and forgets what was on its way. */
  drop(): void {
    this.#forget()
    this.#client.destroy()
    this.#server.destroy()
  }

  #dial(): void {
    if (this.#isDialled || this.#mode.isPaused || this.#mode.losesAll) return
    this.#isDialled = true
    this.#server.connect(this.#target)
  }

  #forget(): void {
    this.#requests.drop()
    this.#replies.drop()
  }
}
