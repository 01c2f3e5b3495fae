import type { EtcdAddress } from './address.ts'

const GRAMMAR = 'etcd://user:password@host:2379,host:2379?prefix=TEXT, etcds:// with TLS'

/** What was given may have a password in it. */
const wrong = (what: string): TypeError => new TypeError(`${what} in the URL: it must be like ${GRAMMAR}`)

/** `etcd:`, `etcds://user:password@host:port,host:port?prefix=TEXT`; also `http://`, `https://`, or hosts alone. */
export function optionsFromUrl(url: string): EtcdAddress & { readonly prefix?: string } {
  if (!/^[a-z0-9+.-]+:(?:\/\/|$)/i.test(url)) return { hosts: url }
  const parts = /^(etcds?|https?):(?:\/\/(?:([^@/?#]*)@)?([^/?#@]*)\/?(?:\?([^#]*))?)?$/i.exec(url)
  if (parts === null) throw wrong('something is wrong')
  const [, scheme = '', user, hosts = '', query] = parts
  const secure = /^(?:etcds|https)$/i.test(scheme)
  const parameters = new URLSearchParams(query)
  for (const name of parameters.keys()) if (name !== 'prefix') throw wrong(`unknown option ${JSON.stringify(name)}`)
  const prefix = parameters.get('prefix')
  const list = (hosts === '' ? '127.0.0.1:2379' : hosts).split(',').map((host) => (secure ? `https://${host}` : host))
  return {
    hosts: list,
    ...(prefix === null ? {} : { prefix }),
    ...(user === undefined || user === '' ? {} : { auth: authFrom(user) }),
  }
}

function authFrom(user: string): { readonly username: string; readonly password: string } {
  const colon = user.indexOf(':')
  if (colon < 1) throw wrong('a user without a password')
  try {
    return {
      username: decodeURIComponent(user.slice(0, colon)),
      password: decodeURIComponent(user.slice(colon + 1)),
    }
  } catch {
    throw wrong('a user or password that is not percent-encoded')
  }
}
