import type { EtcdAddress } from './address.ts'
import type { EtcdClient } from './client.ts'
import { DEFAULT_MIN_TTL } from './guarantee.ts'
import type { Connections } from './members.ts'
import { locationOf, openMembers } from './own-clients.ts'
import { optionsFromUrl } from './url.ts'

/** A client of yours, or where to connect. */
export interface EtcdBackendOptions extends EtcdAddress {
  /**
   * A client of etcd3 that is yours: it stays open, and nothing is registered on it. Connections of one's own are made to
   * where it was told to connect, without its retries and its circuit breaker. With a client, none of `hosts`, `auth`,
   * `credentials` and `grpcOptions` is allowed.
   */
  readonly client?: EtcdClient | undefined
  /**
   * What the keys start with; the locks of different prefixes are different locks. A namespace comes right after it: end it
   * with `/`, or `app` with the namespace `2` is `app2`. Default `locks/`.
   */
  readonly prefix?: string | undefined
  /**
   * The shortest ttl in milliseconds, in whole seconds: what your servers grant, which is half again the election timeout,
   * rounded up. A shorter ttl is a RangeError. Default 2,000.
   */
  readonly minTtl?: number | undefined
}

export interface Settings {
  readonly connections: Connections
  readonly prefix: string
  readonly minTtl: number
}

export const DEFAULT_PREFIX = 'locks/'
export const DEFAULT_HOST = '127.0.0.1:2379'
const ADDRESS = ['hosts', 'auth', 'credentials', 'grpcOptions'] as const
const KNOWN: readonly string[] = ['client', 'prefix', 'minTtl', ...ADDRESS]

const shown = (value: unknown): string => (typeof value === 'string' ? JSON.stringify(value) : String(value))

/** Checks what was given to `etcdBackend`: a URL, hosts, a client, or options. */
export function settingsFrom(
  given: string | URL | readonly string[] | EtcdClient | EtcdBackendOptions | undefined,
): Settings {
  if (given === undefined) return fromOptions({})
  if (typeof given === 'string' || given instanceof URL) return fromOptions(optionsFromUrl(String(given)))
  if (typeof given !== 'object' || given === null)
    throw new TypeError(`etcdBackend was given ${shown(given)}: give a URL, hosts, a client of etcd3 or options`)
  if (Array.isArray(given)) return fromOptions({ hosts: given as readonly string[] })
  return isClient(given) ? fromOptions({ client: given }) : fromOptions(given as EtcdBackendOptions)
}

const isClient = (value: object): value is EtcdClient =>
  'kv' in value && 'leaseClient' in value && 'watchClient' in value

function fromOptions(options: EtcdBackendOptions): Settings {
  for (const name of Object.keys(options))
    if (!KNOWN.includes(name)) throw new TypeError(`unknown option ${shown(name)}: etcdBackend has ${KNOWN.join(', ')}`)
  const { client, prefix = DEFAULT_PREFIX, minTtl = DEFAULT_MIN_TTL } = options
  if (typeof prefix !== 'string' || !prefix.isWellFormed())
    throw new TypeError(`prefix is ${shown(prefix)}: it must be a string without lone surrogates`)
  if (!Number.isInteger(minTtl / 1_000) || minTtl < 1_000 || minTtl > 3_600_000)
    throw new RangeError(`minTtl is ${shown(minTtl)}: it must be whole seconds, from 1000 to 3600000 milliseconds`)
  if (client === undefined) return { connections: ownConnections(options), prefix, minTtl }
  const other = ADDRESS.find((name) => options[name] !== undefined)
  if (other !== undefined) throw new TypeError(`${other} is given beside client: the client knows where to connect`)
  if (typeof client !== 'object' || client === null || !isClient(client))
    throw new TypeError(`client is ${shown(client)}: it must be a client of etcd3`)
  return { connections: connectionsLike(client), prefix: Buffer.from(client.prefix ?? []).toString() + prefix, minTtl }
}

/**
 * Where a client leads. Its retries would make a release that got through look like one that came too late, and its circuit
 * breaker an outage of a moment last for seconds; so there are connections of one's own to where it was told to connect.
 */
function connectionsLike(client: EtcdClient): Connections {
  const { options } = client as { readonly options?: EtcdAddress }
  if (typeof options !== 'object' || options === null)
    return { location: 'a client', own: false, open: async () => [client] }
  const { hosts, auth, credentials, grpcOptions } = options
  return ownConnections({ hosts, auth, credentials, grpcOptions })
}

function ownConnections({ hosts = DEFAULT_HOST, auth, credentials, grpcOptions }: EtcdBackendOptions): Connections {
  const list = typeof hosts === 'string' ? hosts.split(',') : hosts
  if (!Array.isArray(list) || list.length === 0)
    throw new TypeError(`hosts is ${shown(hosts)}: it must be "host:port", or a list of these`)
  const checked = list.map(checkHost)
  const secure = checked.filter((host) => host.startsWith('https://')).length
  if (secure > 0 && secure < checked.length)
    throw new TypeError('hosts are partly https:// and partly not: give one kind')
  if (auth !== undefined) {
    if (typeof auth !== 'object' || auth === null) throw new TypeError('auth must be { username, password }')
    if (typeof auth.username !== 'string' || auth.username === '')
      throw new TypeError(`auth.username is ${shown(auth.username)}: it must be a non-empty string`)
    if (typeof auth.password !== 'string') throw new TypeError('auth.password is not a string')
  }
  if (credentials !== undefined) {
    if (typeof credentials !== 'object' || credentials === null || !Buffer.isBuffer(credentials.rootCertificate))
      throw new TypeError('credentials must be { rootCertificate, privateKey?, certChain? }, each a Buffer with PEM')
    if ((credentials.privateKey === undefined) !== (credentials.certChain === undefined))
      throw new TypeError('credentials.privateKey and credentials.certChain go together')
  }
  if (grpcOptions !== undefined && (typeof grpcOptions !== 'object' || grpcOptions === null))
    throw new TypeError(`grpcOptions is ${shown(grpcOptions)}: it must be an object`)
  const open = () => openMembers({ hosts: checked, auth, credentials, grpcOptions })
  return { location: locationOf(checked), own: true, open }
}

/** With its port. */
function checkHost(host: unknown): string {
  const wrong = new TypeError(`host ${shown(host)}: it must be "host:port", with http:// or https:// before it or not`)
  if (typeof host !== 'string') throw wrong
  const [, scheme = '', name, port = '2379'] =
    /^(https?:\/\/)?(\[[0-9A-Fa-f:.]+\]|[^\s:/@?#[\]]+)(?::(\d{1,5}))?\/?$/.exec(host.trim()) ?? []
  if (name === undefined || Number(port) < 1 || Number(port) > 65_535) throw wrong
  return `${scheme}${name}:${port}`
}
