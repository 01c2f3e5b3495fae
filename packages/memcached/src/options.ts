import { type MemjsClient, type MemjsServer, nameOf } from './client.ts'
import { partsOf } from './url.ts'

/** Where to connect, and how. */
export interface MemcachedBackendOptions {
  /** `host:port`, several of them by commas or as a list; each lock lives on one. Default `localhost:11211`. */
  readonly servers?: string | readonly string[] | undefined
  /** For servers that ask for a user (SASL), with `password`. */
  readonly username?: string | undefined
  readonly password?: string | undefined
  /**
   * A client of memjs that is yours: it stays open, and is not used itself. Connections of one's own are made to its servers,
   * without its repetitions and its failover, which can't be had with locks. With it, none of the above.
   */
  readonly client?: MemjsClient | undefined
  /** What the keys start with, up to 100 characters without spaces. Default `locks:`. */
  readonly prefix?: string | undefined
}

export interface Settings {
  readonly servers: readonly MemjsServer[]
  readonly prefix: string
}

const KNOWN: readonly string[] = ['servers', 'username', 'password', 'client', 'prefix']
const DEFAULT_SERVER = 'localhost:11211'
const DEFAULT_PREFIX = 'locks:'

const shown = (value: unknown): string => (typeof value === 'string' ? JSON.stringify(value) : String(value))

/** Checks what was given to `memcachedBackend`: a URL, servers, a client of memjs, or options. */
export function settingsFrom(given: string | URL | MemjsClient | MemcachedBackendOptions | undefined): Settings {
  if (given === undefined) return fromOptions({})
  if (typeof given === 'string' || given instanceof URL) return fromOptions(partsOf(String(given)))
  if (typeof given !== 'object' || given === null)
    throw new TypeError(`memcachedBackend was given ${shown(given)}: give a URL, servers, a client of memjs or options`)
  return isClient(given) ? fromOptions({ client: given }) : fromOptions(given)
}

const isClient = (value: object): value is MemjsClient =>
  'perform' in value && 'servers' in value && Array.isArray(value.servers)

function fromOptions(options: MemcachedBackendOptions): Settings {
  for (const name of Object.keys(options))
    if (!KNOWN.includes(name))
      throw new TypeError(
        name === 'failover'
          ? 'failover is given: a lock that moves to another server is held twice; there is none here'
          : `unknown option ${shown(name)}: memcachedBackend has ${KNOWN.join(', ')}`,
      )
  const { prefix = DEFAULT_PREFIX } = options
  if (typeof prefix !== 'string' || !/^[\x21-\x7e]{0,100}$/.test(prefix))
    throw new TypeError(`prefix is ${shown(prefix)}: it must be up to 100 visible ASCII characters`)
  return { servers: serversFrom(options), prefix }
}

function serversFrom({ client, servers = DEFAULT_SERVER, username, password, ...rest }: MemcachedBackendOptions) {
  if (client === undefined) return named(servers, username, password)
  const other = Object.entries({ servers: rest, username, password }).find(([name, value]) =>
    name === 'servers' ? servers !== DEFAULT_SERVER : value !== undefined,
  )
  if (other !== undefined) throw new TypeError(`${other[0]} is given beside client: the client knows its servers`)
  if (typeof client !== 'object' || client === null || !isClient(client) || client.servers.length === 0)
    throw new TypeError(`client is ${shown(client)}: it must be a client of memjs`)
  return client.servers.map(({ host, port, username: user, password: secret }) => ({
    host,
    port,
    username: user,
    password: secret,
  }))
}

function named(
  servers: string | readonly string[],
  username: string | undefined,
  password: string | undefined,
): readonly MemjsServer[] {
  const list = typeof servers === 'string' ? servers.split(',') : servers
  if (!Array.isArray(list) || list.length === 0)
    throw new TypeError(`servers is ${shown(servers)}: it must be "host:port", several by commas, or a list`)
  if ((username === undefined) !== (password === undefined)) throw new TypeError('username and password go together')
  const checked = list.map((server) => ({ ...placeOf(server), username, password }))
  const names = checked.map(nameOf)
  const twice = names.find((name, at) => names.indexOf(name) !== at)
  if (twice !== undefined) throw new TypeError(`server ${twice} is named twice`)
  return checked
}

function placeOf(server: unknown): { readonly host: string; readonly port: number } {
  const wrong = new TypeError(`server ${shown(server)}: it must be "host:port"`)
  if (typeof server !== 'string') throw wrong
  const [, ipv6, host = ipv6, port = '11211'] =
    /^(?:\[([\da-f:.]+)\]|([^\s:/@?#,[\]]+))(?::(\d{1,5}))?$/i.exec(server.trim()) ?? []
  if (host === undefined || Number(port) < 1 || Number(port) > 65_535) throw wrong
  return { host, port: Number(port) }
}
