import { type LockBackend, registerBackend } from '@locks/core'
import { CommandError, EXIT, usageError } from './exit.ts'
import { findPackage } from './import-module.ts'

interface Adapter {
  readonly package: string
  readonly factory: string
  /** What to install for it. */
  readonly install: string
}

const adapter = (name: string, ...peers: readonly string[]): Adapter => ({
  package: `@locks/${name}`,
  factory: `${name}Backend`,
  install: `npm i ${[`@locks/${name}`, ...peers].join(' ')}`,
})

const redis = adapter('redis', 'ioredis')
const etcd = adapter('etcd', 'etcd3')

const ADAPTERS: ReadonlyMap<string, Adapter> = new Map([
  ['file', adapter('file')],
  ['redis', redis],
  ['rediss', redis],
  ['valkey', redis],
  ['valkeys', redis],
  ['etcd', etcd],
  ['etcds', etcd],
  ['memcached', adapter('memcached', 'memjs')],
  ['k8s', adapter('k8s', '@kubernetes/client-node')],
])

type Factory = (url?: string) => LockBackend

/**
 * The factory of an adapter package. It comes from the caller's folder, where an application has the version that it
 * runs itself, else from beside this command.
 */
async function load(scheme: string, { package: name, factory, install }: Adapter): Promise<Factory> {
  const url = findPackage(name)
  if (url === undefined)
    throw new CommandError(EXIT.unavailable, `${scheme}: needs ${name}, which is not installed: ${install}`)
  try {
    const loaded: Readonly<Record<string, unknown>> = await import(url)
    const found = loaded[factory]
    if (typeof found === 'function') return found as Factory
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw new CommandError(EXIT.unavailable, `${name} does not load: ${reason}: ${install}`, error)
  }
  throw new CommandError(EXIT.unavailable, `${name} at ${url} has no ${factory}: ${install}`)
}

/** The file backend in its default directory. */
export async function defaultBackend(): Promise<LockBackend> {
  const fileBackend = await load('file', adapter('file'))
  return fileBackend()
}

/**
 * Makes a scheme known to @locks/core: by its adapter, or by a factory that tells why there is none. Either may be
 * replaced by a later registration of the same scheme, so a missing adapter is a failure only if it is needed.
 */
export async function registerScheme(scheme: string): Promise<void> {
  if (scheme === 'memory') return
  const known = ADAPTERS.get(scheme)
  const refuse = (error: unknown): Factory => {
    return () => {
      throw error
    }
  }
  const factory = known === undefined ? refuse(unknownScheme(scheme)) : await load(scheme, known).catch(refuse)
  registerBackend(scheme, factory)
}

function unknownScheme(scheme: string): CommandError {
  const known = ['memory', ...ADAPTERS.keys()].map((name) => `${name}:`).join(', ')
  return usageError(
    `the backend has the unknown scheme "${scheme}:": known are ${known}; others come from a module given with --import`,
  )
}
