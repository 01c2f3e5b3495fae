import type { ChildProcess } from 'node:child_process'
import type { Lease, Lock } from '@locks/core'
import { asStandsFor, type StandsFor } from '../backend.ts'
import { CommandError, type Ending, EXIT } from '../exit.ts'
import { codeOf } from '../failure.ts'
import type { Session } from '../session.ts'
import { printable } from '../text.ts'
import { startBehindGate, startDirectly } from './gate.ts'
import { Guard } from './guard.ts'
import type { RunOptions } from './options.ts'
import { killTree } from './process-tree.ts'
import type { Signals } from './signals.ts'

export interface Ran {
  readonly ending: Ending
  /** Whether the command was told to end because of the lease. */
  readonly endedForLease: boolean
}

interface Started {
  readonly child: ChildProcess
  /** How it ended; rejects if it could not be started. */
  readonly exited: Promise<Ending>
}

/** Runs the command while the lease is held. */
export async function runUnder(
  lock: Lock,
  lease: Lease,
  options: RunOptions,
  session: Session,
  signals: Signals,
  say: (line: string) => void,
): Promise<Ran> {
  const { onLost, ttl } = options
  const { backend } = session
  const env = environment(lease, options, session)
  const vouching = process.platform === 'win32' ? undefined : asStandsFor(backend)
  const started =
    vouching === undefined
      ? await startWithLease(lease, options, env, signals)
      : await startVouchedFor(vouching, lease, options, env, signals)
  if (started === undefined) return { ending: signals.received as NodeJS.Signals, endedForLease: false }

  const { child, exited } = started
  // On one host a look costs next to nothing, so that a hold broken by hand is noticed before its next renewal.
  const ask = backend.capabilities.guarantee.scope === 'network' ? null : () => lookFor(lock, lease)
  const guard = new Guard({ lease, child, onLost, ttl, ask, say })
  // Whatever may end this process in the midst: nobody would renew the lease any more.
  const abandon = () => {
    if (onLost !== 'ignore') killTree(child.pid as number)
  }
  process.once('exit', abandon)
  const ending = await exited
  process.off('exit', abandon)
  guard.end()
  return { ending, endedForLease: guard.acted }
}

/** What the command sees. */
function environment(lease: Lease, options: RunOptions, { url, namespace }: Session): NodeJS.ProcessEnv {
  const { LOCKS_BACKEND: _, ...inherited } = process.env
  return {
    ...inherited,
    LOCKS_NAME: options.name,
    LOCKS_NAMESPACE: namespace,
    LOCKS_FENCING_TOKEN: String(lease.fencingToken),
    ...(url === undefined ? {} : { LOCKS_BACKEND: url }),
  }
}

/** A hold that the backend no longer knows is found lost by renewing it. */
async function lookFor(lock: Lock, lease: Lease): Promise<void> {
  const { holders } = await lock.inspect()
  if (!holders.some(({ owner }) => owner === lease.owner)) await lease.renew()
}

/** Starts the command; undefined if a signal came before. */
async function startWithLease(
  lease: Lease,
  { command, ttl }: RunOptions,
  env: NodeJS.ProcessEnv,
  signals: Signals,
): Promise<Started | undefined> {
  // A grant from a queue may begin with a short claim.
  if (lease.remaining < ttl / 2) await lease.renew()
  if (signals.received !== undefined) return undefined
  lease.assertHeld()
  const child = startDirectly(command, env)
  signals.passOnTo(child)
  const exited = ended(child, command[0])
  if (child.pid === undefined) await exited
  return { child, exited }
}

/**
 * Starts the command so that the hold outlives this process for as long as the command runs: the shell that will become
 * the command waits until its process id stands in the backend's record.
 */
async function startVouchedFor(
  backend: StandsFor,
  lease: Lease,
  { command }: RunOptions,
  env: NodeJS.ProcessEnv,
  signals: Signals,
): Promise<Started | undefined> {
  const { child, open, shut } = startBehindGate(command, env)
  signals.passOnTo(child)
  const exited = ended(child, command[0])
  if (child.pid === undefined) await exited
  const vouch = async (): Promise<void> => {
    backend.standFor(child.pid as number)
    await lease.renew()
    lease.assertHeld()
  }
  try {
    // A signal may have ended the shell meanwhile: then nothing is to be waited for.
    await Promise.race([vouch(), exited])
    open()
  } catch (error) {
    shut()
    await exited
    throw error
  }
  return { child, exited }
}

function ended(child: ChildProcess, file: string): Promise<Ending> {
  const exited = new Promise<Ending>((resolve, reject) => {
    child.once('exit', (code, signal) => resolve(code ?? (signal as NodeJS.Signals)))
    child.on('error', (error) => {
      // It runs, but may not be signalled: it belongs to another user by now.
      if (child.pid !== undefined) return
      const missing = codeOf(error) === 'ENOENT'
      const reason = missing ? 'command not found' : `cannot be started: ${error.message}`
      reject(new CommandError(missing ? EXIT.notFound : EXIT.notExecutable, `${printable(file)}: ${reason}`, error))
    })
  })
  // Whoever starts it awaits it, but perhaps not at once.
  exited.catch(() => undefined)
  return exited
}
