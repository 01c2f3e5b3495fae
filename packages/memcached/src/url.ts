const GRAMMAR = 'memcached://user:password@host:11211,host:11211?prefix=TEXT'

/** What was given may have a password in it. */
const wrong = (what: string): TypeError => new TypeError(`${what} in the URL: it must be like ${GRAMMAR}`)

interface Parts {
  readonly servers: string
  readonly username: string | undefined
  readonly password: string | undefined
  readonly prefix: string | undefined
}

const decoded = (text: string): string => {
  try {
    return decodeURIComponent(text)
  } catch {
    throw wrong('a user or password that is not percent-encoded')
  }
}

/** `memcached:`, `memcached://user:password@host:port,host:port?prefix=TEXT`, or hosts alone. */
export function partsOf(url: string): Parts {
  if (!/^[a-z0-9+.-]+:(?:\/\/|$)/i.test(url))
    return { servers: url, username: undefined, password: undefined, prefix: undefined }
  const found = /^memcached:(?:\/\/(?:([^@/?#:]*):([^@/?#]*)@)?([^/?#@]*)\/?(?:\?([^#]*))?)?$/i.exec(url)
  if (found === null) throw wrong('something is wrong')
  const [, user, password, servers = '', query] = found
  const parameters = new URLSearchParams(query)
  for (const name of parameters.keys()) if (name !== 'prefix') throw wrong(`unknown option ${JSON.stringify(name)}`)
  return {
    servers: servers === '' ? 'localhost:11211' : servers,
    username: user === undefined ? undefined : decoded(user),
    password: password === undefined ? undefined : decoded(password),
    prefix: parameters.get('prefix') ?? undefined,
  }
}
