import { hostname } from 'node:os'
import { basename } from 'node:path'
import type { HolderState, Lease, Lock } from '@locks/core'
import { formatDuration } from '../duration.ts'
import { CommandError, type Ending, EXIT } from '../exit.ts'
import { codeOf, explain } from '../failure.ts'
import { describeHolder, describeLock, type Session, statusCommand, withSession } from '../session.ts'
import { checkCommand } from './command-path.ts'
import type { RunOptions } from './options.ts'
import { type Ran, runUnder } from './run-under.ts'
import { Signals } from './signals.ts'

/** Takes the lock, runs the command, gives the lock up; answers how the command ended. */
export async function run(options: RunOptions, say: (line: string) => void): Promise<Ending> {
  checkCommand(options.command[0])
  const signals = new Signals()
  try {
    return await withSession(options.args, async (session) => {
      const lock = lockOf(options, session)
      const lease = await acquire(lock, options, session, signals)
      if (lease === null) return signals.received as NodeJS.Signals
      const about = describeLock(options.name, session)
      return runAndRelease(lock, lease, options, session, signals, (line) => say(`${about}: ${line}`))
    })
  } finally {
    signals.dispose()
  }
}

function lockOf({ name, mode }: RunOptions, { locks }: Session): Lock {
  if (mode === 'exclusive') return locks.lock(name)
  return mode === 'shared' ? locks.readWriteLock(name).read : locks.semaphore(name, mode.permits)
}

/** Null: a signal came first. */
async function acquire(lock: Lock, options: RunOptions, session: Session, signals: Signals): Promise<Lease | null> {
  const { ttl, timeout, command } = options
  try {
    const lease = await lock.acquire({ ttl, timeout, metadata: metadataOf(command[0]), signal: signals.wish })
    if (signals.received === undefined) return lease
    await lease.release().catch(() => false)
    return null
  } catch (error) {
    if (signals.received !== undefined) return null
    if (codeOf(error) !== 'LOCK_TIMEOUT') throw error
    throw notAcquired(options, session, error)
  }
}

const MAX_METADATA = 120

/** What others see in `status` and in messages. Without the command's arguments, which may hold secrets. */
const metadataOf = (file: string): string =>
  `${hostname()}:${process.pid} ${basename(file)}`.slice(0, MAX_METADATA).toWellFormed()

function notAcquired(options: RunOptions, session: Session, error: unknown): CommandError {
  const holder = error instanceof Error && 'holder' in error ? (error.holder as HolderState | undefined) : undefined
  const timeout = options.timeout ?? DEFAULT_TIMEOUT
  const when = timeout === 0 ? 'not free' : `not acquired within ${formatDuration(timeout)}`
  const why = holder === undefined ? 'others are before us' : `held by ${describeHolder(holder)}`
  const look = statusCommand(options.name, options.args)
  const message = `${describeLock(options.name, session)}: ${when}: ${why}. Look: ${look}`
  const advice = holder === undefined ? '' : adviceFor(holder, timeout, session)
  return new CommandError(EXIT.notAcquired, message + advice)
}

/** On a local backend only a holder on another clock has no age: then nothing but watching tells whether it is alive. */
function adviceFor({ age, remaining }: HolderState, timeout: number, { backend }: Session): string {
  if (age !== undefined || backend.capabilities.guarantee.scope !== 'host') return ''
  const why = '. It is from before a restart or from another container, where its end cannot be seen'
  if (remaining === Number.POSITIVE_INFINITY) return `${why}: if it is dead, break it`
  return `${why}: wait with --timeout ${Math.ceil((timeout + remaining) / 1_000) + 1}s, or break it`
}

/** That of @locks/core. */
const DEFAULT_TIMEOUT = 10_000

async function runAndRelease(
  lock: Lock,
  lease: Lease,
  options: RunOptions,
  session: Session,
  signals: Signals,
  say: (line: string) => void,
): Promise<Ending> {
  let ran: Ran
  try {
    ran = await runUnder(lock, lease, options, session, signals, say)
  } catch (error) {
    // Why the command could not be started is what counts.
    await lease.release().catch(() => false)
    const { exit, message } = explain(error)
    throw codeOf(error) === undefined ? error : new CommandError(exit, `${message}. The command was not started`, error)
  }

  const { held } = lease
  let released: boolean
  try {
    released = await lease.release()
  } catch (error) {
    const rest = options.ttl === Number.POSITIVE_INFINITY ? 'break it by hand' : 'it ends by its ttl'
    say(`the command has ended, but the lock could not be released (${rest}): ${explain(error).message}`)
    // The command had it to its end.
    released = held
  }
  if (ran.endedForLease) return EXIT.lost
  if (released || options.onLost === 'ignore') return ran.ending
  say('lost while the command ran: somebody else may have held it at the same time')
  return ran.ending === EXIT.ok ? EXIT.lost : ran.ending
}
