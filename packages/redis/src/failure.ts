import { LockBackendError, LockError, type LockKey } from '@locks/core'

const MEANINGS: readonly (readonly [RegExp, string])[] = [
  [/^OOM /, 'the server has reached maxmemory and takes no new locks (those held are as they were): give it memory'],
  [
    /^(?:NOPERM|ERR (?:The user executing the script|ACL failure in script))/,
    'this user lacks a permission: it needs +@scripting +@read +@write +@pubsub +time +ping, keys ~PREFIX*, ' +
      'channels &PREFIX* (on a Cluster also +cluster|slots)',
  ],
  [/^(?:NOAUTH|WRONGPASS)/, 'the server wants another user name or password'],
  [/^READONLY/, 'the server is a replica, which takes no locks: connect to the master'],
  [/^MISCONF/, 'the server refuses writes since it cannot save to disk: see its log'],
  [/^ERR (?:Error compiling script|This Redis command is not allowed from script)/, 'Redis 7.0 or Valkey is needed'],
  [/^ERR .*(?:PEXPIRETIME|Unknown Redis command)/i, 'Redis 7.0 or Valkey is needed'],
]

/** These don't change by asking again at once. */
const FINAL = /^(?:OOM|NOPERM|NOAUTH|WRONGPASS|MISCONF|ERR)/

const describe = ({ name, namespace }: LockKey): string =>
  `lock ${JSON.stringify(name)}${namespace === '' ? '' : ` (namespace ${JSON.stringify(namespace)})`}`

/** Clients attach the command to an error: its arguments have a holder's secret, which must not get into a log. */
function withoutCommand(error: Error): Error {
  if (!('command' in error)) return error
  return Object.assign(new Error(error.message), { name: error.name })
}

/** What a failed request is for who has to mend it; final where repeating it would not help. */
export function failure(location: string, key: LockKey | undefined, action: string, thrown: unknown): Error {
  if (thrown instanceof LockError) return thrown
  if (!(thrown instanceof Error)) return new Error(String(thrown))
  const error = withoutCommand(thrown)
  const meaning = MEANINGS.find(([pattern]) => pattern.test(error.message))?.[1]
  if (!FINAL.test(error.message))
    return meaning === undefined ? error : new Error(`${meaning} (${error.message})`, { cause: error })
  const subject = key === undefined ? `redis ${location}` : `${describe(key)} on redis ${location}`
  const words = meaning === undefined ? error.message : `${meaning} (${error.message})`
  return new LockBackendError(`${subject}: ${action} failed: ${words}`, { key, cause: error })
}
