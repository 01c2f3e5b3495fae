import { createLocks, type HolderState, type LockBackend } from '@locks/core'
import type { Arguments, Flags } from './arguments.ts'
import { openBackend } from './backend.ts'
import { formatDuration } from './duration.ts'
import { usageError } from './exit.ts'
import { printable, shellWord } from './text.ts'

/** The flags that say where the locks are. */
export const WHERE: Flags = { backend: 'a URL', namespace: 'a namespace', import: 'a module' }

export interface Session {
  readonly backend: LockBackend
  /** What `--backend` or LOCKS_BACKEND said. */
  readonly url: string | undefined
  readonly namespace: string
  readonly locks: ReturnType<typeof createLocks>
}

/** Opens what the flags name, runs `body`, closes it again. */
export async function withSession<T>(args: Arguments, body: (session: Session) => Promise<T>): Promise<T> {
  const url = args.values.get('backend') ?? (process.env.LOCKS_BACKEND || undefined)
  const namespace = args.values.get('namespace') ?? process.env.LOCKS_NAMESPACE ?? ''
  const backend = await openBackend(url, args.values.get('import'))
  const locks = createLocks({ backend, namespace })
  try {
    return await body({ backend, url, namespace, locks })
  } finally {
    // The outcome is known by now, and the process is about to end: a failing close changes nothing.
    await locks.close().catch(() => undefined)
  }
}

/** The one NAME of a command. */
export function soleName(command: string, args: Arguments): string {
  const [name, ...rest] = args.positionals
  if (name === undefined || name === '') throw usageError(`which lock? See: locks ${command} --help`)
  if (rest.length > 0)
    throw usageError(`one NAME only, not also ${JSON.stringify(rest.join(' '))}. See: locks ${command} --help`)
  return name
}

/** `lock "nightly" (namespace "etl") on file /home/ada/.locks`. */
export function describeLock(name: string, { backend, namespace }: Session): string {
  const space = namespace === '' ? '' : ` (namespace ${JSON.stringify(namespace)})`
  return `lock ${printable(JSON.stringify(name))}${space} on ${describeBackend(backend)}`
}

export const describeBackend = (backend: LockBackend): string => printable(`${backend.name} ${backend.location}`)

/** `web-1:4711 pg_dump (exclusive, for 12 s, fencing token 17)`. */
export function describeHolder(holder: HolderState): string {
  const { age, metadata, mode, fencingToken } = holder
  const since = age === undefined ? '' : `, for ${formatDuration(age)}`
  return `${metadata === '' ? `owner ${holder.owner}` : printable(metadata)} (${mode}${since}, fencing token ${fencingToken})`
}

/** The command that shows a lock, with the flags that led there; a URL that may hold a password is left out. */
export function statusCommand(name: string, { values }: Arguments): string {
  const flags = ['backend', 'namespace', 'import'].flatMap((flag) => {
    const value = values.get(flag)
    return value === undefined || (flag === 'backend' && value.includes('@')) ? [] : [`--${flag}`, shellWord(value)]
  })
  return ['locks status', shellWord(name), ...flags].join(' ')
}
